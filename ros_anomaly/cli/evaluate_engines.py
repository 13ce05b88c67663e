"""The engines that ``evaluate`` compares, and the statistics that fitted scores need of each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ros_anomaly.cli import common
from ros_anomaly.cli.cache import cache_folder
from ros_anomaly.cli.raw_engine import open_raw_engine

if TYPE_CHECKING:
    from ros_anomaly.evaluation.labelled.score_maps import Scorer
    from ros_anomaly.evaluation.labelled.source import EvaluationSource
    from ros_anomaly.runtime.engines import FusedEngine, RawEngine
    from ros_anomaly.runtime.manifest import Manifest
    from ros_anomaly.runtime.threshold import Threshold
    from ros_anomaly.scores.statistics import ScoreStatistics

DEFAULT_SCORES = ("uno", "uno_clamped", "uno_normalised", "unc", "objectness", "msp", "max_logit")


@dataclass(frozen=True)
class Request:
    """What is wanted of every engine.

    Attributes:
        scores: names; empty for the one that a deployed engine gives, else for ``DEFAULT_SCORES``.
        deployed: whether the engine is run as it is deployed, with its own score alone.
        aggregation: "masks" or "exact".
        threads: CPU threads; None leaves it to the backend.
        fit: where fitted scores take their statistics from; None without such scores.
        backend: that runs the engines, as ``load_engine`` takes it.
    """

    scores: tuple[str, ...]
    deployed: bool
    aggregation: str
    threads: int | None
    fit: EvaluationSource | None
    backend: str = "onnxruntime"


@dataclass(frozen=True)
class OpenEngine:
    """An engine that is ready to be evaluated. ``key`` is all of it that decides figures, JSON-serialisable.

    ``thresholds`` are the calibrated ones by score, ``own_score`` is the one that is deployed; those of a raw engine's
    fused one hold for it too, unless masks become pixels in another way.
    """

    label: str
    fingerprint: str
    kind: str
    scorer: Scorer
    key: dict[str, object]
    engine: RawEngine | FusedEngine
    fit: str | None
    thresholds: Mapping[str, Threshold]
    own_score: str | None

    def close(self) -> None:
        """Release the network."""
        self.engine.close()


def open_engine(name: str, request: Request) -> OpenEngine:
    """Open an engine by name or manifest.

    Raises:
        CliError: what ``check_engine`` raises.
        EngineError: no such engine, or something is wrong with its files.
        ValueError: a score that its head cannot give.
    """
    from ros_anomaly.runtime.locate import manifest_path
    from ros_anomaly.runtime.manifest import load_manifest

    manifest = load_manifest(manifest_path(name))
    check_engine(manifest, request)
    if _runs_fused(manifest, request):
        return _open_fused(name, manifest, request)
    return _open_raw(name, manifest, request)


def check_engine(manifest: Manifest, request: Request) -> None:
    """Whether the engine can do what is wanted, by its manifest alone.

    Raises:
        CliError: a raw engine as deployed; or scores or an aggregation that a fused engine without weights cannot give.
    """
    from ros_anomaly.runtime.manifest import EngineKind

    if request.deployed and manifest.kind is not EngineKind.FUSED:
        raise common.CliError(f"--deployed: expected a fused engine, found {manifest.name!r} of kind raw")
    if not _runs_fused(manifest, request):
        return
    if request.scores and set(request.scores) != {manifest.score}:
        raise common.CliError(
            f"engine {manifest.name!r} gives its own score alone: expected --scores {manifest.score} or none, "
            f"found {','.join(request.scores)}"
        )
    if request.aggregation != "masks":
        raise common.CliError(
            f"engine {manifest.name!r} goes from masks to pixels by itself: expected --aggregation masks or none, "
            f"found {request.aggregation}"
        )


def _runs_fused(manifest: Manifest, request: Request) -> bool:
    from ros_anomaly.runtime.manifest import EngineKind

    return manifest.kind is EngineKind.FUSED and (request.deployed or "weights" not in manifest.files)


def _open_fused(name: str, manifest: Manifest, request: Request) -> OpenEngine:
    from ros_anomaly.evaluation.labelled.score_maps import FusedScorer
    from ros_anomaly.runtime.engines import load_engine

    engine = load_engine(name, request.backend, request.threads)
    key: dict[str, object] = {"engine": manifest.fingerprint, "kind": "fused", "scores": [manifest.score]}
    key["backend"] = request.backend
    return OpenEngine(
        manifest.name,
        manifest.fingerprint,
        "fused",
        FusedScorer(engine, manifest.class_set),
        key,
        engine,
        None,
        manifest.thresholds,
        manifest.score,
    )


def _open_raw(name: str, manifest: Manifest, request: Request) -> OpenEngine:
    from ros_anomaly.evaluation.labelled.score_maps import RawScorer
    from ros_anomaly.scores.names import FITTED_SCORE_NAMES, Aggregation
    from ros_anomaly.scores.registry import get_score

    names = request.scores or DEFAULT_SCORES
    engine = open_raw_engine(name, request.threads, request.backend)
    try:
        statistics = None
        if set(names) & set(FITTED_SCORE_NAMES):
            statistics = _statistics(engine, request.fit, request.aggregation)
        scores = [get_score(score, statistics=statistics) for score in names]
        scorer = RawScorer(engine, scores, Aggregation(request.aggregation), manifest.class_set)
    except BaseException:
        engine.close()
        raise
    key: dict[str, object] = {
        "engine": engine.manifest.fingerprint,
        "kind": "raw",
        "scores": list(scorer.names),
        "aggregation": request.aggregation,
        "fit": request.fit.fingerprint if statistics and request.fit else None,
        "backend": request.backend,
    }
    fit = statistics.data if statistics else None
    thresholds = manifest.thresholds if request.aggregation == "masks" else {}
    return OpenEngine(manifest.name, manifest.fingerprint, "raw", scorer, key, engine, fit, thresholds, manifest.score)


def unique_labels(engines: Sequence[tuple[str, str]]) -> list[str]:
    """Labels of (name, fingerprint) pairs: the name, with the beginning of the fingerprint where two share it."""
    names = [name for name, _ in engines]
    return [name if names.count(name) == 1 else f"{name} {fingerprint[:8]}" for name, fingerprint in engines]


def _statistics(engine: RawEngine, source: EvaluationSource | None, aggregation: str) -> ScoreStatistics:
    """Statistics of this engine on the frames without anomalies of a source, taken once and kept in the cache."""
    from ros_anomaly.evaluation.labelled.checkpoint import code_fingerprint
    from ros_anomaly.evaluation.labelled.fit import fit_statistics
    from ros_anomaly.scores.names import Aggregation
    from ros_anomaly.scores.statistics import load_statistics

    if source is None:
        raise common.CliError(
            "--scores: expected --fit with sml and kl_matching, which need statistics; found none",
            common.EXIT_BAD_ARGUMENTS,
        )
    manifest = engine.manifest
    entry = manifest.files.get("weights")
    weights = entry.sha256 if entry else str(manifest.info.get("weights_sha256", manifest.fingerprint))
    decides = f"{manifest.fingerprint} {source.fingerprint} {aggregation} {code_fingerprint()}"
    key = hashlib.sha256(decides.encode()).hexdigest()
    path = cache_folder("score_statistics", f"{key[:24]}.json")
    if not path.is_file():
        frames = common.track(source.starting_at(0), f"fitting on {source.title}", len(source.frames))
        fit, used = fit_statistics(frames, engine, Aggregation(aggregation), len(manifest.classes))
        path.parent.mkdir(parents=True, exist_ok=True)
        fit.statistics(weights, f"{source.title}, its {used} frames without anomalies").save(path)
    return load_statistics(path, len(manifest.classes), weights)
