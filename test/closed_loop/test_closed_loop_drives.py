"""Whole drives over the real client: who runs into what stands in the way, and who does not."""

from __future__ import annotations

import pytest
from carla_stage_rig import scenario

from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly_sim.scenarios.schema import Anomaly, Expected

pytest.importorskip("carla")

from ros_anomaly_sim.bridge.camera_rig import CameraKind, CameraPlan  # noqa: E402
from ros_anomaly_sim.closed_loop.course import Diverged, Tape  # noqa: E402
from ros_anomaly_sim.closed_loop.drivers import BlindDriver, OracleDriver, Verdict  # noqa: E402
from ros_anomaly_sim.closed_loop.policy import Policy  # noqa: E402
from ros_anomaly_sim.closed_loop.result import Cause, DriveResult, End  # noqa: E402
from ros_anomaly_sim.closed_loop.run import DriveOptions, drive, drive_taped  # noqa: E402

SMALL = CameraPlan((CameraKind.RGB,), (36, 64))
BLOCKED = scenario(Anomaly("static.prop.horse", 26.0, 0.3), expected=Expected.BLOCKED, route_m=40.0)
OPEN = scenario(Anomaly("static.prop.horse", 20.0, -5.0), route_m=25.0)


class Watcher:
    """Sees an anomaly that is in its image from so far away; after two images it trusts itself."""

    name, sees = "watcher", True

    def __init__(self, sees_from_m: float = 14.0, false_from_m: float | None = None) -> None:
        self._sees_from_m, self._false_from_m = sees_from_m, false_from_m

    def begin(self, course) -> None:
        self._images = 0
        self._at_m = [placed.first_m - course.front_m for placed in course.anomalies]

    def judge(self, moment):
        if moment.view is None:
            return None
        self._images += 1
        seen = {n for n in moment.view.boxes if self._at_m[n] - moment.travelled_m <= self._sees_from_m}
        if self._images <= 2:
            return Verdict(HazardLevel.UNKNOWN, "warming up")
        if self._false_from_m is not None and 0 <= moment.travelled_m - self._false_from_m < 2.0:
            return Verdict(HazardLevel.HAZARD, "a shadow")
        return Verdict(HazardLevel.HAZARD if seen else HazardLevel.CLEAR, "", frozenset(seen))


def test_blind_hits_what_stands_in_the_way(client):
    result = drive(client, BLOCKED, BlindDriver(), DriveOptions())
    assert result.end is End.COLLIDED and result.hits == 1 and not result.completed
    assert result.collisions[0].impact_mps == pytest.approx(30 / 3.6, abs=0.5)
    assert result.collisions[0].anomaly == 0 and result.anomalies[0].known_at_s is None
    # A second later all is told.
    assert result.duration_s == pytest.approx(result.collisions[0].at_s + 1.0, abs=0.051)


def test_an_oracle_stops_before_it(client):
    result = drive(client, BLOCKED, OracleDriver(Policy()), DriveOptions())
    outcome = result.anomalies[0]
    assert result.end is End.HELD and result.hits == 0 and result.collisions == ()
    assert outcome.in_path and outcome.margin_m is not None and 1.0 < outcome.margin_m < 15.0
    assert outcome.known_from_m is not None and outcome.known_from_m > outcome.margin_m
    assert [b.cause for b in result.brakings] == [Cause.ANOMALY]


def test_what_is_beside_the_way_stops_nobody(client):
    results = [drive(client, OPEN, driver, DriveOptions()) for driver in (BlindDriver(), OracleDriver(Policy()))]
    assert [r.completed for r in results] == [True, True]
    assert results[0].track == results[1].track and not results[0].anomalies[0].in_path


def test_a_watcher_stops_and_latency_costs_it_room(client):
    quick, late = (drive(client, BLOCKED, Watcher(), DriveOptions(cameras=SMALL, latency_ms=ms)) for ms in (0.0, 400.0))
    for result in (quick, late):
        assert result.end is End.HELD and result.hits == 0, result
        assert result.anomalies[0].known_from_m is not None
    margins = [result.anomalies[0].margin_m for result in (quick, late)]
    # 0.4 s at 30 km/h, less what the car had yet to gain.
    assert margins[0] - margins[1] > 2.0
    assert late.dropped > 0 and quick.dropped == 0 and quick.missed == late.missed == 0


def test_the_same_drive_gives_the_same_result(client):
    options = DriveOptions(cameras=SMALL, latency_ms=130.0)
    first, second = (drive(client, BLOCKED, Watcher(), options) for _ in range(2))
    assert first == second


def test_a_false_stop_is_counted_and_the_drive_goes_on(client):
    result = drive(client, OPEN, Watcher(0.0, false_from_m=8.0), DriveOptions(cameras=SMALL))
    assert result.completed and len(result.brakings) == 1
    assert result.brakings[0].cause is Cause.FALSE and result.brakings[0].reason == "a shadow"


def test_a_car_that_is_kept_from_setting_off_has_stopped_for_nothing(client):
    result = drive(client, OPEN, Watcher(0.0, false_from_m=0.0), DriveOptions(cameras=SMALL))
    assert result.end is End.HELD and result.travelled_m < 0.5
    assert (result.false_stops, result.unknown_stops) == (1, 0)


def test_a_taped_drive_is_the_same_drive_until_it_brakes_elsewhere(client):
    tape = Tape()
    options = DriveOptions(cameras=SMALL)
    first = drive(client, BLOCKED, Watcher(), options, tape=tape)
    assert drive_taped(tape, BLOCKED, Watcher(), options) == first and first.images_digest
    with pytest.raises(Diverged, match="tick"):
        drive_taped(tape, BLOCKED, Watcher(sees_from_m=10.0), options)


def test_results_are_plain_for_json_and_come_back(client):
    import json

    result = drive(client, BLOCKED, BlindDriver(), DriveOptions())
    assert DriveResult.from_plain(json.loads(json.dumps(result.to_plain()))) == result
    figures = json.loads(json.dumps(result.figures()))
    assert figures["end"] == "collided" and figures["hits"] == 1 and "track" not in figures
