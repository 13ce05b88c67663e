"""One frame of a sequence as the sequence figures take it, and the poses that its camera motion comes from."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import cv2
import numpy as np

from ros_anomaly.data.labels import VOID_ID
from ros_anomaly.hazard.config import CameraMount
from ros_anomaly.hazard.ground import BODY_FROM_OPTICAL, rotation_from_rpy

NO_MOVERS: Mapping[int, np.ndarray | None] = MappingProxyType({})


@dataclass(frozen=True)
class SequenceFrame:
    """A processed frame, its ground truth, and what is known of the motion.

    Attributes:
        stamp_ns: of the image.
        score: floating [h, w], finite; brought to the labels' size bilinearly where it differs.
        labels: uint8 [H, W], 0 inlier, 1 anomaly, 255 void.
        instance_ids: integer [H, W], 0 where there is no instance; None if unknown.
        depth_m: floating [H, W], along the optical axis, infinite in the sky; None if unknown.
        camera_pose: float64 [4, 4], optical frame (x right, y down, z forward) to world; None if unknown.
        speed_mps: forward speed of the vehicle; None if unknown.
        latency_ms: image in to result out, as measured for this frame; None if it was not.
        distances_m: instance id to distance ahead, of the anomalous objects; None: taken from the depth.
        mask: [H, W], non-zero where the detector flags; None: where the score is above the threshold.
        hazards: instance ids of the objects that HAZARD rests on in this frame.
        movers: instance ids that move by themselves, each with its pose (object to world, float64 [4, 4]) or None
            where that is not known.
    """

    stamp_ns: int
    score: np.ndarray
    labels: np.ndarray
    instance_ids: np.ndarray | None = None
    depth_m: np.ndarray | None = None
    camera_pose: np.ndarray | None = None
    speed_mps: float | None = None
    latency_ms: float | None = None
    distances_m: Mapping[int, float] | None = None
    mask: np.ndarray | None = None
    hazards: Collection[int] = ()
    movers: Mapping[int, np.ndarray | None] = field(default_factory=lambda: NO_MOVERS)

    def __post_init__(self) -> None:
        if self.score.ndim != 2 or self.labels.ndim != 2 or 0 in self.score.shape or 0 in self.labels.shape:
            raise ValueError(
                f"frame {self.stamp_ns}: expected score [h, w] and labels [H, W], "
                f"found {self.score.shape} and {self.labels.shape}"
            )
        for name in ("instance_ids", "depth_m", "mask"):
            array = getattr(self, name)
            if array is not None and array.shape != self.labels.shape:
                raise ValueError(
                    f"frame {self.stamp_ns}: expected {name} of the labels' shape {self.labels.shape}, "
                    f"found {array.shape}"
                )
        if self.labels.dtype != np.uint8:
            raise ValueError(f"frame {self.stamp_ns}: expected uint8 labels, found {self.labels.dtype}")
        found = np.flatnonzero(np.bincount(self.labels.ravel(), minlength=256))
        if not set(found.tolist()) <= {0, 1, VOID_ID}:
            raise ValueError(f"frame {self.stamp_ns}: expected labels 0, 1 and 255, found {found.tolist()}")
        if not np.isfinite(self.score).all():
            raise ValueError(f"frame {self.stamp_ns}: expected finite scores, found some that are not")
        for name in ("speed_mps", "latency_ms"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise ValueError(f"frame {self.stamp_ns}: expected a finite {name}, found {value}")
        if self.latency_ms is not None and self.latency_ms < 0:
            raise ValueError(f"frame {self.stamp_ns}: expected a latency of at least 0 ms, found {self.latency_ms}")
        poses = {"camera_pose": self.camera_pose, **{f"pose of {i}": pose for i, pose in self.movers.items()}}
        for name, pose in poses.items():
            if pose is not None:
                _check_pose(f"frame {self.stamp_ns}: {name}", pose)

    @property
    def is_anomaly(self) -> np.ndarray:
        """bool [H, W]."""
        return self.labels == 1

    @property
    def valid(self) -> np.ndarray:
        """bool [H, W], False where void."""
        return self.labels != VOID_ID

    def full_score(self) -> np.ndarray:
        """The score at the labels' size, float32 [H, W]."""
        return at_size(self.score, (self.labels.shape[0], self.labels.shape[1]))


def at_size(score: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A score map as float32 [H, W], bilinear where its size is another."""
    values = np.asarray(score, np.float32)
    if values.shape == size:
        return values
    return cv2.resize(values, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)


def planar_pose(x_m: float, y_m: float, yaw_rad: float) -> np.ndarray:
    """``base_link`` to world, float64 [4, 4], of a vehicle on the plane; at yaw 0 it faces along x."""
    pose = np.eye(4)
    pose[:3, :3] = rotation_from_rpy(0.0, 0.0, yaw_rad)
    pose[:2, 3] = x_m, y_m
    return pose


def pose_from_quaternion(
    position_m: tuple[float, float, float], quaternion: tuple[float, float, float, float]
) -> np.ndarray:
    """float64 [4, 4] from a position and a quaternion (x, y, z, w), as odometry has them; ValueError if not."""
    x, y, z, w = quaternion
    norm = x * x + y * y + z * z + w * w
    if not (math.isfinite(norm) and norm > 1e-12):
        raise ValueError(f"quaternion: expected a finite one other than null, found {quaternion}")
    if not all(map(math.isfinite, position_m)):
        raise ValueError(f"position: expected a finite one, found {position_m}")
    s = 2.0 / norm
    pose = np.eye(4)
    pose[:3, :3] = [
        [1 - s * (y * y + z * z), s * (x * y - z * w), s * (x * z + y * w)],
        [s * (x * y + z * w), 1 - s * (x * x + z * z), s * (y * z - x * w)],
        [s * (x * z - y * w), s * (y * z + x * w), 1 - s * (x * x + y * y)],
    ]
    pose[:3, 3] = position_m
    return pose


def camera_pose(base: np.ndarray, mount: CameraMount) -> np.ndarray:
    """Optical frame to world, float64 [4, 4], of a camera mounted so on a vehicle whose ``base_link`` is there."""
    in_base = np.eye(4)
    in_base[:3, :3] = rotation_from_rpy(mount.roll_rad, mount.pitch_rad, mount.yaw_rad) @ BODY_FROM_OPTICAL
    in_base[:3, 3] = mount.x_m, mount.y_m, mount.z_m
    return base @ in_base


def _check_pose(name: str, pose: np.ndarray) -> None:
    rotation = pose[:3, :3] if pose.shape == (4, 4) else np.zeros((3, 3))
    rigid = np.isfinite(pose).all() and np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-6)
    if not rigid or not np.array_equal(pose[3], (0, 0, 0, 1)) or np.linalg.det(rotation) < 0:
        raise ValueError(f"{name}: expected a rigid transform [4, 4], found {np.array2string(pose, precision=3)}")
