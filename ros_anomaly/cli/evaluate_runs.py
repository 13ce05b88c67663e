"""One engine of ``evaluate`` over all frames, as they are and corrupted: opened, saved, taken up again, shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli import common, evaluate_sources
from ros_anomaly.cli.evaluate_engines import OpenEngine, Request, open_engine

if TYPE_CHECKING:
    from ros_anomaly.data.corruptions import Corruption
    from ros_anomaly.evaluation.labelled.deployment import Deployment
    from ros_anomaly.evaluation.labelled.result import EvaluatedEngine
    from ros_anomaly.evaluation.labelled.run import EngineReport, Saving
    from ros_anomaly.evaluation.labelled.source import EvaluationSource


@dataclass(frozen=True)
class RunPlan:
    """What is the same for every engine.

    Attributes:
        source: the frames.
        convention: whose definitions a dataset is measured by; None on a street.
        corruptions: what else the pictures are looked at with.
        seed: of the corruptions.
        worst: how many misses, and how many false flags, are kept of the pictures as they are.
        unfinished: where state is saved; None for nowhere.
        save_every: frames between two savings.
    """

    source: EvaluationSource
    convention: str | None = None
    corruptions: Sequence[Corruption] = ()
    seed: int = 0
    worst: int = 10
    unfinished: Path | None = None
    save_every: int = 50


def run_engine(name: str, label: str, request: Request, plan: RunPlan) -> tuple[EvaluatedEngine, str | None]:
    """One engine over all frames, and what its fitted scores were fitted on."""
    from ros_anomaly.evaluation.labelled.corrupted import CorruptedReport, corrupted_source
    from ros_anomaly.evaluation.labelled.result import EvaluatedEngine

    opened = open_engine(name, request)
    try:
        deployment = _deployment(opened, plan)
        progress = _Progress(f"evaluating {plan.source.title} with {label}", len(plan.source.frames), plan)
        report = _evaluate(opened, plan.source, plan, deployment, progress.of("as they are"))
        corrupted = []
        for corruption in plan.corruptions:
            source = corrupted_source(plan.source, corruption, plan.seed)
            own = _evaluate(opened, source, replace(plan, worst=0), deployment, progress.of(corruption.label))
            corrupted.append(CorruptedReport(corruption, own))
        progress.finish()
    finally:
        opened.close()
    evaluated = EvaluatedEngine(label, opened.fingerprint, opened.kind, report, tuple(corrupted), opened.own_score)
    return evaluated, opened.fit


def _evaluate(
    opened: OpenEngine,
    source: EvaluationSource,
    plan: RunPlan,
    deployment: Deployment | None,
    tell: Callable[[int], None],
) -> EngineReport:
    from ros_anomaly.evaluation.labelled.run import evaluate

    saving = _saving(opened, source, plan, deployment)
    return evaluate(source, opened.scorer, plan.convention, plan.worst, saving, tell, deployment)


def _saving(
    opened: OpenEngine, source: EvaluationSource, plan: RunPlan, deployment: Deployment | None
) -> Saving | None:
    from ros_anomaly.evaluation.labelled.checkpoint import Checkpoint, code_fingerprint
    from ros_anomaly.evaluation.labelled.run import Saving

    if plan.unfinished is None:
        return None
    key = {
        **opened.key,
        "source": [source.name, source.split, source.fingerprint],
        "convention": plan.convention,
        "worst": plan.worst,
        "every": plan.save_every,
        "deployment": None if deployment is None else deployment.key(),
        "code": code_fingerprint(),
    }
    return Saving(Checkpoint(plan.unfinished, key), plan.save_every)


def _deployment(opened: OpenEngine, plan: RunPlan) -> Deployment | None:
    """None for datasets, whose cameras are not known, and for engines without a calibrated threshold."""
    from ros_anomaly.evaluation.labelled.deployment import Deployment

    if plan.convention is not None or not set(opened.thresholds) & set(opened.scorer.names):
        return None
    calibrated = opened.thresholds
    return Deployment(
        {name: own.value for name, own in calibrated.items()},
        evaluate_sources.street_near_rule(),
        usual_scores={name: own.usual_score for name, own in calibrated.items() if own.usual_score is not None},
    )


class _Progress:
    """Progress over all pictures, corrupted ones too; the rate counts what is done now, not what an earlier run did."""

    def __init__(self, label: str, frames: int, plan: RunPlan) -> None:
        self._label, self._total = label, frames * (1 + len(plan.corruptions))
        self._several = bool(plan.corruptions)
        self._before = 0
        self._progress: common.Progress | None = None

    def of(self, pictures: str) -> Callable[[int], None]:
        """What one kind of pictures tells: at first how many were done before, then every one that is done."""
        begun = False

        def tell(step: int) -> None:
            nonlocal begun
            if not begun:
                begun = True
                self._before += step
            else:
                self._done(step, pictures if self._several else "")

        return tell

    def finish(self) -> None:
        """All is counted."""
        if self._progress is not None:
            self._progress.finish("working out figures")

    def _done(self, step: int, note: str) -> None:
        if self._progress is None:
            if self._before:
                common.say(f"{self._label}: {self._before}/{self._total} frames were done before, going on")
            self._progress = common.Progress(self._label, self._total - self._before)
        self._progress.update(step, note)
