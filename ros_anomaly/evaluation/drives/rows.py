"""One line for every image of a drive, and the table of them as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from ros_anomaly.evaluation.drives.run import Answer
from ros_anomaly.evaluation.drives.truth import FrameTruth
from ros_anomaly.hazard.types import HazardLevel


@dataclass(frozen=True)
class FrameRow:
    """What was said of one image; the last six are None where it has no label.

    Attributes:
        frame: number of the image in its topic, among those whose bytes could be read.
        stamp_ns: of the image.
        time_ns: when it was answered, on the drive's clock.
        problem: ``bad image``, ``engine`` or empty.
        nearest_m: of the nearest region in the corridor, or else at all.
        mask_px: anomalous pixels, of the image's size.
        scene_shift: see ``Assessment``.
        ap: of this image's pixels alone.
        anomaly_px, void_px: of the label; hit_px of the mask on anomaly, false_px of the mask on normal.
        corridor_hit_px: of the hits, those in the box of a region in the corridor: only they justify HAZARD.
    """

    frame: int
    stamp_ns: int
    time_ns: int
    level: HazardLevel
    reason: str
    problem: str
    regions: int
    in_corridor: int
    nearest_m: float | None
    max_score: float | None
    mask_px: int | None
    scene_shift: float | None
    ap: float | None = None
    anomaly_px: int | None = None
    void_px: int | None = None
    hit_px: int | None = None
    false_px: int | None = None
    corridor_hit_px: int | None = None

    @classmethod
    def of(cls, frame: int, answer: Answer) -> FrameRow:
        """The line of an answer, without label."""
        state, assessment = answer.state, answer.assessment
        return cls(
            frame=frame,
            stamp_ns=answer.event.stamp_ns,
            time_ns=answer.time_ns,
            level=state.level,
            reason=state.reason,
            problem=answer.problem,
            regions=len(state.regions),
            in_corridor=sum(region.in_corridor for region in state.regions),
            nearest_m=state.nearest_m,
            max_score=state.max_score,
            mask_px=None if assessment is None else int(np.count_nonzero(assessment.mask)),
            scene_shift=state.scene_shift,
        )

    def labelled(self, truth: FrameTruth) -> FrameRow:
        """The same line with what the label says."""
        return replace(
            self,
            ap=truth.ap,
            anomaly_px=truth.anomaly_px,
            void_px=truth.void_px,
            hit_px=truth.hit_px,
            false_px=truth.false_px,
            corridor_hit_px=truth.corridor_hit_px,
        )


COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(FrameRow))


def as_csv(rows: Iterable[FrameRow], more: Mapping[str, object] | None = None) -> str:
    """A header line and a line for every row; ``more`` are columns of one value put in front."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    front = dict(more or {})
    writer.writerow([*front, *COLUMNS])
    for row in rows:
        writer.writerow([*front.values(), *(cell(getattr(row, name)) for name in COLUMNS)])
    return text.getvalue()


def cell(value: object) -> object:
    """A value as CSV shows it: floats with nine significant digits, which hold a float32; None as nothing."""
    if isinstance(value, HazardLevel):
        return value.value
    if isinstance(value, float):
        return f"{value:.9g}"
    return "" if value is None else value
