"""The outcome of an evaluation, engines side by side, and its JSON: figures only, the same in every run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ros_anomaly.evaluation.conventions import Measurement
from ros_anomaly.evaluation.labelled.corrupted import CorruptedReport, corruptions_summary
from ros_anomaly.evaluation.labelled.plain import gains_summary, recall_summary, unfamiliar_summary
from ros_anomaly.evaluation.labelled.published import PublishedRow
from ros_anomaly.evaluation.labelled.run import EngineReport
from ros_anomaly.evaluation.metrics import RankingFigures
from ros_anomaly.evaluation.report.curves import Curve
from ros_anomaly.evaluation.score_figures import ScoreReport

FORMAT = 1


@dataclass(frozen=True)
class EvaluatedEngine:
    """An engine's report under the label by which tables name it.

    Attributes:
        label: unique within the result.
        fingerprint: of its manifest.
        kind: "raw" (any score from its logits) or "fused" (the one score that is deployed).
        report: its figures.
        corrupted: the same on corrupted pictures.
        own_score: the one that is deployed; None for a raw engine.
    """

    label: str
    fingerprint: str
    kind: str
    report: EngineReport
    corrupted: tuple[CorruptedReport, ...] = ()
    own_score: str | None = None

    @property
    def shown_score(self) -> str:
        """The one that is broken down where there is no room for all: its own if it was measured, else the first."""
        names = list(self.report.scores)
        return self.own_score if self.own_score in names else names[0]


@dataclass(frozen=True)
class EvaluationResult:
    """Engines over one source.

    Attributes:
        source, split: what was evaluated.
        convention: whose definitions the figures of a dataset follow; None on a street protocol, which has its own.
        aggregation: from masks to pixels.
        engines: at least one, in the order given.
        published: rows of papers on the same dataset, to stand beside the measured ones.
        fit: on what the statistics of fitted scores were taken; None without such scores.
    """

    source: str
    split: str
    convention: str | None
    aggregation: str
    engines: tuple[EvaluatedEngine, ...]
    published: tuple[PublishedRow, ...] = ()
    fit: str | None = None

    @property
    def is_street(self) -> bool:
        """Whether the frames are of a street protocol."""
        return self.convention is None

    @property
    def title(self) -> str:
        """Source and split, for people."""
        return f"{self.source} {self.split}".strip()

    @property
    def frames(self) -> int:
        """Of every engine the same number."""
        return self.engines[0].report.frames


def summary(result: EvaluationResult) -> dict[str, Any]:
    """What ``--json`` prints.

    Of a street protocol: ``protocol, frames, miou, scores``; of a dataset ``dataset, split, convention`` in place of
    ``protocol``. Of several engines ``miou`` and ``scores`` stand in ``engines`` under each engine's label. Beside
    them, where there is something to tell: ``ap_gains``, ``object_recall``, ``unfamiliar_scenes``, ``corruptions``.
    """
    if result.is_street:
        head: dict[str, Any] = {"protocol": result.source}
    else:
        head = {"dataset": result.source, "split": result.split, "convention": result.convention}
    head["frames"] = result.frames
    if len(result.engines) == 1:
        return head | _engine_summary(result.engines[0])
    return head | {"engines": {engine.label: _engine_summary(engine) for engine in result.engines}}


def details(result: EvaluationResult) -> dict[str, Any]:
    """What ``result.json`` holds: all but curves, pictures and times."""
    return {
        "format": FORMAT,
        "source": result.source,
        "split": result.split,
        "convention": result.convention,
        "aggregation": result.aggregation,
        "fit": result.fit,
        "frames": result.frames,
        "engines": {engine.label: engine_details(engine) for engine in result.engines},
        "published": [asdict(row) for row in result.published],
    }


def curves(result: EvaluationResult) -> dict[str, Any]:
    """What ``curves.json`` holds: by engine and score, arrays ``threshold, recall, precision, fpr`` of one length."""
    return {
        engine.label: {
            name: _curve(score.curve) for name, score in engine.report.scores.items() if score.curve is not None
        }
        for engine in result.engines
    }


def timings(result: EvaluationResult) -> dict[str, Any]:
    """What ``timings.json`` holds beside the machine: milliseconds a frame by engine."""
    return {
        engine.label: {
            "engine": asdict(engine.report.engine_time) if engine.report.engine_time else None,
            "scores": asdict(engine.report.scores_time) if engine.report.scores_time else None,
        }
        for engine in result.engines
    }


def _engine_summary(engine: EvaluatedEngine) -> dict[str, Any]:
    report = engine.report
    scores = {name: score_summary(score) for name, score in report.scores.items()}
    return {"miou": report.miou, "scores": scores} | _where_known(engine)


def _where_known(engine: EvaluatedEngine) -> dict[str, Any]:
    parts = {
        "ap_gains": gains_summary(engine.report),
        "object_recall": recall_summary(engine.report),
        "unfamiliar_scenes": unfamiliar_summary(engine.report),
        "corruptions": corruptions_summary(engine.report, engine.corrupted),
    }
    return {name: part for name, part in parts.items() if part}


def score_summary(score: ScoreReport) -> dict[str, Any]:
    """Figures of one score: of a street protocol with those of the road region, of a dataset by its convention."""
    if score.by_convention is None:
        figures = _ranking(score.full, score.full_ap_ci)
        return figures if score.road is None else figures | {"road": _ranking(score.road, score.road_ap_ci)}
    return _measurement(score.by_convention) | {"ap_ci": _interval(score.headline_ap_ci)}


def engine_details(engine: EvaluatedEngine) -> dict[str, Any]:
    """All of one engine but curves, pictures and times."""
    report = engine.report
    return {
        "kind": engine.kind,
        "fingerprint": engine.fingerprint,
        "anomalous_frames": report.anomalous_frames,
        "miou": report.miou,
        "iou": report.iou,
        "scores": {name: score_summary(score) | _score_details(score) for name, score in report.scores.items()},
        "misses": [frame.plain() for frame in report.misses],
        "false_flags": [frame.plain() for frame in report.false_flags],
        "correlation_of_uno_parts": report.correlation,
    } | _where_known(engine)


def _score_details(score: ScoreReport) -> dict[str, Any]:
    """What stands beside the summary, under names of its own: a convention may know another threshold, or none."""
    return {
        "pooled": asdict(score.full) | {"best_f1": score.best_f1, "threshold": score.threshold},
        "by_distance": _by_band(score.by_distance),
        "by_size": _by_band(score.by_size),
        "by_weather": _by_band(score.by_weather),
        "by_kind": _by_band(score.by_kind),
    }


def _by_band(bands: Mapping[str, RankingFigures]) -> dict[str, Any]:
    return {band: asdict(own) for band, own in bands.items()}


def _ranking(own: RankingFigures, ap_ci: tuple[float, float] | None) -> dict[str, Any]:
    return {"ap": own.ap, "auroc": own.auroc, "fpr95": own.fpr95, "ap_ci": _interval(ap_ci)}


def _interval(ap_ci: tuple[float, float] | None) -> list[float] | None:
    return None if ap_ci is None else list(ap_ci)


def _measurement(own: Measurement) -> dict[str, Any]:
    parts = own.components
    return {
        "ap": own.ranking.ap,
        "auroc": own.ranking.auroc,
        "fpr95": own.ranking.fpr95,
        "best_f1": own.best_f1,
        "threshold": own.threshold,
        "siou": parts.siou if parts else None,
        "ppv": parts.ppv if parts else None,
        "f1_star": parts.f1_star if parts else None,
    }


def _curve(curve: Curve) -> dict[str, Any]:
    columns = {"threshold": curve.thresholds, "recall": curve.recall, "precision": curve.precision, "fpr": curve.fpr}
    # Six digits are finer than the points are apart, and halve the file.
    return {name: [float(f"{value:.6g}") for value in np.asarray(values)] for name, values in columns.items()}
