"""What became of each object: in a frame, found or not; over a drive, when and at what distance it was known."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

MIN_OVERLAP = 0.2
"""Share of an object's visible pixels that the mask must cover for the object to be found in a frame."""


def found_objects(
    mask: np.ndarray, instance_ids: np.ndarray, objects: list[int], min_overlap: float = MIN_OVERLAP
) -> dict[int, bool]:
    """Whether each of ``objects`` that is visible was found; objects without a pixel are left out.

    Args:
        mask: [H, W], non-zero where anomalous.
        instance_ids: integer [H, W].
        objects: instance ids to ask for.
    """
    if mask.shape != instance_ids.shape:
        raise ValueError(f"expected mask and instance ids of one shape, found {mask.shape} and {instance_ids.shape}")
    size = max([0, *objects]) + 1
    wanted = np.isin(instance_ids, objects)
    ids = instance_ids[wanted].astype(np.int64)
    visible = np.bincount(ids, minlength=size)
    covered = np.bincount(ids[mask[wanted] > 0], minlength=size)
    return {i: bool(covered[i] >= min_overlap * visible[i]) for i in objects if visible[i] > 0}


@dataclass(frozen=True)
class ObjectReport:
    """One object over a drive; times in seconds of the drive, distances in metres, None for "never".

    Attributes:
        instance_id: as in the ground truth.
        seen_frames: frames in which it was visible with at least ``min_visible_px``.
        found_frames: those of them in which it was found.
        first_seen_m: distance at the first of them.
        first_found_s, first_found_m: when it was first found, in however short a flicker.
        stable_s, stable_m: when it was first found in ``stable_frames`` such frames in a row (the last of these).
        hazard_s, hazard_m: when HAZARD first rested on it while it was found.
        nearest_m: the least distance at which it was visible.
        first_found_ttc_s, stable_ttc_s, hazard_ttc_s: time to contact at these moments, seconds.
    """

    instance_id: int
    seen_frames: int
    found_frames: int
    first_seen_m: float | None
    first_found_s: float | None
    first_found_m: float | None
    stable_s: float | None
    stable_m: float | None
    hazard_s: float | None
    hazard_m: float | None
    nearest_m: float | None
    first_found_ttc_s: float | None = None
    stable_ttc_s: float | None = None
    hazard_ttc_s: float | None = None

    @property
    def missed(self) -> bool:
        """Never stably known."""
        return self.stable_s is None


STANDING_MPS = 0.1
"""Below this forward speed a vehicle stands, as odometry's noise would have it creep."""


def time_to_contact_s(distance_m: float, speed_mps: float | None) -> float | None:
    """Distance over the vehicle's own forward speed, never below 0, as if the object stood.

    None where no contact lies ahead or none is known of: the vehicle stands or rolls back, or its speed is not given.
    """
    if speed_mps is None or speed_mps < STANDING_MPS:
        return None
    return max(distance_m, 0.0) / speed_mps


@dataclass(frozen=True)
class _Mark:
    """A moment of an object: when, how far off, and how long until contact; all None for one that never came."""

    time_s: float | None = None
    distance_m: float | None = None
    ttc_s: float | None = None


@dataclass
class _Record:
    seen: int = 0
    found: int = 0
    in_a_row: int = 0
    first_seen_m: float | None = None
    nearest_m: float = float("inf")
    marks: dict[str, _Mark] = field(default_factory=dict)


class ObjectTracker:
    """Follows ground-truth objects through the processed frames of a drive; memory grows with the objects only."""

    def __init__(self, stable_frames: int = 3, min_visible_px: int = 20, min_overlap: float = MIN_OVERLAP) -> None:
        if stable_frames < 1 or min_visible_px < 1 or not 0 < min_overlap <= 1:
            raise ValueError(
                "ObjectTracker: expected stable_frames >= 1, min_visible_px >= 1, 0 < min_overlap <= 1, "
                f"found {stable_frames}, {min_visible_px}, {min_overlap}"
            )
        self._stable_frames = stable_frames
        self._min_visible_px = min_visible_px
        self._min_overlap = min_overlap
        self._records: dict[int, _Record] = {}

    def add(
        self,
        time_s: float,
        mask: np.ndarray,
        instance_ids: np.ndarray,
        distances_m: Mapping[int, float],
        hazards: Collection[int] = (),
        speed_mps: float | None = None,
    ) -> None:
        """One processed frame.

        Args:
            time_s: of the image.
            mask: [H, W], non-zero where the detector says anomalous.
            instance_ids: integer [H, W], ground truth of the same image.
            distances_m: instance id → distance, of every object to follow.
            hazards: instance ids of the objects that HAZARD rests on in this frame; empty in any other state.
            speed_mps: forward speed of the vehicle, for the time to contact; None if unknown.
        """
        found = found_objects(mask, instance_ids, list(distances_m), self._min_overlap)
        for instance_id, was_found in found.items():
            if int((instance_ids == instance_id).sum()) < self._min_visible_px:
                continue
            distance_m = float(distances_m[instance_id])
            record = self._records.setdefault(instance_id, _Record(first_seen_m=distance_m))
            record.seen += 1
            record.nearest_m = min(record.nearest_m, distance_m)
            record.in_a_row = record.in_a_row + 1 if was_found else 0
            if not was_found:
                continue
            record.found += 1
            now = _Mark(time_s, distance_m, time_to_contact_s(distance_m, speed_mps))
            record.marks.setdefault("found", now)
            if record.in_a_row >= self._stable_frames:
                record.marks.setdefault("stable", now)
            if instance_id in hazards:
                record.marks.setdefault("hazard", now)

    def reports(self, objects: list[int] | None = None) -> list[ObjectReport]:
        """Reports by instance id: of ``objects``, also those never visible; default all that were."""
        wanted = sorted(self._records if objects is None else objects)
        return [self._report(i, self._records.get(i, _Record())) for i in wanted]

    @staticmethod
    def _report(instance_id: int, record: _Record) -> ObjectReport:
        found, stable, hazard = (record.marks.get(event, _Mark()) for event in ("found", "stable", "hazard"))
        return ObjectReport(
            instance_id=instance_id,
            seen_frames=record.seen,
            found_frames=record.found,
            first_seen_m=record.first_seen_m,
            first_found_s=found.time_s,
            first_found_m=found.distance_m,
            stable_s=stable.time_s,
            stable_m=stable.distance_m,
            hazard_s=hazard.time_s,
            hazard_m=hazard.distance_m,
            nearest_m=record.nearest_m if record.seen else None,
            first_found_ttc_s=found.ttc_s,
            stable_ttc_s=stable.ttc_s,
            hazard_ttc_s=hazard.ttc_s,
        )
