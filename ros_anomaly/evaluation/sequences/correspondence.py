"""Which pixels of two frames show the same point of the world, from depth and motion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ros_anomaly.evaluation.sequences.frame import SequenceFrame
from ros_anomaly.hazard.pinhole import Pinhole, directions, pixels

DEPTH_TOLERANCE = 0.02
"""Share by which the depth that is seen may differ from the one expected."""


@dataclass(frozen=True)
class Correspondences:
    """``n`` points of the world that both frames show.

    Attributes:
        rows, columns: int64 [n], pixels of the later frame.
        u, v: float64 [n], where the earlier frame shows the same point: column and row, between pixel centres.
    """

    rows: np.ndarray
    columns: np.ndarray
    u: np.ndarray
    v: np.ndarray


def correspondences(earlier: SequenceFrame, later: SequenceFrame, camera: Pinhole) -> Correspondences:
    """Every pixel of ``later`` whose point of the world ``earlier`` shows too.

    A pixel is lifted by its depth, carried into the earlier camera by both camera poses (and by the motion of its
    object where that is known), and projected. It corresponds if it falls between the pixel centres of the earlier
    image, if the depth seen there is the one expected within ``DEPTH_TOLERANCE``, and if the nearest pixel there has
    its instance id. Depth is interpolated as its inverse, which is linear in the image on any plane, so that far and
    slanted ground corresponds, and an edge with another surface behind does not. Objects that move in a way that is
    not known, void pixels of either frame, and the sky (no finite depth) are left out.

    Args:
        camera: intrinsics at the labels' size.

    Raises:
        ValueError: sizes differ, or depth, pose or instance ids are missing.
    """
    before, after = _Seen.of(earlier), _Seen.of(later)
    if earlier.labels.shape != later.labels.shape:
        raise ValueError(f"expected frames of one size, found {earlier.labels.shape} and {later.labels.shape}")
    usable = np.isfinite(after.depth_m) & (after.depth_m > 0) & later.valid
    usable &= ~np.isin(after.instance_ids, _unknown_movers(earlier, later))
    rows, columns = np.nonzero(usable)
    depth = after.depth_m[rows, columns].astype(np.float64)
    points = directions(camera, columns, rows) * depth[:, None]
    points = _carried(points, after.instance_ids[rows, columns], earlier, later)
    expected = points[:, 2]
    u, v = pixels(camera, points)
    height, width = earlier.labels.shape
    # Points behind the camera have NaN, which passes no comparison.
    inside = (u >= 0) & (u <= width - 1) & (v >= 0) & (v <= height - 1)
    rows, columns, u, v, expected = (array[inside] for array in (rows, columns, u, v, expected))
    nearest = (np.rint(v).astype(np.int64), np.rint(u).astype(np.int64))
    inverse = np.divide(1.0, before.depth_m, out=np.zeros(before.depth_m.shape), where=before.depth_m > 0)
    same = np.abs(sample(inverse, u, v) * expected - 1.0) <= DEPTH_TOLERANCE
    same &= before.instance_ids[nearest] == after.instance_ids[rows, columns]
    same &= earlier.valid[nearest]
    return Correspondences(rows[same], columns[same], u[same], v[same])


def sample(image: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Bilinear values float64 [n] of a floating image [H, W] at columns ``u`` and rows ``v``, all inside it."""
    height, width = image.shape
    left = np.minimum(u.astype(np.int64), max(width - 2, 0))
    top = np.minimum(v.astype(np.int64), max(height - 2, 0))
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    across, down = u - left, v - top
    upper = image[top, left] * (1 - across) + image[top, right] * across
    lower = image[bottom, left] * (1 - across) + image[bottom, right] * across
    return upper * (1 - down) + lower * down


@dataclass(frozen=True)
class _Seen:
    depth_m: np.ndarray
    instance_ids: np.ndarray

    @classmethod
    def of(cls, frame: SequenceFrame) -> _Seen:
        if frame.depth_m is None or frame.instance_ids is None or frame.camera_pose is None:
            raise ValueError(f"frame {frame.stamp_ns}: expected depth, instance ids and camera pose, found not all")
        return cls(frame.depth_m, frame.instance_ids)


def _unknown_movers(earlier: SequenceFrame, later: SequenceFrame) -> list[int]:
    ids = {*earlier.movers, *later.movers}
    return sorted(i for i in ids if earlier.movers.get(i) is None or later.movers.get(i) is None)


def _carried(points: np.ndarray, ids: np.ndarray, earlier: SequenceFrame, later: SequenceFrame) -> np.ndarray:
    """Points float64 [n, 3] of the later camera's frame as the earlier camera would have had them."""
    assert earlier.camera_pose is not None and later.camera_pose is not None
    to_earlier = np.linalg.inv(earlier.camera_pose)
    moved = _apply(to_earlier @ later.camera_pose, points)
    for instance_id, pose in _known_movers(earlier, later).items():
        own = ids == instance_id
        if own.any():
            moved[own] = _apply(to_earlier @ pose @ later.camera_pose, points[own])
    return moved


def _known_movers(earlier: SequenceFrame, later: SequenceFrame) -> Mapping[int, np.ndarray]:
    """Instance id to the transform that takes a world point of the object back to where it was."""
    known = {}
    for instance_id, pose in later.movers.items():
        before = earlier.movers.get(instance_id)
        if pose is not None and before is not None:
            known[instance_id] = before @ np.linalg.inv(pose)
    return known


def _apply(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ transform[:3, :3].T + transform[:3, 3]
