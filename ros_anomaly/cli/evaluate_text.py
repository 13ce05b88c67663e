"""The outcome of ``evaluate`` for people: the table on the terminal, in per cent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ros_anomaly.cli.evaluate_text_findings import findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ros_anomaly.evaluation.labelled.published import PublishedRow
    from ros_anomaly.evaluation.labelled.result import EvaluatedEngine, EvaluationResult
    from ros_anomaly.evaluation.metrics import RankingFigures
    from ros_anomaly.evaluation.score_figures import ScoreReport


def table(result: EvaluationResult) -> str:
    """Everything that fits a terminal; the rest is in ``--out``."""
    lines: list[str] = []
    for engine in result.engines:
        lines += [*_engine(result, engine), ""]
    if result.published:
        lines += [*_published(result.published), ""]
    return "\n".join(lines[:-1])


def _engine(result: EvaluationResult, engine: EvaluatedEngine) -> Iterator[str]:
    report = engine.report
    named = f", engine {engine.label}" if len(result.engines) > 1 else ""
    convention = "" if result.convention is None else f" by {result.convention}"
    known = "" if report.miou is None else f"; mIoU {percent(report.miou)} %"
    yield (
        f"{result.title}{convention}{named}: {report.frames} frames, {report.anomalous_frames} of them with "
        f"anomalies{known}"
    )
    if report.iou is not None:
        yield "classes (IoU in %): " + ", ".join(f"{name} {percent(value)}" for name, value in report.iou.items())
    yield ""
    yield from _street_rows(report.scores) if result.is_street else _convention_rows(report.scores)
    yield from findings(engine)
    shown, score = engine.shown_score, report.scores[engine.shown_score]
    yield from _bands(f"{shown} by distance of the anomaly (against all normal pixels):", score.by_distance)
    yield from _bands(f"{shown} by visible size of the anomaly (against all normal pixels):", score.by_size)
    yield from _bands(f"{shown} by kind of the anomaly (against all normal pixels):", score.by_kind)
    yield from _bands(f"{shown} by weather (its own frames alone):", score.by_weather)
    yield ""
    worst = ", ".join(f"{frame.name} {percent(frame.rank)}" for frame in report.misses)
    yield f"frames with the lowest AP of {next(iter(report.scores))}: {worst or 'none has anomalies'}"
    if report.engine_time:
        own = report.engine_time
        yield f"network: {own.median_ms:.1f} ms a frame in the median, {own.p99_ms:.1f} ms in 99 of 100"


def _street_rows(scores: Mapping[str, ScoreReport]) -> Iterator[str]:
    yield (
        f"{'in per cent':<14}{'AP':>7}{'95 % interval':>16}{'AUROC':>8}{'FPR95':>8}   "
        f"{'road: AP':>9}{'AUROC':>8}{'FPR95':>8}"
    )
    for name, score in scores.items():
        full, road = score.full, score.road
        row = f"{name:<14}{percent(full.ap):>7}{_interval(score):>16}{percent(full.auroc):>8}{percent(full.fpr95):>8}"
        if road is not None:
            row += f"   {percent(road.ap):>9}{percent(road.auroc):>8}{percent(road.fpr95):>8}"
        yield row


def _convention_rows(scores: Mapping[str, ScoreReport]) -> Iterator[str]:
    columns = ("AUROC", "FPR95", "best F1", "sIoU", "PPV", "F1*")
    yield f"{'in per cent':<14}{'AP':>7}{'95 % interval':>16}" + "".join(f"{column:>9}" for column in columns)
    for name, score in scores.items():
        own = score.by_convention
        if own is None:
            continue
        parts = own.components
        figures = [own.ranking.auroc, own.ranking.fpr95, own.best_f1]
        figures += [parts.siou, parts.ppv, parts.f1_star] if parts else [None] * 3
        row = f"{name:<14}{percent(own.ranking.ap):>7}{_interval(score):>16}"
        yield row + "".join(f"{percent(value):>9}" for value in figures)


def _bands(title: str, bands: Mapping[str, RankingFigures]) -> Iterator[str]:
    if not bands:
        return
    yield ""
    yield title
    for band, own in bands.items():
        yield (
            f"  {band:<17} AP {percent(own.ap):>5}  AUROC {percent(own.auroc):>5}  FPR95 {percent(own.fpr95):>5}"
            f"  {own.anomalous_px} pixels"
        )


def _published(rows: tuple[PublishedRow, ...]) -> Iterator[str]:
    yield "published on the same data set, not measured here (other networks and training data; in per cent):"
    for row in rows:
        split = f" ({row.split})" if row.split else ""
        yield (
            f"  {row.method + split:<50} AP {percent(row.ap):>5}  AUROC {percent(row.auroc):>5}  "
            f"FPR95 {percent(row.fpr95):>5}  F1* {percent(row.f1_star):>5}"
        )


def _interval(score: ScoreReport) -> str:
    return "–" if score.headline_ap_ci is None else "–".join(percent(end) for end in score.headline_ap_ci)


def percent(value: float | None) -> str:
    """A fraction in per cent with one digit; a dash for None."""
    return "–" if value is None else f"{100 * value:.1f}"
