"""Times the streamed metrics on made-up scores, and an exact computation by sorting on the same ones."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from ros_anomaly.evaluation.metrics import RECALL, PixelRanking

CHUNK_PX = 1 << 20
PREVALENCE = 0.01
KINDS = {"random": 0.0, "ties": 0.9}
"""Share of pixels that have one and the same score; all others are drawn from two normal distributions."""

Figures = tuple[float, float, float]


@dataclass(frozen=True)
class Streamed:
    """``cpu_s`` and ``wall_s`` are without making the scores up; ``peak_mb`` is of the whole process so far."""

    kind: str
    pixels: int
    cpu_s: float
    wall_s: float
    peak_mb: float
    max_error: float
    ap: float
    auroc: float
    fpr95: float


@dataclass(frozen=True)
class Compared:
    """``difference``: largest of the three figures from the exact ones. ``faster`` is of CPU times."""

    kind: str
    pixels: int
    cpu_s: float
    exact_by: str
    exact_cpu_s: float
    faster: float
    difference: float
    max_error: float


def run_benchmark(
    pixels: int, compare_pixels: int, on_pixels: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """Stream ``pixels`` of each kind, then compare on ``compare_pixels`` of each (0: not at all).

    The exact computation holds all pixels, about 60 bytes each.
    """
    streamed = [asdict(_stream(kind, pixels, on_pixels)) for kind in KINDS]
    compared = [asdict(_compare(kind, compare_pixels)) for kind in KINDS] if compare_pixels else []
    return {"streamed": streamed, "compared": compared}


def made_up(kind: str, pixels: int, seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(scores float32 [n], is_anomaly bool [n]) in chunks."""
    rng = np.random.default_rng(seed)
    for start in range(0, pixels, CHUNK_PX):
        size = min(CHUNK_PX, pixels - start)
        is_anomaly = rng.random(size, np.float32) < PREVALENCE
        scores = rng.standard_normal(size, np.float32)
        scores += np.float32(1.5) * is_anomaly
        if KINDS[kind]:
            scores[rng.random(size, np.float32) < KINDS[kind]] = 0.25
        yield scores, is_anomaly


def _stream(kind: str, pixels: int, on_pixels: Callable[[int], None]) -> Streamed:
    ranking, cpu_s, wall_s = PixelRanking(), 0.0, 0.0
    for scores, is_anomaly in made_up(kind, pixels):
        cpu, wall = time.process_time(), time.perf_counter()
        ranking.add(scores, is_anomaly)
        cpu_s, wall_s = cpu_s + time.process_time() - cpu, wall_s + time.perf_counter() - wall
        on_pixels(len(scores))
    cpu, wall = time.process_time(), time.perf_counter()
    result = ranking.figures()
    cpu_s, wall_s = cpu_s + time.process_time() - cpu, wall_s + time.perf_counter() - wall
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    ap, auroc, fpr95 = _known(result.ap, result.auroc, result.fpr95)
    return Streamed(kind, pixels, cpu_s, wall_s, peak_mb, result.max_error, ap, auroc, fpr95)


def _compare(kind: str, pixels: int) -> Compared:
    scores, is_anomaly = (np.concatenate(parts) for parts in zip(*made_up(kind, pixels), strict=True))
    started = time.process_time()
    ranking = PixelRanking()
    for i in range(0, pixels, CHUNK_PX):
        ranking.add(scores[i : i + CHUNK_PX], is_anomaly[i : i + CHUNK_PX])
    result = ranking.figures()
    cpu_s = time.process_time() - started
    started = time.process_time()
    name, exact = _by_scikit_learn(scores, is_anomaly) if find_spec("sklearn") else _by_sorting(scores, is_anomaly)
    exact_cpu_s = time.process_time() - started
    difference = max(abs(a - b) for a, b in zip(_known(result.ap, result.auroc, result.fpr95), exact, strict=True))
    return Compared(kind, pixels, cpu_s, name, exact_cpu_s, exact_cpu_s / cpu_s, difference, result.max_error)


def _by_scikit_learn(scores: np.ndarray, is_anomaly: np.ndarray) -> tuple[str, Figures]:
    import sklearn
    from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

    ap, auroc = average_precision_score(is_anomaly, scores), roc_auc_score(is_anomaly, scores)
    fpr, tpr, _ = roc_curve(is_anomaly, scores, drop_intermediate=False)
    exact = float(ap), float(auroc), float(fpr[np.argmax(tpr >= RECALL)])
    return f"scikit-learn {sklearn.__version__}, one function a figure", exact


def _by_sorting(scores: np.ndarray, is_anomaly: np.ndarray) -> tuple[str, Figures]:
    """What scikit-learn does inside, once for all three figures."""
    order = np.argsort(scores, kind="stable")[::-1]
    ordered, hits = scores[order], is_anomaly[order]
    steps = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    true = np.cumsum(hits, dtype=np.int64)[steps]
    false = 1 + steps - true
    recall, fpr = true / true[-1], false / false[-1]
    ap = float((np.diff(recall, prepend=0.0) * true / (true + false)).sum())
    widths = np.diff(fpr, prepend=0.0)
    auroc = float((widths * (recall - np.diff(recall, prepend=0.0) / 2.0)).sum())
    return "one stable sort of all pixels, as scikit-learn does inside", (
        ap,
        auroc,
        float(fpr[np.argmax(recall >= RECALL)]),
    )


def _known(*figures: float | None) -> Figures:
    ap, auroc, fpr95 = figures
    if ap is None or auroc is None or fpr95 is None:
        raise ValueError("benchmark: expected anomalous and normal pixels, found too few pixels to have both")
    return ap, auroc, fpr95
