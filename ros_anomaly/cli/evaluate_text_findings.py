"""What ``evaluate`` tells beside the table of scores: objects found, UNO against the others, corruptions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ros_anomaly.evaluation.labelled.result import EvaluatedEngine
    from ros_anomaly.evaluation.labelled.run import EngineReport


def findings(engine: EvaluatedEngine) -> Iterator[str]:
    """Lines, each group after an empty one; nothing where nothing was measured."""
    for group in (_recall(engine.report), _scenes(engine.report), _gains(engine.report), _corruptions(engine)):
        lines = list(group)
        if lines:
            yield ""
            yield from lines


def _recall(report: EngineReport) -> Iterator[str]:
    for name, own in report.recall.items():
        found = sum(found for found, _ in own.by_distance.values())
        yield (
            f"objects found at the calibrated threshold of {name} ({report.thresholds[name]:.4g}): "
            f"{_of(found, own.objects)}"
        )
        if own.near is not None:
            yield (
                "  of those with at least 60 visible pixels in the corridor within 30 m: "
                f"{_of(own.near.found, own.near.objects)}"
            )
        for band, (found, objects) in own.by_distance.items():
            yield f"  {band:<17} {_of(found, objects)}"


def _scenes(report: EngineReport) -> Iterator[str]:
    for name, count in report.unfamiliar.items():
        yield f"unfamiliar scenes by {name}, which the node calls UNKNOWN: {_of(count, report.frames)}"


def _gains(report: EngineReport) -> Iterator[str]:
    for name, own in report.gains.items():
        yield f"AP of {name} less that of the other scores, in per cent (95 % interval, frames drawn alike):"
        for other, gain in own.items():
            yield f"  {other:<14}{100 * gain.ap:+6.1f}  ({100 * gain.low:+.1f} to {100 * gain.high:+.1f})"
    if report.correlation:
        parts = (f"{_number(value)} over {pixels} pixels" for pixels, value in report.correlation.items())
        yield f"correlation of UNO's two parts: {', '.join(parts)}"


def _corruptions(engine: EvaluatedEngine) -> Iterator[str]:
    if not engine.corrupted:
        return
    name, clean = engine.shown_score, engine.report
    own = clean.scores[name].headline
    yield f"{name} on corrupted pictures, in per cent, and what changed:"
    yield f"  {'':<16}{'AP':>6}{'':>8}{'AUROC':>8}{'':>8}{'FPR95':>8}{'':>8}{'mIoU':>8}{'':>8}{'UNKNOWN':>9}"
    figures = (own.ap, own.auroc, own.fpr95, clean.miou)
    row = "".join(f"{_percent(value):>6}{'':>8}  " for value in figures)
    yield f"  {'clean':<16}{row}{_percent(clean.unfamiliar_share(name)):>7}"
    for one in engine.corrupted:
        after, losses = one.report.scores[name].headline, one.losses(clean, name)
        pairs = (
            (after.ap, losses["ap"]),
            (after.auroc, losses["auroc"]),
            (after.fpr95, losses["fpr95"]),
            (one.report.miou, losses["miou"]),
        )
        row = "".join(f"{_percent(value):>6}{_change(change):>8}  " for value, change in pairs)
        yield f"  {one.corruption.label:<16}{row}{_percent(one.report.unfamiliar_share(name)):>7}"


def _of(found: int, objects: int) -> str:
    return f"{found} of {objects}" + (f" ({100 * found / objects:.1f} %)" if objects else "")


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _change(value: float | None) -> str:
    return "" if value is None else f"({100 * value:+.1f})"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}"
