"""Precision-recall and ROC curves drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ros_anomaly.evaluation.report import charts
from ros_anomaly.evaluation.report.blocks import Chart
from ros_anomaly.evaluation.report.curves import Curve


def precision_recall_chart(curves: Sequence[Curve], caption: str = "") -> Chart:
    """Precision over recall of several scores; the steps run as AP sums them."""
    figure, axes = charts.axes_of(4.8, 3.4)
    for index, curve in enumerate(curves):
        recall = np.concatenate([[0.0], curve.recall])
        precision = np.concatenate([curve.precision[:1], curve.precision])
        axes.plot(
            recall,
            precision,
            drawstyle="steps-pre",
            color=_colour(index),
            linestyle=_dash(index),
            linewidth=1.4,
            label=curve.name,
        )
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision")
    charts.legend_above(axes, columns=3)
    return charts.chart(figure, caption)


def roc_chart(curves: Sequence[Curve], caption: str = "") -> Chart:
    """True positive rate over false positive rate, the latter on a logarithmic axis from 1e-4, where vehicles live."""
    figure, axes = charts.axes_of(4.8, 3.4)
    for index, curve in enumerate(curves):
        axes.plot(
            np.maximum(curve.fpr, 1e-5),
            curve.recall,
            color=_colour(index),
            linestyle=_dash(index),
            linewidth=1.4,
            label=curve.name,
        )
    axes.axhline(0.95, color=charts.PALE, linewidth=1, zorder=0)
    axes.set(xscale="log", xlim=(1e-4, 1), ylim=(0, 1.02))
    axes.set(xlabel="false positive rate (logarithmic)", ylabel="true positive rate")
    charts.legend_above(axes, columns=3)
    return charts.chart(figure, caption)


def _colour(index: int) -> str:
    return charts.SERIES[index % len(charts.SERIES)]


def _dash(index: int) -> str:
    return charts.DASHES[index // len(charts.SERIES) % len(charts.DASHES)]
