"""Can the time of a frame be trusted: order, age and gaps of image stamps, and the two clocks."""

from __future__ import annotations

from dataclasses import dataclass

from ros_anomaly.hazard.config import FreshnessConfig

_NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class Now:
    """The two clocks at one instant: ROS time (may be simulated) and steady time of this machine, nanoseconds."""

    ros_ns: int
    steady_ns: int


def elapsed_ms(since_ns: int, until_ns: int) -> float:
    """Milliseconds from one instant to another of the same clock; negative if the second is earlier."""
    return (until_ns - since_ns) / _NS_PER_MS


def stamp_fault(stamp_ns: int, previous_ns: int | None, ros_now_ns: int, config: FreshnessConfig) -> str | None:
    """Why an image stamp cannot be trusted, or None; ``previous_ns`` is the stamp of the frame before."""
    age_ms = elapsed_ms(stamp_ns, ros_now_ns)
    if stamp_ns <= 0:
        return f"image stamp is not set: {stamp_ns} ns"
    if age_ms > config.max_frame_age_ms:
        return f"frame is {age_ms:.0f} ms old, limit {config.max_frame_age_ms:.0f} ms"
    if age_ms < -config.max_future_ms:
        return f"image stamp is {-age_ms:.0f} ms in the future, limit {config.max_future_ms:.0f} ms"
    if previous_ns is None:
        return None
    gap_ms = elapsed_ms(previous_ns, stamp_ns)
    if gap_ms < 0:
        return f"image stamp went back by {-gap_ms:.0f} ms"
    if gap_ms == 0:
        return "image stamp did not advance"
    if gap_ms > config.max_gap_ms:
        return f"image stamp jumped ahead by {gap_ms:.0f} ms, limit {config.max_gap_ms:.0f} ms"
    return None
