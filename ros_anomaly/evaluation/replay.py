"""Recorded score maps of a drive, and the drive told again at any threshold with the node's own hazard code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ros_anomaly.hazard.config import HazardConfig
from ros_anomaly.hazard.corridor import Corridor
from ros_anomaly.hazard.freshness import Now
from ros_anomaly.hazard.ground import GroundProjection
from ros_anomaly.hazard.monitor import HazardMonitor, Observation
from ros_anomaly.hazard.regions import find_regions
from ros_anomaly.hazard.types import Assessment, HazardLevel, HazardState
from ros_anomaly.runtime.contract import Engine

_NS_PER_S = 1_000_000_000


@dataclass(frozen=True)
class DriveImage:
    """A camera image of a drive, uint8 [H, W, 3] RGB, its stamp, and the vehicle's motion (yaw rate left positive)."""

    image: np.ndarray
    stamp_ns: int
    speed_mps: float
    yaw_rate_rps: float


@dataclass(frozen=True)
class ScoreTrack:
    """Score maps of one drive.

    Attributes:
        scores: float16 [n, h, w]; half precision moves a score by at most 5e-4 of itself.
        stamps_ns: int64 [n], ascending.
        motion: float64 [n, 2], speed in m/s and yaw rate in rad/s.
        image_size: (H, W) of the images.
    """

    scores: np.ndarray
    stamps_ns: np.ndarray
    motion: np.ndarray
    image_size: tuple[int, int]

    def __post_init__(self) -> None:
        n = len(self.scores)
        if n == 0 or self.scores.ndim != 3 or self.stamps_ns.shape != (n,) or self.motion.shape != (n, 2):
            raise ValueError(
                "ScoreTrack: expected scores [n, h, w], stamps [n] and motion [n, 2] with n > 0, "
                f"found {self.scores.shape}, {self.stamps_ns.shape}, {self.motion.shape}"
            )
        if (np.diff(self.stamps_ns) <= 0).any():
            raise ValueError("ScoreTrack: expected ascending stamps, found some that do not advance")

    @property
    def duration_s(self) -> float:
        """From the first image to the last, and one mean period more: every image stands for its period."""
        n = len(self.stamps_ns)
        span = float(self.stamps_ns[-1] - self.stamps_ns[0]) / _NS_PER_S
        return span * n / (n - 1) if n > 1 else 0.0

    def save(self, path: Path) -> None:
        """Write as .npz, whole or not at all."""
        temporary = path.with_name(f".{path.name}.tmp.npz")
        height, width = self.image_size
        np.savez(temporary, scores=self.scores, stamps_ns=self.stamps_ns, motion=self.motion, size=[height, width])
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> ScoreTrack:
        """Read what ``save`` wrote; OSError, ValueError or KeyError for anything else."""
        with np.load(path) as stored:
            height, width = (int(side) for side in stored["size"])
            return cls(stored["scores"], stored["stamps_ns"], stored["motion"], (height, width))


def record(engine: Engine, images: Iterable[DriveImage]) -> ScoreTrack:
    """Run a fused engine once on every image; images have the engine's size."""
    scores, stamps, motion = [], [], []
    size = engine.input_size
    for one in images:
        scores.append(engine.infer(one.image).score.astype(np.float16))
        stamps.append(one.stamp_ns)
        motion.append((one.speed_mps, one.yaw_rate_rps))
    if not scores:
        raise ValueError("drive: expected at least one image, found none")
    return ScoreTrack(np.stack(scores), np.array(stamps, np.int64), np.array(motion, np.float64), size)


def replay(
    track: ScoreTrack, threshold: float, config: HazardConfig, ground: GroundProjection | None
) -> Iterator[HazardState]:
    """The monitor's state after every image: regions, corridor and confirmation as in the node, latency zero."""
    monitor = HazardMonitor(config, lockstep=True)
    nothing = np.zeros((0, 0), np.uint8)
    for score, stamp, (speed, yaw_rate) in zip(track.scores, track.stamps_ns, track.motion, strict=True):
        values = score.astype(np.float32)
        corridor = Corridor.from_motion(config.corridor, float(speed), float(yaw_rate))
        mask, regions = find_regions(values, threshold, track.image_size, config.region, ground, corridor)
        assessment = Assessment(mask, values, nothing, regions, float(values.max()), 0.0)
        stamp_ns = int(stamp)
        yield monitor.step(Observation(assessment, stamp_ns, None), Now(stamp_ns, stamp_ns))


def count_hazards(states: Iterable[HazardState], stamps_ns: np.ndarray, longest_s: float = 5.0) -> int:
    """Events: each rise to HAZARD counts, and again after every ``longest_s`` that it lasts.

    Without the second half an alarm that never ends would be a single event, and the worst threshold the best.
    """
    events, since_ns = 0, None
    for state, stamp in zip(states, stamps_ns, strict=True):
        if state.level is not HazardLevel.HAZARD:
            since_ns = None
        elif since_ns is None or stamp - since_ns >= longest_s * _NS_PER_S:
            events, since_ns = events + 1, stamp
    return events
