"""Charts as inline SVG, drawn by matplotlib: the same bytes for the same data, in the page's own colours and font."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ros_anomaly.evaluation.report.blocks import Chart

INK, SOFT, PALE = "#1f2328", "#59636e", "#d0d7de"
"""Colours of the light page; in the SVG they become the page's variables, so that they follow a dark one."""
BLUE = "#0969da"
SERIES = ("#0969da", "#d95f02", "#1b9e77", "#cf4a9b", "#8250df", "#b08800", "#3aa0c9", "#8c6d5a")
"""Colours of lines, told apart on light and dark; after the last they repeat with another dash."""
DASHES = ("-", "--", ":", "-.")

_VARIABLES = {INK: "--ink", SOFT: "--soft", PALE: "--pale"}
_NEEDLESS = re.compile(r"<metadata>.*?</metadata>\s*| id=\"[a-zA-Z0-9]+(?:_[a-zA-Z0-9]+)*_\d+\"", re.DOTALL)
# Salted ids follow from what they name, so that two charts of a page share an id only where they share the shape.
_STYLE: Any = {"svg.hashsalt": "ros_anomaly", "svg.fonttype": "none", "font.family": "sans-serif"}


def axes_of(width_in: float, height_in: float) -> tuple[Figure, Axes]:
    """An empty figure, 72 SVG units an inch, with one pair of axes; made without pyplot, which keeps figures alive."""
    figure = Figure(figsize=(width_in, height_in))
    return figure, figure.subplots()


def chart(figure: Figure, caption: str = "", wide: bool = False) -> Chart:
    """A finished figure as a block of the page."""
    for axes in figure.axes:
        for name, spine in axes.spines.items():
            spine.set_visible(name in ("left", "bottom"))
            spine.set_color(SOFT)
        axes.tick_params(labelsize=9, color=SOFT, labelcolor=INK)
        for text in (axes.xaxis.label, axes.yaxis.label, axes.title):
            text.set_color(INK)
            text.set_fontsize(10)
        legend = axes.get_legend()
        for text in legend.get_texts() if legend else ():
            text.set_color(INK)
    stream = io.StringIO()
    with matplotlib.rc_context(_STYLE):
        figure.savefig(stream, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None})
    text_of = stream.getvalue()
    svg = _NEEDLESS.sub("", text_of[text_of.index("<svg") :])
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return Chart(svg, caption, wide)


def histogram(values: Sequence[float], x_label: str, y_label: str = "frames", caption: str = "") -> Chart:
    """How often which value came."""
    figure, axes = axes_of(4.8, 2.5)
    axes.hist(values, bins=40, color=BLUE, linewidth=0)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    return chart(figure, caption)


def bars(groups: Sequence[str], series: Mapping[str, Sequence[float | None]], y_label: str, caption: str = "") -> Chart:
    """Upright bars, one a series in every group; None leaves its place empty. For AP by distance and the like.

    Raises:
        ValueError: no series, or one whose length is not that of ``groups``.
    """
    if not series or any(len(values) != len(groups) for values in series.values()):
        lengths = {name: len(values) for name, values in series.items()}
        raise ValueError(f"bars: expected at least one series of {len(groups)} values, found {lengths}")
    figure, axes = axes_of(4.8, 2.6)
    width = 0.8 / len(series)
    for index, (name, values) in enumerate(series.items()):
        places = [group + (index - (len(series) - 1) / 2) * width for group in range(len(groups))]
        shown = [(place, value) for place, value in zip(places, values, strict=True) if value is not None]
        axes.bar(
            [place for place, _ in shown],
            [value for _, value in shown],
            width=0.92 * width,
            color=SERIES[index % len(SERIES)],
            label=name,
            linewidth=0,
        )
    axes.set_xticks(range(len(groups)), groups)
    axes.set_xlim(-0.5, len(groups) - 0.5)
    axes.set_ylabel(y_label)
    if len(series) > 1:
        legend_above(axes, columns=3)
    return chart(figure, caption)


def legend_above(axes: Axes, columns: int) -> None:
    """A legend over the axes, where it hides nothing."""
    axes.legend(ncols=columns, fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0, 1.0))
