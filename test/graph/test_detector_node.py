"""The detector node on a real graph: what it says, when, and under which stamps."""

from __future__ import annotations

from detector_rig import picture

from ros_anomaly.hazard.types import HazardLevel


def test_from_first_moment_to_hazard_and_back(detector):
    """One drive through every level, with stamps, mask, flag and heartbeat checked on the way."""
    rig = detector
    first = rig.wait_for(lambda: rig.last, "a first status")
    assert first.state.level is HazardLevel.UNKNOWN

    rig.send_until(rig.level_is("clear"), "clear frames", picture)
    answered = rig.send(picture())
    report = rig.wait_for(lambda: rig.answer(answered), "the answer to a frame")
    assert report.state.level is HazardLevel.CLEAR and not report.state.regions

    rig.send_until(rig.level_is("hazard"), "a hazard", lambda: picture(anomaly=True))
    stamp = rig.send(picture(anomaly=True))
    report = rig.wait_for(lambda: rig.answer(stamp), "the answer to an anomalous frame")
    assert report.state.level is HazardLevel.HAZARD
    assert report.state.regions[0].in_corridor and 3 < report.state.nearest_m < 12
    print(report, rig.diagnostic("frames"))
