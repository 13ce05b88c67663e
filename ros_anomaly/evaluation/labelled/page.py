"""The report of an evaluation as one page: headline figures, tables, curves, and the frames that went worst."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ros_anomaly.evaluation.labelled.kept_frames import KeptFrame
from ros_anomaly.evaluation.labelled.page_findings import findings
from ros_anomaly.evaluation.labelled.result import EvaluatedEngine, EvaluationResult
from ros_anomaly.evaluation.metrics import RankingFigures
from ros_anomaly.evaluation.report.blocks import (
    Block,
    Charts,
    Column,
    FilmStrip,
    Headline,
    Headlines,
    Page,
    Picture,
    Row,
    Section,
    Still,
    Table,
    Text,
    numbers,
)
from ros_anomaly.evaluation.report.machine import machine_line
from ros_anomaly.evaluation.score_figures import ScoreReport

_LEGEND = "Left the image, right the score from its lowest (dark) to its highest; light blue edge: really anomalous."
_SHOWN_CURVES = 6


def evaluation_page(result: EvaluationResult, commands: Mapping[str, str]) -> Page:
    """The page; ``commands`` by engine label say how to get the same figures again."""
    report = result.engines[0].report
    engines = ", ".join(engine.label for engine in result.engines)
    plural = "engines" if len(result.engines) > 1 else "engine"
    return Page(
        title=f"{result.title}, {plural} {engines}",
        lead=f"{report.frames} frames, {report.anomalous_frames} of them with anomalies. {_definitions(result)}",
        sections=(
            Section("", (_headlines(result),)),
            Section("Scores", tuple(_score_tables(result))),
            Section("Curves", (_curves(result),)),
            *(_engine_section(engine, len(result.engines) > 1) for engine in result.engines),
        ),
        facts={**_commands(commands), "fitted scores": result.fit or "none", "machine": machine_line()},
    )


def _definitions(result: EvaluationResult) -> str:
    if result.convention is None:
        return "Figures are fractions, pooled over the pixels of all frames; intervals are bootstrapped over frames."
    return f"Figures are fractions, by the definitions of {result.convention}; intervals are bootstrapped over frames."


def _headlines(result: EvaluationResult) -> Headlines:
    """The best score of every engine, and its segmentation."""
    figures = []
    for engine in result.engines:
        scores = engine.report.scores
        best = max(scores, key=lambda name: scores[name].headline.ap or 0.0)
        own = scores[best]
        whose = f", {engine.label}" if len(result.engines) > 1 else ""
        interval = own.headline_ap_ci
        note = "" if interval is None else f"95 % interval {interval[0]:.3f}–{interval[1]:.3f}"
        figures.append(Headline(_show(own.headline.ap), f"AP of {best}, the best of the scores{whose}", note))
        figures.append(Headline(_show(own.headline.fpr95), f"FPR95 of {best}{whose}"))
        if engine.report.miou is not None:
            figures.append(Headline(_show(engine.report.miou), f"mIoU of the known classes{whose}"))
    return Headlines(tuple(figures))


def _score_tables(result: EvaluationResult) -> Iterator[Block]:
    rows = []
    for engine in result.engines:
        for name, score in engine.report.scores.items():
            rows.append(Row((engine.label, name, *_figures(result, score))))
    note = "" if result.fit is None else f"Statistics of the fitted scores were taken on {result.fit}."
    yield Table((Column("engine"), Column("score"), *numbers(*_titles(result))), tuple(rows), note=note)
    if result.published:
        yield Table(
            (Column("method"), Column("split"), *numbers("AP", "AUROC", "FPR95", "F1*"), Column("source")),
            tuple(
                Row((row.method, row.split, row.ap, row.auroc, row.fpr95, row.f1_star, row.source), mark="published")
                for row in result.published
            ),
            title="Published on the same data set, not measured here",
            note="Other networks, trained on other data; what is comparable is the order of magnitude.",
        )


def _titles(result: EvaluationResult) -> tuple[str, ...]:
    if result.is_street:
        return ("AP", "AP from", "AP to", "AUROC", "FPR95", "road: AP", "road: AUROC", "road: FPR95")
    return ("AP", "AP from", "AP to", "AUROC", "FPR95", "best F1", "sIoU", "PPV", "F1*")


def _figures(result: EvaluationResult, score: ScoreReport) -> tuple[float | None, ...]:
    low, high = score.headline_ap_ci or (None, None)
    own = score.headline
    head = (own.ap, low, high, own.auroc, own.fpr95)
    if result.is_street or score.by_convention is None:
        road = score.road
        return (*head, *((road.ap, road.auroc, road.fpr95) if road else (None, None, None)))
    parts = score.by_convention.components
    components = (parts.siou, parts.ppv, parts.f1_star) if parts else (None, None, None)
    return (*head, score.by_convention.best_f1, *components)


def _curves(result: EvaluationResult) -> Block:
    from ros_anomaly.evaluation.report.curve_charts import precision_recall_chart, roc_chart

    ranked = sorted(
        ((engine, name, score) for engine in result.engines for name, score in engine.report.scores.items()),
        key=lambda item: -(item[2].headline.ap or 0.0),
    )
    several = len(result.engines) > 1
    shown = [
        replace(score.curve, name=f"{name}, {engine.label}" if several else name)
        for engine, name, score in ranked[:_SHOWN_CURVES]
        if score.curve is not None
    ]
    if not shown:
        return Text("No curves: there are no anomalous or no normal pixels.")
    left_out = len(ranked) - len(shown)
    caption = f"The best {len(shown)} of {len(ranked)}; all are in curves.json." if left_out else ""
    return Charts((precision_recall_chart(shown, caption), roc_chart(shown, caption)))


def _engine_section(engine: EvaluatedEngine, several: bool) -> Section:
    report = engine.report
    first = next(iter(report.scores))
    shown, score = engine.shown_score, report.scores[engine.shown_score]
    blocks: list[Block] = list(findings(engine))
    for title, bands in (
        (f"{shown} by distance of the anomaly", score.by_distance),
        (f"{shown} by visible size of the anomaly", score.by_size),
        (f"{shown} by kind of the anomaly", score.by_kind),
        (f"{shown} by weather", score.by_weather),
    ):
        if bands:
            blocks.append(_band_table(title, bands))
    blocks.append(_strip(f"Lowest AP of {first}", report.misses, "No frame has anomalies."))
    blocks.append(_strip(f"Highest {first} where nothing is anomalous", report.false_flags, "No normal pixels."))
    if report.iou is not None:
        rows = tuple(Row((name, value)) for name, value in report.iou.items())
        blocks.append(Table((Column("class"), *numbers("IoU")), rows, title="Known classes"))
    if report.engine_time is not None:
        own = report.engine_time
        blocks.append(
            Table(
                numbers("median", "99th percentile", "mean", digits=1),
                (Row((own.median_ms, own.p99_ms, own.mean_ms)),),
                title="Milliseconds a frame, network alone",
            )
        )
    return Section(f"Engine {engine.label}" if several else "In detail", tuple(blocks))


def _band_table(title: str, bands: Mapping[str, RankingFigures]) -> Table:
    rows = tuple(Row((band, own.ap, own.auroc, own.fpr95, own.anomalous_px)) for band, own in bands.items())
    return Table((Column(""), *numbers("AP", "AUROC", "FPR95", "anomalous pixels")), rows, title=title)


def _strip(title: str, frames: Sequence[KeptFrame], nothing: str) -> FilmStrip:
    stills = []
    for frame in frames:
        ap, tail = frame.facts["ap"], frame.facts["normal_tail"]
        caption = f"{frame.name}: AP {_show(ap)}; one in a thousand normal pixels scores {_show(tail)} or more"
        stills.append(Still(Picture(frame.jpeg, caption), caption))
    return FilmStrip(tuple(stills), title, _LEGEND, nothing)


def _commands(commands: Mapping[str, str]) -> dict[str, str]:
    if len(commands) == 1:
        return {"command": next(iter(commands.values()))}
    return {f"command, {label}": command for label, command in commands.items()}


def _show(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
