"""Two detectors over one drive: what changed, frame by frame. They differ by engine or by settings."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ros_anomaly.evaluation.drives.evaluation import EvaluatedDrive
from ros_anomaly.evaluation.drives.levels import HazardEvent
from ros_anomaly.evaluation.drives.rows import cell
from ros_anomaly.evaluation.drives.run import Answer
from ros_anomaly.evaluation.drives.tally import CameraTally
from ros_anomaly.hazard.types import HazardLevel

_NS_PER_S = 1e9
_ANSWERS = list[tuple[int, Answer]]


@dataclass(frozen=True)
class FrameChange:
    """One image as both answered it; pixel counts are of the masks, None where one of them has none.

    Attributes:
        only_a_px, only_b_px: flagged by one of them alone.
        score_change: largest absolute difference of the score maps; None where they differ in size or are missing.
    """

    camera: int
    frame: int
    stamp_ns: int
    level_a: HazardLevel
    level_b: HazardLevel
    regions_a: int
    regions_b: int
    nearest_a_m: float | None
    nearest_b_m: float | None
    max_score_a: float | None
    max_score_b: float | None
    only_a_px: int | None
    only_b_px: int | None
    score_change: float | None

    @property
    def is_change(self) -> bool:
        """Whether a vehicle could tell the two apart: by level, regions or mask."""
        pixels = (self.only_a_px or 0) + (self.only_b_px or 0)
        one_alone = (self.max_score_a is None) != (self.max_score_b is None)
        return self.level_a is not self.level_b or self.regions_a != self.regions_b or pixels > 0 or one_alone


class DriveComparison:
    """Takes the answers of both to every image; ``changes`` are the frames of which they differ."""

    def __init__(self) -> None:
        self.changes: list[FrameChange] = []
        self._frames: Counter[int] = Counter()
        self._levels: Counter[tuple[HazardLevel, HazardLevel]] = Counter()
        self._flags = self._only_a_px = self._only_b_px = self._both_px = 0
        self._score_change = 0.0
        self._other_maps = 0

    def add(self, answers: Sequence[_ANSWERS]) -> None:
        """What A and B answered to one image: (camera, answer) of each camera that saw it."""
        for (camera, a), (_, b) in zip(*answers, strict=True):
            change = self._compare(camera, a, b)
            self._levels[a.state.level, b.state.level] += 1
            self._flags += a.state.level.flag is not b.state.level.flag
            self._only_a_px += change.only_a_px or 0
            self._only_b_px += change.only_b_px or 0
            if change.score_change is None:
                self._other_maps += 1
            else:
                self._score_change = max(self._score_change, change.score_change)
            if change.is_change:
                self.changes.append(change)

    def result(self, drives: Sequence[EvaluatedDrive], results: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Plain values for ``compare.json``; ``drives`` and ``results`` are those of A and B."""
        frames = sum(self._frames.values())
        return {
            "frames": frames,
            "frames_changed": len(self.changes),
            "levels_changed": sum(n for (a, b), n in self._levels.items() if a is not b),
            "flags_changed": self._flags,
            "levels": {
                a.value: {b.value: self._levels[a, b] for b in HazardLevel if self._levels[a, b]}
                for a in HazardLevel
                if any(self._levels[a, b] for b in HazardLevel)
            },
            "flagged_pixels": {"both": self._both_px, "only_a": self._only_a_px, "only_b": self._only_b_px},
            "largest_score_change": self._score_change if frames > self._other_maps else None,
            "frames_without_score_change": self._other_maps,
            "cameras": [
                {
                    "image": topics.image,
                    "hazards": _hazards(a, b, drives[0].start_ns),
                    "labels": _label_changes(result_a["labels"], result_b["labels"]),
                }
                for topics, a, b, result_a, result_b in zip(
                    drives[0].cameras,
                    drives[0].tallies,
                    drives[1].tallies,
                    results[0]["cameras"],
                    results[1]["cameras"],
                    strict=True,
                )
            ],
            "settings": _differences(results[0]["settings"], results[1]["settings"]),
            "engine": _differences(results[0]["engine"], results[1]["engine"]),
            "threshold": [results[0]["threshold"], results[1]["threshold"]],
        }

    def _compare(self, camera: int, a: Answer, b: Answer) -> FrameChange:
        frame = self._frames[camera]
        self._frames[camera] += 1
        only_a = only_b = score_change = None
        if a.assessment is not None and b.assessment is not None:
            mask_a, mask_b = a.assessment.mask > 0, b.assessment.mask > 0
            both = int(np.count_nonzero(mask_a & mask_b))
            self._both_px += both
            only_a, only_b = int(np.count_nonzero(mask_a)) - both, int(np.count_nonzero(mask_b)) - both
            if a.assessment.score.shape == b.assessment.score.shape:
                score_change = float(np.abs(a.assessment.score - b.assessment.score).max())
        return FrameChange(
            camera=camera,
            frame=frame,
            stamp_ns=a.event.stamp_ns,
            level_a=a.state.level,
            level_b=b.state.level,
            regions_a=len(a.state.regions),
            regions_b=len(b.state.regions),
            nearest_a_m=a.state.nearest_m,
            nearest_b_m=b.state.nearest_m,
            max_score_a=a.state.max_score,
            max_score_b=b.state.max_score,
            only_a_px=only_a,
            only_b_px=only_b,
            score_change=score_change,
        )


def changes_csv(changes: Sequence[FrameChange]) -> str:
    """A header line and a line for every frame that changed."""
    names = [field.name for field in fields(FrameChange)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([cell(getattr(change, name)) for name in names] for change in changes)
    return text.getvalue()


def _hazards(a: CameraTally, b: CameraTally, start_ns: int) -> dict[str, Any]:
    """Hazards of both: what overlaps in time is the same one."""

    def alone(own: list[HazardEvent], other: list[HazardEvent]) -> list[dict[str, float]]:
        return [
            {"start_s": (one.start_ns - start_ns) / _NS_PER_S, "end_s": (one.end_ns - start_ns) / _NS_PER_S}
            for one in own
            if not any(one.start_ns < two.end_ns and two.start_ns < one.end_ns for two in other)
        ]

    events_a, events_b = a.levels.hazards, b.levels.hazards
    return {
        "a": len(events_a),
        "b": len(events_b),
        "only_a": alone(events_a, events_b),
        "only_b": alone(events_b, events_a),
    }


def _label_changes(a: dict[str, Any] | None, b: dict[str, Any] | None) -> dict[str, Any] | None:
    """Every figure against the labels as [A, B]."""
    if a is None or b is None:
        return None
    return {name: [a[name], b[name]] for name in a if name != "format"}


def _differences(a: dict[str, Any], b: dict[str, Any]) -> dict[str, list[Any]]:
    """What differs, as [A, B]."""
    return {name: [a.get(name), b.get(name)] for name in sorted({*a, *b}) if a.get(name) != b.get(name)}
