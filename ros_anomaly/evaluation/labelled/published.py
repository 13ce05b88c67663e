"""Figures that papers report on the benchmarks, to stand beside measured ones and never among them.

They are of other networks, trained on other data than ours: what a reader may compare is the order of magnitude. AP is
what some of the papers call AUPR. Figures are fractions; what a paper does not report is None.
"""

from __future__ import annotations

from dataclasses import dataclass

from ros_anomaly.limits import check_share

UNO_PAPER = (
    'Delić, Grcić, Šegvić, "Outlier detection by ensembling uncertainty with negative objectness", its own rows '
    "and those that it compares with"
)
CAOS_PAPER = 'Hendrycks et al., "Scaling Out-of-Distribution Detection for Real-World Settings"'
NEWER = "benchmark entries published after the UNO paper"


@dataclass(frozen=True)
class PublishedRow:
    """One method on one benchmark, as published. ``dataset`` is the benchmark's key, ``split`` which part of it."""

    dataset: str
    method: str
    source: str
    ap: float | None = None
    fpr95: float | None = None
    auroc: float | None = None
    f1_star: float | None = None
    split: str = ""

    def __post_init__(self) -> None:
        for name in ("ap", "fpr95", "auroc", "f1_star"):
            value = getattr(self, name)
            if value is not None:
                check_share(f"{self.dataset}, {self.method}: {name}", value, "fraction")


def published_rows(dataset: str) -> tuple[PublishedRow, ...]:
    """Rows of a benchmark, in the order of the papers' tables; empty where none is known."""
    return tuple(row for row in _ROWS if row.dataset == dataset)


def _fraction(per_cent: float | None) -> float | None:
    return None if per_cent is None else round(per_cent / 100.0, 6)


def _uno_table() -> tuple[PublishedRow, ...]:
    # method: (AP, FPR95) in per cent on each data set of the paper's table; None where it has no figure
    columns = ("fishyscapes-lostandfound", "fishyscapes-static", "road-anomaly")
    table: dict[str, tuple[tuple[float, float] | None, ...]] = {
        "UNO, uncertainty part alone, real negatives": ((74.1, 4.5), (72.1, 1.5), (66.2, 8.0)),
        "UNO, negative objectness alone, real negatives": ((69.0, 1.6), (92.6, 0.14), (80.4, 19.8)),
        "UNO, real negatives": ((81.8, 1.3), (98.0, 0.04), (88.5, 7.4)),
        "UNO, synthetic negatives": ((74.5, 6.9), (96.9, 0.1), (82.4, 9.2)),
        "UNO, OOD head in place of the outlier class": ((81.4, 5.3), (89.0, 0.3), (80.6, 10.6)),
        "RbA": ((70.8, 6.3), None, (85.4, 6.9)),
        "Mask2Anomaly": ((69.4, 9.4), (90.5, 2.0), (79.7, 13.5)),
        "EAM": ((81.5, 4.2), (96.0, 0.3), (69.4, 7.7)),
    }
    return tuple(
        PublishedRow(dataset, method, UNO_PAPER, _fraction(pair[0]), _fraction(pair[1]))
        for i, dataset in enumerate(columns)
        for method, pairs in table.items()
        if (pair := pairs[i]) is not None
    )


def _smiyc() -> tuple[PublishedRow, ...]:
    track, obstacle = "smiyc-anomaly", "smiyc-obstacle"
    return (
        PublishedRow(track, "UNO", UNO_PAPER, 0.963, 0.020, split="test"),
        PublishedRow(obstacle, "UNO", UNO_PAPER, 0.932, 0.002, f1_star=0.777, split="test"),
        PublishedRow(obstacle, "AnomDINO+RbA", NEWER, 0.971, 0.0003, split="test"),
        PublishedRow(obstacle, "AnomDINO+RPL", NEWER, f1_star=0.930, split="test"),
    )


def _caos() -> tuple[PublishedRow, ...]:
    # method: (FPR95, AUROC, AUPR) in per cent
    table = {
        "PSPNet-101, MSP": (33.7, 87.7, 6.6),
        "PSPNet-101, Branch": (68.4, 65.7, 1.5),
        "PSPNet-101, Background": (69.0, 58.6, 4.5),
        "PSPNet-101, Dropout": (79.4, 69.9, 7.5),
        "PSPNet-101, AE": (91.7, 66.1, 2.2),
        "PSPNet-101, MaxLogit": (26.5, 89.3, 10.6),
    }
    rows = [
        PublishedRow("streethazards", m, CAOS_PAPER, _fraction(ap), _fraction(fpr), _fraction(auroc), split="test")
        for m, (fpr, auroc, ap) in table.items()
    ]
    bdd = PublishedRow("bdd-anomaly", "MaxLogit", CAOS_PAPER, 0.054, 0.140, 0.926, split="test")
    return (*rows, bdd)


_ROWS: tuple[PublishedRow, ...] = (*_uno_table(), *_smiyc(), *_caos())
