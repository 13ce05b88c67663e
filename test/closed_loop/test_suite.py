"""Scenarios one after the other: latency, what goes wrong, and going on where a run stopped. Drives are made up."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_closed_loop import drive as made_up_drive

from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly.messages.lockstep import DetectorSilent
from ros_anomaly_sim.closed_loop.folder import RunFolder
from ros_anomaly_sim.closed_loop.result import ComputeTime, End, TrackPoint
from ros_anomaly_sim.scenarios.files import find_scenario

pytest.importorskip("carla")

from ros_anomaly_sim.bridge.carla_views import CarlaView  # noqa: E402
from ros_anomaly_sim.bridge.handedness import EgoMotion  # noqa: E402
from ros_anomaly_sim.bridge.stage import Moment  # noqa: E402
from ros_anomaly_sim.bridge.world_hold import MissingBlueprint  # noqa: E402
from ros_anomaly_sim.closed_loop import server_at_hand as server_module  # noqa: E402
from ros_anomaly_sim.closed_loop import suite as suite_module  # noqa: E402
from ros_anomaly_sim.closed_loop.course import Diverged  # noqa: E402
from ros_anomaly_sim.closed_loop.drivers import Verdict  # noqa: E402
from ros_anomaly_sim.closed_loop.run import DriveOptions  # noqa: E402
from ros_anomaly_sim.closed_loop.server_at_hand import NoServer, ServerAtHand  # noqa: E402
from ros_anomaly_sim.closed_loop.suite import Suite  # noqa: E402

NAMES = ("corridor_horse", "beside_deer", "control_shadows")
SCENARIOS = tuple(find_scenario(name) for name in NAMES)


class Sitting:
    """A driver who is only asked for a name."""

    def __init__(self, name: str, sees: bool) -> None:
        self.name, self.sees = name, sees

    def begin(self, course) -> None:
        pass

    def judge(self, moment):
        return None


class Server:
    """Hands out nothing, and counts how often it was distrusted."""

    distrusted = 0

    def client(self, town: str):
        return town

    def distrust(self) -> None:
        self.distrusted += 1


class Empty:
    """A course with nothing on it."""

    anomalies, half_width_m, front_m, missed_images = (), 0.9, 2.0, 0


class Road:
    """Takes the place of the drives: remembers them, and does what it is told to."""

    def __init__(self) -> None:
        self.driven: list[tuple[str, str, float, bool]] = []
        self.trouble: dict[str, Exception] = {}
        self.diverges, self.films = False, True
        self.compute: ComputeTime | None = ComputeTime(230.4, 260.0, 90)

    def drive(self, client, scenario, driver, options, audience=None, tape=None):
        assert client == scenario.map
        return self._drive(scenario, driver, options, audience, taped=False)

    def drive_taped(self, tape, scenario, driver, options, audience=None):
        if self.diverges:
            raise Diverged("tick 7")
        return self._drive(scenario, driver, options, audience, taped=True)

    def _drive(self, scenario, driver, options, audience, taped: bool):
        if scenario.name in self.trouble:
            raise self.trouble[scenario.name]
        if audience is not None and self.films:
            audience.begin(Empty())
            view = CarlaView(np.full((*options.cameras.size, 3), 60, np.uint8), None, None, None, {})
            moment = Moment(0, EgoMotion((0, 0, 0), 0.0, 0.0), 0.0, view)
            audience.ticked(moment, TrackPoint(0.0, 0.0, 0.0, "clear", False), Verdict(HazardLevel.CLEAR, ""))
        self.driven.append((scenario.name, driver.name, options.latency_ms, taped))
        compute = self.compute if driver.sees else None
        return replace(made_up_drive(scenario.name, driver.name, End.COMPLETED, options.latency_ms), compute=compute)


@pytest.fixture
def road(monkeypatch: pytest.MonkeyPatch) -> Road:
    made = Road()
    monkeypatch.setattr(suite_module, "drive", made.drive)
    monkeypatch.setattr(suite_module, "drive_taped", made.drive_taped)
    return made


def suite_in(out: Path, latency_ms: float | None = None, resume: bool = False) -> Suite:
    folder = RunFolder(out)
    folder.begin({"latency_ms": latency_ms}, resume)
    drivers = (Sitting("blind", False), Sitting("detector", True))
    return Suite(folder, drivers, DriveOptions(latency_ms=latency_ms or 0.0), latency_ms is None, lambda line: None)


def test_the_measured_latency_is_that_of_the_first_drive_and_holds_for_all(tmp_path: Path, road: Road):
    records = list(suite_in(tmp_path).run(Server(), SCENARIOS))
    assert [r.name for r in records] == ["beside_deer", "corridor_horse", "control_shadows"]
    assert road.driven[:3] == [
        ("beside_deer", "blind", 0.0, False),
        ("beside_deer", "detector", 0.0, False),
        ("beside_deer", "detector", 231.0, True),
    ]
    assert {ms for _, driver, ms, _ in road.driven if driver == "detector"} == {0.0, 231.0}
    assert all(r.film is not None and (r.film.driver, r.film.latency_ms) == ("detector", 231.0) for r in records)


def test_a_resumed_run_drives_the_rest_at_the_same_latency(tmp_path: Path, road: Road):
    first = suite_in(tmp_path).run(Server(), SCENARIOS)
    assert next(first).name == "beside_deer"
    road.driven.clear()
    road.compute = ComputeTime(900.0, 990.0, 90)
    changed = replace(SCENARIOS[1], duration_s=SCENARIOS[1].duration_s + 1)
    for scenarios, again in ((SCENARIOS, False), ((SCENARIOS[0], changed, SCENARIOS[2]), True)):
        assert len(list(suite_in(tmp_path, resume=True).run(Server(), scenarios))) == 3
        assert (("beside_deer", "blind", 0.0, False) in road.driven) is again
        assert {ms for *_, ms, _ in road.driven} == {0.0, 231.0}


def test_a_drive_that_goes_another_way_is_driven(tmp_path: Path, road: Road):
    road.diverges = True
    (record,) = suite_in(tmp_path, latency_ms=150.0).run(Server(), SCENARIOS[:1])
    assert [entry[1:] for entry in road.driven] == [
        ("blind", 0.0, False),
        ("detector", 0.0, False),
        ("detector", 150.0, False),
    ]
    assert record.drive("detector", 150.0) is not None and RunFolder(tmp_path).film("corridor_horse").exists()


def test_no_latency_is_one_drive(tmp_path: Path, road: Road):
    (record,) = suite_in(tmp_path, latency_ms=0.0).run(Server(), SCENARIOS[:1])
    assert [entry[1:] for entry in road.driven] == [("blind", 0.0, False), ("detector", 0.0, False)]
    assert record.film is not None and record.film.latency_ms == 0.0


def test_a_drive_without_images_has_no_film(tmp_path: Path, road: Road):
    road.films = False
    (record,) = suite_in(tmp_path, latency_ms=0.0).run(Server(), SCENARIOS[:1])
    assert record.film is None and not RunFolder(tmp_path).film("corridor_horse").exists()


def test_a_detector_that_tells_no_time_cannot_be_measured(tmp_path: Path, road: Road):
    road.compute = None
    with pytest.raises(ValueError, match="--latency-ms"):
        list(suite_in(tmp_path).run(Server(), SCENARIOS))


def test_what_goes_wrong_in_one_scenario_leaves_the_others_alone(tmp_path: Path, road: Road):
    road.trouble = {"beside_deer": MissingBlueprint("no deer"), "control_shadows": RuntimeError("time-out of 60000ms")}
    suite, server = suite_in(tmp_path), Server()
    assert [r.name for r in suite.run(server, SCENARIOS)] == ["corridor_horse"]
    assert suite.missing.skipped == {"beside_deer": "no deer"}
    assert suite.missing.failed == {"control_shadows": "time-out of 60000ms"}
    assert server.distrusted == 1
    road.trouble = {}
    assert len(list(suite_in(tmp_path, resume=True).run(server, SCENARIOS))) == 3


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (OSError("disk full"), "disk full"),
        (TimeoutError(), "TimeoutError"),
        (ValueError("expected a lane of 140 m"), "expected a lane of 140 m"),
        (KeyError("ego"), "KeyError: 'ego'"),
    ],
)
def test_a_scenario_may_fail_in_any_way(tmp_path: Path, road: Road, trouble: Exception, words: str):
    road.trouble = {"beside_deer": trouble}
    suite, server = suite_in(tmp_path), Server()
    assert [r.name for r in suite.run(server, SCENARIOS)] == ["corridor_horse", "control_shadows"]
    assert suite.missing.failed == {"beside_deer": words} and server.distrusted == 1


def test_a_record_that_cannot_be_kept_is_a_failure_of_its_scenario(
    tmp_path: Path, road: Road, monkeypatch: pytest.MonkeyPatch
):
    keep = RunFolder.keep

    def keep_some(folder: RunFolder, record) -> None:
        if record.name == "beside_deer":
            raise OSError("no space left")
        keep(folder, record)

    monkeypatch.setattr(RunFolder, "keep", keep_some)
    suite = suite_in(tmp_path)
    assert [r.name for r in suite.run(Server(), SCENARIOS)] == ["corridor_horse", "control_shadows"]
    assert suite.missing.failed == {"beside_deer": "no space left"}


def test_without_a_detector_nothing_goes_on(tmp_path: Path, road: Road):
    road.trouble = {"corridor_horse": DetectorSilent("20 frames")}
    suite = suite_in(tmp_path)
    with pytest.raises(DetectorSilent):
        list(suite.run(Server(), SCENARIOS))
    assert set(RunFolder(tmp_path).records()) == {"beside_deer"} and suite.missing.failed == {}


def test_a_server_that_does_not_start_is_no_server():
    with ServerAtHand(None, lambda town: ["false"]) as server, pytest.raises(NoServer, match="ended"):
        server.client("Town2001")


def test_a_town_that_the_server_does_not_know_costs_only_that_town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server_module, "connect", lambda host, port, timeout_s: (host, port))
    started = tmp_path / "started"
    code = (
        "import sys\n"
        f"open({str(started)!r}, 'a').write(sys.argv[1] + ' ')\n"
        "if sys.argv[1] == 'Atlantis': sys.exit('no such town')\n"
        "print('ready on 127.0.0.1:4321', flush=True); sys.stdin.read()"
    )
    with ServerAtHand(None, lambda town: [sys.executable, "-c", code, town]) as server:
        assert server.client("Atlantis") == server.client("Atlantis") == ("127.0.0.1", 4321)
    assert started.read_text().split() == ["Atlantis", "Town2001"]
