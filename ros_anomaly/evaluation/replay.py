"""A recorded drive told again at any threshold with the node's own hazard code, and what is counted of it.

Images are answered on the drive's clock at the moment of their recording, and the heartbeat beats once before each of
them: the states are those of a bag evaluation of the same drive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from ros_anomaly.evaluation.score_track import ScoreTrack
from ros_anomaly.hazard.config import HazardConfig
from ros_anomaly.hazard.corridor import Corridor
from ros_anomaly.hazard.freshness import Now
from ros_anomaly.hazard.monitor import HazardMonitor, Observation
from ros_anomaly.hazard.regions import find_regions
from ros_anomaly.hazard.scene import scene_shift
from ros_anomaly.hazard.types import Assessment, HazardLevel, HazardState, Region

_NS_PER_S = 1_000_000_000
_NS_PER_MS = 1_000_000
_NOTHING = np.zeros((0, 0), np.uint8)
_NO_SCORE = np.zeros((0, 0), np.float32)


def replay(
    track: ScoreTrack,
    threshold: float,
    config: HazardConfig,
    lockstep: bool = False,
    usual_score: float | None = None,
) -> Iterator[HazardState]:
    """The monitor's state after every image: regions, corridor, confirmation and health as in the node, latency zero.

    Args:
        lockstep: as the node's parameter: no watchdog.
        usual_score: of the calibration; None, or one not below the threshold, judges no scene.
    """
    monitor = HazardMonitor(config, lockstep)
    last_ns = None
    for index in range(len(track)):
        recorded_ns, stamp_ns = int(track.frames.recorded_ns[index]), int(track.frames.stamps_ns[index])
        now = Now(recorded_ns, recorded_ns)
        if last_ns is None or recorded_ns > last_ns:
            monitor.step(None, now)
        last_ns = recorded_ns
        highest = float(track.frames.highest[index])
        regions = _regions(track, index, threshold, config) if highest > threshold else ()
        shift = None
        if usual_score is not None and usual_score < threshold:
            shift = scene_shift(float(track.usual_scores[index]), usual_score, threshold)
        assessment = Assessment(_NOTHING, _NO_SCORE, _NOTHING, regions, highest, 0.0, scene_shift=shift)
        yield monitor.step(Observation(assessment, stamp_ns, track.image_facts(index)), now)


def _regions(track: ScoreTrack, index: int, threshold: float, config: HazardConfig) -> tuple[Region, ...]:
    speed_mps, yaw_rate_rps = (float(value) for value in track.frames.motion[index])
    corridor = Corridor.from_motion(config.corridor, speed_mps, yaw_rate_rps)  # straight where they are not known
    ground = track.ground(index, config.camera)
    return find_regions(track.score(index), threshold, track.image_size, config.region, ground, corridor)[1]


def count_hazards(states: Iterable[HazardState], stamps_ns: np.ndarray, longest_s: float = 5.0) -> int:
    """How many events ``hazard_times_s`` has."""
    return len(hazard_times_s(states, stamps_ns, longest_s))


def hazard_times_s(states: Iterable[HazardState], stamps_ns: np.ndarray, longest_s: float = 5.0) -> list[float]:
    """Events, in seconds from the first stamp: each rise to HAZARD, and again after every ``longest_s`` that it lasts.

    Without the second half an alarm that never ends would be a single event, and the worst threshold the best.
    """
    events: list[int] = []
    since_ns = None
    for state, stamp in zip(states, stamps_ns, strict=True):
        if state.level is not HazardLevel.HAZARD:
            since_ns = None
        elif since_ns is None or stamp - since_ns >= longest_s * _NS_PER_S:
            events.append(int(stamp))
            since_ns = stamp
    return [(event - int(stamps_ns[0])) / _NS_PER_S for event in events]


def watched_s(track: ScoreTrack, states: Iterable[HazardState], config: HazardConfig) -> float:
    """Seconds of a drive over which the detector was in a position to raise a false HAZARD.

    Every image stands for the time until the next, a pause of the recording (``fresh.max_gap_ms``) for none. What is
    UNKNOWN does not count, but for the first images of a drive, at which no detector knows anything yet: frozen, dark
    or old images are no proof of calm. The threshold plays no part.
    """
    recorded_ns = track.frames.recorded_ns
    steps_ns = np.diff(recorded_ns).astype(np.float64)
    running = steps_ns[steps_ns <= config.fresh.max_gap_ms * _NS_PER_MS]
    usual_ns = float(np.median(running)) if len(running) else 0.0
    stands_for_ns = np.full(len(track), usual_ns)
    stands_for_ns[:-1] = np.where(steps_ns <= config.fresh.max_gap_ms * _NS_PER_MS, steps_ns, usual_ns)
    known = np.array([state.level is not HazardLevel.UNKNOWN for state in states])
    known[: config.confirm.recover - 1] = known.any()
    return float(stands_for_ns[known].sum()) / _NS_PER_S
