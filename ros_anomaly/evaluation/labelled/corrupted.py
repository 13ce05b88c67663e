"""Frames of a source with their pictures corrupted, and what that costs an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ros_anomaly.data.corruptions import Corruption
from ros_anomaly.data.frames import Frame
from ros_anomaly.evaluation.labelled.run import EngineReport
from ros_anomaly.evaluation.labelled.source import EvaluationSource, IndexedFrames

FIGURES = ("ap", "auroc", "fpr95")


class CorruptedFrames:
    """The same frames and labels, with other pictures; what is random in them is decided by frame name and seed."""

    def __init__(self, frames: IndexedFrames, corruption: Corruption, seed: int = 0) -> None:
        self._frames, self._corruption, self._seed = frames, corruption, seed

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int, /) -> Frame:
        frame = self._frames[index]
        image = self._corruption.apply(frame.image, frame.name, frame.depth_m, self._seed)
        return replace(frame, image=image)


def corrupted_source(source: EvaluationSource, corruption: Corruption, seed: int = 0) -> EvaluationSource:
    """``source`` with every picture corrupted, under a fingerprint of its own."""
    return replace(
        source,
        frames=CorruptedFrames(source.frames, corruption, seed),
        fingerprint=f"{source.fingerprint} {corruption.name} {corruption.amount!r} {seed}",
    )


@dataclass(frozen=True)
class CorruptedReport:
    """What an engine achieved on corrupted pictures, under the corruption's label."""

    corruption: Corruption
    report: EngineReport

    def losses(self, clean: EngineReport, score: str) -> dict[str, float | None]:
        """``FIGURES`` and ``miou``, corrupted less clean: for all but FPR95 a loss is below 0."""
        before, after = clean.scores[score].headline, self.report.scores[score].headline
        own: dict[str, float | None] = {
            name: _difference(getattr(after, name), getattr(before, name)) for name in FIGURES
        }
        return own | {"miou": _difference(self.report.miou, clean.miou)}


def corruptions_summary(clean: EngineReport, corrupted: tuple[CorruptedReport, ...]) -> dict[str, Any]:
    """By label of the corruption: its figures, and how they differ from those of the pictures as they are."""
    return {one.corruption.label: _summary(clean, one) for one in corrupted}


def _summary(clean: EngineReport, one: CorruptedReport) -> dict[str, Any]:
    scores: Mapping[str, Any] = {
        name: {figure: getattr(score.headline, figure) for figure in FIGURES}
        | {"difference": {figure: one.losses(clean, name)[figure] for figure in FIGURES}}
        | {"unfamiliar_share": one.report.unfamiliar_share(name)}
        for name, score in one.report.scores.items()
    }
    return {
        "corruption": one.corruption.name,
        "amount": one.corruption.amount,
        "severity": one.corruption.severity,
        "miou": one.report.miou,
        "miou_difference": _difference(one.report.miou, clean.miou),
        "scores": scores,
    }


def _difference(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else after - before
