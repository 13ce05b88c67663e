"""Networks side by side: what each part of the recipe is worth, as tables in Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ros_anomaly.evaluation.labelled.result import EvaluatedEngine, engine_details
from ros_anomaly.evaluation.labelled.timing import TimingFigures
from ros_anomaly.evaluation.metrics import RankingFigures
from ros_anomaly.evaluation.score_figures import ScoreReport

FORMAT = 1
PREFERRED = ("uno_normalised", "uno_clamped", "uno", "max_logit")
"""Of these the first that a network has is the one that is broken down."""


@dataclass(frozen=True)
class AblatedNetwork:
    """One row of the tables.

    Attributes:
        label: what sets the network apart, in the reader's words.
        by_aggregation: its figures, by how masks become pixels; at least one, the first is the one shown.
        seen_kinds: kinds of objects that it was shown negatives of; None where that is not looked at.
    """

    label: str
    by_aggregation: Mapping[str, EvaluatedEngine]
    seen_kinds: tuple[str, ...] | None = None

    @property
    def engine(self) -> EvaluatedEngine:
        """The figures that are shown."""
        return next(iter(self.by_aggregation.values()))

    @property
    def shown_score(self) -> str:
        """The score that is broken down."""
        scores = self.engine.report.scores
        return next((name for name in PREFERRED if name in scores), next(iter(scores)))


def ablation_json(title: str, networks: Sequence[AblatedNetwork]) -> dict[str, Any]:
    """All figures of all networks."""
    return {
        "format": FORMAT,
        "protocol": title,
        "frames": networks[0].engine.report.frames,
        "networks": {
            one.label: {
                "seen_kinds": one.seen_kinds,
                "aggregations": {name: engine_details(engine) for name, engine in one.by_aggregation.items()},
            }
            for one in networks
        },
    }


def ablation_markdown(title: str, command: str, networks: Sequence[AblatedNetwork]) -> str:
    """The tables, in per cent; differences of mIoU are against the first network."""
    report = networks[0].engine.report
    lines = [
        f"# Ablation on {title}",
        "",
        f"`{command}`: {report.frames} frames, {report.anomalous_frames} of them with anomalies. Figures in per cent, "
        "pooled over the pixels of all frames; 95 % intervals are bootstrapped over frames.",
    ]
    for heading, table in (
        ("Scores", _scores(networks)),
        ("Known classes", _classes(networks)),
        ("UNO against its parts and the other scores", _gains(networks)),
        ("Correlation of UNO's two parts", _correlations(networks)),
        ("From masks to pixels", _aggregations(networks)),
        ("By kind of the anomaly", _bands(networks, lambda score: score.by_kind)),
        ("By distance of the anomaly", _bands(networks, lambda score: score.by_distance)),
        ("By visible size of the anomaly", _bands(networks, lambda score: score.by_size)),
        ("By weather", _bands(networks, lambda score: score.by_weather)),
    ):
        rows = list(table)
        if len(rows) > 2:  # more than a heading and the line below it
            lines += ["", f"## {heading}", "", *rows]
    return "\n".join(lines) + "\n"


def _scores(networks: Sequence[AblatedNetwork]) -> Iterator[str]:
    yield from _head("network", "score", "AP", "interval", "AUROC", "FPR95", "road: AP", "AUROC", "FPR95")
    for one in networks:
        for name, score in one.engine.report.scores.items():
            full, road, ends = score.full, score.road, score.full_ap_ci
            interval = "–" if ends is None else f"{_percent(ends[0])}–{_percent(ends[1])}"
            cells = [_percent(full.ap), interval, _percent(full.auroc), _percent(full.fpr95)]
            cells += [_percent(value) for value in ((road.ap, road.auroc, road.fpr95) if road else (None,) * 3)]
            yield _row(one.label, f"`{name}`", *cells)


def _classes(networks: Sequence[AblatedNetwork]) -> Iterator[str]:
    yield from _head("network", "mIoU", "against the first", *(networks[0].engine.report.iou or {}))
    first = networks[0].engine.report.miou
    for one in networks:
        report = one.engine.report
        change = None if report.miou is None or first is None else report.miou - first
        yield _row(one.label, _percent(report.miou), _signed(change), *map(_percent, (report.iou or {}).values()))


def _gains(networks: Sequence[AblatedNetwork]) -> Iterator[str]:
    yield from _head("network", "score", "against", "AP gained", "interval", "sure")
    for one in networks:
        for name, own in one.engine.report.gains.items():
            for other, gain in own.items():
                ends = f"{_signed(gain.low)} to {_signed(gain.high)}"
                sure = "yes" if gain.is_sure else "no"
                yield _row(one.label, f"`{name}`", f"`{other}`", _signed(gain.ap), ends, sure)


def _correlations(networks: Sequence[AblatedNetwork]) -> Iterator[str]:
    yield from _head("network", "all pixels", "anomalous pixels")
    for one in networks:
        own = one.engine.report.correlation
        if own:
            yield _row(one.label, *("–" if own[p] is None else f"{own[p]:+.3f}" for p in ("all", "anomalous")))


def _aggregations(networks: Sequence[AblatedNetwork]) -> Iterator[str]:
    yield from _head("network", "score", "summed at", "AP", "AUROC", "FPR95", "ms from masks to scores", "network, ms")
    for one in networks:
        if len(one.by_aggregation) < 2:
            continue
        for name in one.engine.report.scores:
            for aggregation, engine in one.by_aggregation.items():
                full, report = engine.report.scores[name].full, engine.report
                times = (_median(report.scores_time), _median(report.engine_time))
                figures = (_percent(full.ap), _percent(full.auroc), _percent(full.fpr95))
                yield _row(one.label, f"`{name}`", aggregation, *figures, *times)


def _bands(
    networks: Sequence[AblatedNetwork], bands_of: Callable[[ScoreReport], Mapping[str, RankingFigures]]
) -> Iterator[str]:
    found = [(one, one.shown_score, bands_of(one.engine.report.scores[one.shown_score])) for one in networks]
    names = list(dict.fromkeys(band for _, _, bands in found for band in bands))
    yield from _head("network", "score", *(f"{name}: AP, FPR95" for name in names))
    for one, score, bands in found:
        cells = [f"{_percent(bands[n].ap)}, {_percent(bands[n].fpr95)}" if n in bands else "–" for n in names]
        if bands:
            yield _row(one.label, f"`{score}`", *cells)


def _head(*titles: str) -> Iterator[str]:
    yield _row(*titles)
    yield "|" + "---|" * len(titles)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:+.1f}"


def _median(own: TimingFigures | None) -> str:
    return "–" if own is None else f"{own.median_ms:.1f}"
