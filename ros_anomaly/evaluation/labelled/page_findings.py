"""Blocks of the report beside the table of scores: objects found, UNO against the others, corruptions, kinds."""

from __future__ import annotations

from collections.abc import Iterator

from ros_anomaly.evaluation.labelled.result import EvaluatedEngine
from ros_anomaly.evaluation.labelled.run import EngineReport
from ros_anomaly.evaluation.report.blocks import Block, Column, Row, Table, numbers


def findings(engine: EvaluatedEngine) -> Iterator[Block]:
    """Nothing where nothing was measured."""
    report = engine.report
    yield from _recall(report)
    yield from _gains(report)
    for name in report.scores if engine.corrupted else ():
        yield _corruptions(engine, name)


def _recall(report: EngineReport) -> Iterator[Block]:
    for name, own in report.recall.items():
        rows = []
        if own.near is not None:
            near = own.near
            rows.append(
                Row(
                    ("60 visible pixels, in the corridor, within 30 m", near.found, near.objects, near.share),
                    mark="must",
                )
            )
        found = sum(found for found, _ in own.by_distance.values())
        rows.append(Row(("all", found, own.objects, own.recall)))
        for band, (found, objects) in own.by_distance.items():
            rows.append(Row((band, found, objects, found / objects if objects else None)))
        yield Table(
            (Column("objects"), *numbers("found", "of", "share")),
            tuple(rows),
            title=f"Objects found at the calibrated threshold of {name}, {report.thresholds[name]:.4g}",
            note="Found is an object in its frame if the mask covers a fifth of its visible pixels. "
            + _scenes(report, name),
        )


def _scenes(report: EngineReport, name: str) -> str:
    if name not in report.unfamiliar:
        return "Scenes are not judged: the calibration has no usual score."
    return f"The scene is unfamiliar, and so UNKNOWN, in {report.unfamiliar[name]} of {report.frames} frames."


def _gains(report: EngineReport) -> Iterator[Block]:
    correlation = ", ".join(
        f"{'–' if value is None else f'{value:+.3f}'} over {pixels} pixels"
        for pixels, value in report.correlation.items()
    )
    rows = [
        Row((name, other, gain.ap, gain.low, gain.high))
        for name, own in report.gains.items()
        for other, gain in own.items()
    ]
    if rows:
        yield Table(
            (Column("score"), Column("against"), *numbers("AP gained", "from", "to")),
            tuple(rows),
            title="UNO against its parts and the other scores",
            note="95 % intervals, the same frames drawn for both."
            + (f" Correlation of the two parts: {correlation}." if correlation else ""),
        )


def _corruptions(engine: EvaluatedEngine, name: str) -> Table:
    clean = engine.report
    own = clean.scores[name].headline
    rows = [
        Row(
            ("as they are", own.ap, None, own.auroc, None, own.fpr95, None, clean.miou, None)
            + (clean.unfamiliar_share(name),)
        )
    ]
    for one in engine.corrupted:
        after, losses = one.report.scores[name].headline, one.losses(clean, name)
        rows.append(
            Row(
                (
                    one.corruption.label,
                    after.ap,
                    losses["ap"],
                    after.auroc,
                    losses["auroc"],
                    after.fpr95,
                    losses["fpr95"],
                    one.report.miou,
                    losses["miou"],
                    one.report.unfamiliar_share(name),
                )
            )
        )
    titles = ("AP", "change", "AUROC", "change", "FPR95", "change", "mIoU", "change", "UNKNOWN")
    return Table(
        (Column("pictures"), *numbers(*titles)),
        tuple(rows),
        title=f"{name} on corrupted pictures",
        note="name@severity as ImageNet-C has them, name:amount in grey levels, pixels, metres or JPEG quality. "
        "UNKNOWN: share of frames whose scene the node calls unfamiliar.",
    )
