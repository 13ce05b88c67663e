"""From tracks and verdicts to stops and to what was known. Tracks are made up, a letter a tick."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly_sim.closed_loop.policy import Policy
from ros_anomaly_sim.closed_loop.result import Cause, TrackPoint

pytest.importorskip("carla")

from ros_anomaly_sim.bridge.handedness import EgoMotion  # noqa: E402
from ros_anomaly_sim.bridge.stage import Contact, Moment  # noqa: E402
from ros_anomaly_sim.closed_loop.drivers import Verdict  # noqa: E402
from ros_anomaly_sim.closed_loop.scoring import Scores  # noqa: E402

TICK_S = 0.1
LEVELS = {"c": HazardLevel.CLEAR, "h": HazardLevel.HAZARD, "a": HazardLevel.HAZARD, "u": HazardLevel.UNKNOWN}
IN_THE_WAY = SimpleNamespace(
    name="deer", first_m=30.0, left_m=0.5, right_m=-0.5, reaches_into=lambda half_width_m: True
)
COURSE = SimpleNamespace(anomalies=(IN_THE_WAY,), half_width_m=0.9, front_m=2.0)


def scores(speeds: list[float], told: str, off_corridor: bool = False) -> Scores:
    """A drive at these speeds; ``a`` is a HAZARD that speaks of the anomaly, ``h`` one that does not."""
    made = Scores(COURSE, Policy())  # type: ignore[arg-type]
    for number, (speed, letter) in enumerate(zip(speeds, told, strict=True)):
        spoken_of = frozenset({0}) if letter == "a" else frozenset()
        level = LEVELS[letter]
        point = TrackPoint(TICK_S * number, 0.0, speed, level.value, level.flag)
        made.add(point, Verdict(level, f"as told: {letter}", spoken_of, spoken_of if off_corridor else frozenset()))
    return made


@pytest.mark.parametrize(
    ("speeds", "told", "found"),
    [
        # Held from the first moment on, and never let go.
        ([0.0] * 6, "hhhhhh", [(Cause.FALSE, True)]),
        ([0.0] * 6, "uuuuuu", [(Cause.UNKNOWN, True)]),
        ([0.0] * 6, "aaaaaa", [(Cause.ANOMALY, True)]),
        # A short doubt before is not what held it.
        ([0.0] * 6, "uhhhhh", [(Cause.FALSE, True)]),
        # It let go, the car crept, and was held again: one stop as long as it did not get going.
        ([8.0, 4.0, 0.0, 0.1, 0.3, 0.0], "hhhchh", [(Cause.FALSE, True)]),
        ([8.0, 4.0, 0.0, 2.0, 1.0, 0.0], "hhhchh", [(Cause.FALSE, True), (Cause.FALSE, True)]),
        # Held for another reason than it stopped for.
        ([8.0, 0.0, 0.0, 0.1, 0.0, 0.0], "uuuchh", [(Cause.UNKNOWN, True), (Cause.FALSE, True)]),
        ([8.0, 7.0, 6.0, 7.0, 8.0, 8.0], "chhccc", [(Cause.FALSE, False)]),
        ([8.0] * 6, "cccccc", []),
    ],
)
def test_every_stop_counts_also_of_a_car_that_stood(speeds: list[float], told: str, found):
    assert [(own.cause, own.stopped) for own in scores(speeds, told).brakings([])] == found


def test_what_is_held_again_and_again_lasts_from_first_to_last():
    (own,) = scores([8.0, 4.0, 0.0, 0.1, 0.3, 0.0], "hhhchh").brakings([])
    assert own.at_s == 0.0 and own.lasted_s == pytest.approx(0.5) and own.reason == "as told: h"


def test_standing_after_a_collision_is_no_stop():
    made = scores([8.0, 8.0, 0.0, 0.0, 0.0, 0.0], "cccuuu")
    assert made.brakings([(0.2, Contact(0, "static.prop.deer", 0))]) == ()
    assert len(made.brakings([])) == 1


def test_a_hazard_that_is_not_for_the_anomaly_does_not_make_it_known():
    moment = Moment(0, EgoMotion((0, 0, 0), 8.0, 0.0), 10.0, None)
    for off_corridor, cause in ((True, Cause.FALSE), (False, Cause.ANOMALY)):
        made = scores([8.0, 4.0, 0.0], "aaa", off_corridor)
        verdict = Verdict(HazardLevel.HAZARD, "", frozenset({0}), frozenset({0}) if off_corridor else frozenset())
        made.told(verdict, 0.1, moment)
        (outcome,), (braking,) = made.outcomes([]), made.brakings([])
        assert (outcome.known_from_m is None) is off_corridor and braking.cause is cause
        assert (outcome.margin_m is None) is off_corridor
