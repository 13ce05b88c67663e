from ros_anomaly.hazard.types import HazardLevel, HazardState
from ros_anomaly.messages.hazard import HazardReport
from ros_anomaly_sim.demo.live import LiveLine


def report(level: HazardLevel, stamp: int | None, latency_ms: float | None = 60.0, heartbeat: bool = False):
    state = HazardState(level, "why", stamp, nearest_m=31.4, latency_ms=latency_ms)
    return HazardReport(state, dropped=2, is_heartbeat=heartbeat)


def test_hazards_are_rises_and_answers_are_counted_once():
    line = LiveLine()
    for level, stamp in (("CLEAR", 1), ("HAZARD", 2), ("HAZARD", 3), ("CLEAR", 4), ("HAZARD", 5)):
        line.take(report(HazardLevel[level], stamp))
        line.take(report(HazardLevel[level], stamp, heartbeat=True))
    assert (line.hazards, line.answered) == (2, 5)


def test_the_line_has_time_rate_latency_state_and_counts():
    line = LiveLine()
    line.take(report(HazardLevel.HAZARD, 1))
    line.take(report(HazardLevel.HAZARD, 2))
    text = line.text(42.0, since_last_s=0.5)
    for part in ("42.0 s", "4.0 frames/s", "60 ms", "HAZARD 31 m", "hazards 1", "dropped 2", "(why)"):
        assert part in text
    assert " 0.0 frames/s" in line.text(42.1, since_last_s=1.0)


def test_failed_frames_and_silence_are_no_answers():
    line = LiveLine()
    assert "waiting for the detector" in line.text(0.0, 1.0)
    line.take(report(HazardLevel.UNKNOWN, 7, latency_ms=None))
    line.take(report(HazardLevel.UNKNOWN, None))
    assert line.answered == 0 and "UNKNOWN" in line.text(0.1, 1.0)
