"""One engine over the frames of a source: one forward pass a frame, every score from it, resumable at any frame."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ros_anomaly.data.frames import LabelKind
from ros_anomaly.data.labels import CLASS_NAMES, anomaly_labels
from ros_anomaly.evaluation.conventions import CONVENTIONS, Convention
from ros_anomaly.evaluation.labelled.checkpoint import Checkpoint, State
from ros_anomaly.evaluation.labelled.deployment import Deployment
from ros_anomaly.evaluation.labelled.gains import ApGain, ap_gains
from ros_anomaly.evaluation.labelled.kept_frames import KeptFrame
from ros_anomaly.evaluation.labelled.score_maps import Scorer
from ros_anomaly.evaluation.labelled.source import EvaluationSource
from ros_anomaly.evaluation.labelled.spill import Spill
from ros_anomaly.evaluation.labelled.tally import FrameRecord, Tally
from ros_anomaly.evaluation.labelled.timing import TimingFigures
from ros_anomaly.evaluation.recall import ObjectRecall
from ros_anomaly.evaluation.score_figures import ScoreReport


@dataclass(frozen=True)
class Saving:
    """Where an unfinished run is saved, and after how many frames each time.

    A resumed run gives the figures of one without a break, digit for digit, where both are saved after the same numbers
    of frames; otherwise within the bounds that the figures state.
    """

    checkpoint: Checkpoint
    every: int = 50

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"saving: expected at least 1 frame between two states, found {self.every}")

    @property
    def spill_folder(self) -> Path:
        """Where score maps of the run lie, beside its state."""
        return self.checkpoint.path.with_suffix("")


@dataclass(frozen=True)
class EngineReport:
    """What one engine achieved.

    Attributes:
        frames, anomalous_frames: how many.
        miou, iou: of the known classes, ``iou`` by class name with None for one that never occurs; both None where
            the labels know no classes.
        scores: figures by score name.
        records: every frame on its own, in the order of the source.
        misses: frames with anomalies, lowest AP of the first score first.
        false_flags: frames whose normal pixels score highest by the first score, highest first.
        engine_time, scores_time: of the network, and from its outputs to score maps at the labels' size.
        gains: how much higher the AP of UNO is than each other score's.
        correlation: Pearson's, of UNO's two parts, over "all" pixels but void ones and over "anomalous" ones; empty
            where the two were not both asked for.
        recall: objects found at the calibrated threshold, by score; of those that have one.
        thresholds: these thresholds.
        unfamiliar: frames of which the node says UNKNOWN for their scene, by score; of those that judge scenes.
    """

    frames: int
    anomalous_frames: int
    miou: float | None
    iou: dict[str, float | None] | None
    scores: dict[str, ScoreReport]
    records: tuple[FrameRecord, ...]
    misses: tuple[KeptFrame, ...]
    false_flags: tuple[KeptFrame, ...]
    engine_time: TimingFigures | None
    scores_time: TimingFigures | None
    gains: dict[str, dict[str, ApGain]] = field(default_factory=dict)
    correlation: dict[str, float | None] = field(default_factory=dict)
    recall: dict[str, ObjectRecall] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)
    unfamiliar: dict[str, int] = field(default_factory=dict)

    def unfamiliar_share(self, score: str) -> float | None:
        """Of the frames; None for a score that judges no scenes."""
        return self.unfamiliar[score] / self.frames if score in self.unfamiliar else None


def evaluate(
    source: EvaluationSource,
    scorer: Scorer,
    convention: str | None = None,
    worst: int = 10,
    saving: Saving | None = None,
    progress: Callable[[int], None] | None = None,
    deployment: Deployment | None = None,
) -> EngineReport:
    """Figures of every score of ``scorer``; scores and class sums are brought to the labels' size bilinearly.

    Args:
        source: labelled frames.
        scorer: an engine and its scores.
        convention: name of the benchmark whose figures are wanted too; with component figures, score maps are kept on
            disk until the threshold is known (``spill``).
        worst: how many misses, and how many false flags, are kept with pictures.
        saving: where state is taken up and saved; without it an interrupted run is lost.
        progress: is told how many frames are newly done; at the beginning those that were done before.
        deployment: thresholds at which anomalous objects are looked for, the frames need instance ids then; and by
            what scenes are judged.

    Raises:
        ValueError: no frame, no score, one that the engine's head cannot give, or saved state that is broken.
    """
    if len(source.frames) == 0:
        raise ValueError(f"{source.title}: expected at least one frame, found none")
    own = None if convention is None else CONVENTIONS[convention]
    with ExitStack() as stack:
        spill = None
        if own is not None and own.needs_second_pass:
            folder = saving.spill_folder if saving else Path(stack.enter_context(TemporaryDirectory()))
            spill = Spill(folder, len(source.frames))
        tally = _Run(source, scorer, own, worst, saving, spill, deployment).finish(progress or (lambda step: None))
        return _report(source, tally, own, spill, {} if deployment is None else deployment.thresholds_of(scorer.names))


@dataclass(frozen=True)
class _Run:
    source: EvaluationSource
    scorer: Scorer
    convention: Convention | None
    worst: int
    saving: Saving | None
    spill: Spill | None
    deployment: Deployment | None

    def finish(self, tell: Callable[[int], None]) -> Tally:
        """Count all frames, from where saved state leaves off."""
        saving = self.saving
        tally = self._taken_up(saving.checkpoint.load() if saving else None)
        done = len(tally.records)
        tell(done)
        for number, frame in enumerate(self.source.starting_at(done), done):
            height, width = frame.class_ids.shape
            scored = self.scorer.score(frame.image, (int(height), int(width)))
            tally.add(frame, scored)
            if self.spill:
                self.spill.put(number, scored.native, anomaly_labels(frame.class_ids))
            if saving and ((number + 1) % saving.every == 0 or number + 1 == len(self.source.frames)):
                state = tally.state()
                saving.checkpoint.save(state)
                # As a resumed run does it: what full counts merge, and so their last digits, hangs on where they began.
                del tally
                tally = self._taken_up(state)
            tell(1)
        return tally

    def _taken_up(self, state: State | None) -> Tally:
        tally = Tally(self.scorer.names, self.convention, self.worst, self.deployment)
        if state is not None:
            tally.take_up(state)
        return tally


def _report(
    source: EvaluationSource,
    tally: Tally,
    convention: Convention | None,
    spill: Spill | None,
    thresholds: dict[str, float],
) -> EngineReport:
    classes = source.label_kind is LabelKind.CLASS_IDS
    iou = [None if np.isnan(value) else float(value) for value in tally.confusion.iou()]
    scores = {name: figures.report(name, with_road=classes) for name, figures in tally.scores.items()}
    if convention is not None:
        for number, (name, own) in enumerate(tally.by_convention.items()):
            again = spill.frames(len(tally.records), number) if spill else None
            scores[name] = replace(scores[name], by_convention=own.result(again), per_image=convention.per_image)
    return EngineReport(
        frames=len(tally.records),
        anomalous_frames=sum(record.anomalous_px > 0 for record in tally.records),
        miou=tally.confusion.mean_iou() if classes else None,
        iou=dict(zip(CLASS_NAMES, iou, strict=True)) if classes else None,
        scores=scores,
        records=tuple(tally.records),
        misses=tally.misses.frames(),
        false_flags=tally.false_flags.frames(),
        engine_time=tally.engine_time.figures(),
        scores_time=tally.scores_time.figures(),
        gains=ap_gains(scores),
        correlation={pixels: sums.correlation() for pixels, sums in tally.correlation.items()},
        recall={name: count.figures() for name, count in tally.recall.items()},
        thresholds=thresholds,
        unfamiliar=dict(tally.unfamiliar),
    )
