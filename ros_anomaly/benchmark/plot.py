"""A contest as a picture: median times as bars, to the 99th percentile a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ros_anomaly.benchmark.contest_table import Contenders, by_group
from ros_anomaly.benchmark.table import number

_BAR_IN, _HEAD_IN, _WIDTH_IN = 0.28, 0.9, 7.5
_BASELINE, _OTHER, _INK = "#d95f02", "#0969da", "#1f2328"
_METADATA = {"Software": None}  # the same bytes for the same figures


def plot_contest(heading: str, contenders: Contenders, path: Path) -> None:
    """Write a PNG: one panel a group, the quickest at the top.

    Raises:
        ValueError: nobody ran.
        OSError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    ran = [one for one in contenders if one["failure"] is None]
    if not ran:
        raise ValueError(f"plot {path.name}: expected at least one contender that ran, found none")
    groups = by_group(ran)
    heights = [_HEAD_IN + _BAR_IN * len(members) for members in groups.values()]
    figure = Figure(figsize=(_WIDTH_IN, sum(heights) + 0.4), layout="constrained")
    panels = figure.subplots(len(groups), squeeze=False, height_ratios=heights)[:, 0]
    for axes, (group, members) in zip(panels, groups.items(), strict=True):
        _panel(axes, group, members)
    figure.suptitle(heading, fontsize=9, color=_INK)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata=_METADATA)


def _panel(axes: Any, group: str, members: Contenders) -> None:
    ordered = sorted(members, key=lambda one: -one["times"]["median_ms"])
    medians = [one["times"]["median_ms"] for one in ordered]
    upper = [max(one["times"]["p99_ms"] - one["times"]["median_ms"], 0.0) for one in ordered]
    places = range(len(ordered))
    axes.barh(
        places,
        medians,
        xerr=[[0.0] * len(ordered), upper],
        color=[_BASELINE if one["baseline"] else _OTHER for one in ordered],
        ecolor=_INK,
        error_kw={"linewidth": 1},
        height=0.7,
    )
    for place, one in zip(places, ordered, strict=True):
        ratio = f" ({number(one['ratio']['median'])}×)" if one["ratio"] else ""
        axes.annotate(
            f"{number(one['times']['median_ms'])}{ratio}",
            (one["times"]["p99_ms"], place),
            textcoords="offset points",
            xytext=(5, -3),
            fontsize=8,
            color=_INK,
        )
    axes.set_yticks(list(places), [one["name"] for one in ordered], fontsize=8)
    axes.set_xlim(0, 1.2 * max(one["times"]["p99_ms"] for one in ordered))
    axes.set_title(group, fontsize=9, loc="left", color=_INK)
    axes.set_xlabel("ms a frame: median, line to the 99th percentile", fontsize=8)
    axes.tick_params(labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
