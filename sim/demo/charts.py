"""Charts of a run as SVG text, to stand inside the report."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly_sim.demo.pictures import LEVEL_COLOURS
from ros_anomaly_sim.demo.result import ObjectResult
from ros_anomaly_sim.demo.timeline import Moment

_INK, _FAINT, _BLUE = "#24292f", "#8c959f", "#0969da"
_UNFOUND = "#d0d7de"


def timeline_svg(moments: Sequence[Moment], period_s: float, numbers: Mapping[int, int]) -> str:
    """Hazard level over time, and below it when each real object was in view and when it was found.

    ``numbers`` maps instance ids to the numbers that the report gives the objects.
    """
    seen = sorted({numbers[i] for moment in moments for i in moment.objects_in_view})
    figure = Figure(figsize=(11, 1.5 + 0.26 * len(seen)))
    axes = figure.subplots()
    for level in HazardLevel:
        spans = _runs(moments, period_s, lambda m, level=level: m.level is level)  # type: ignore[misc]
        axes.broken_barh(spans, (-0.4, 0.8), color=_hex(level), linewidth=0)
    for instance_id, number in numbers.items():
        if number not in seen:
            continue
        row = (-seen.index(number) - 1.3, 0.6)
        in_view = _runs(moments, period_s, lambda m, i=instance_id: i in m.objects_in_view)  # type: ignore[misc]
        found = _runs(moments, period_s, lambda m, i=instance_id: i in m.objects_found)  # type: ignore[misc]
        axes.broken_barh(in_view, row, color=_UNFOUND, linewidth=0)
        axes.broken_barh(found, row, color=_BLUE, linewidth=0)
    axes.set_yticks([0, *(-index - 1 for index in range(len(seen)))])
    axes.set_yticklabels(["state", *(f"object {number}" for number in seen)])
    axes.set_xlim(0, max((moment.time_s for moment in moments), default=1) + period_s)
    axes.set_xlabel("simulated seconds", fontsize=9)
    handles = [Patch(color=_hex(level), label=level.name) for level in HazardLevel]
    handles += [Patch(color=_BLUE, label="object found"), Patch(color=_UNFOUND, label="in view, not found")]
    axes.legend(handles=handles, ncols=6, fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0, 1.0))
    return _svg(figure, axes)


def _runs(moments: Sequence[Moment], period_s: float, wanted: Callable[[Moment], bool]) -> list[tuple[float, float]]:
    """(start, length) in seconds of each run of moments that are wanted."""
    runs = []
    for is_wanted, group in groupby(moments, key=wanted):
        if is_wanted:
            times = [moment.time_s for moment in group]
            runs.append((times[0], times[-1] - times[0] + period_s))
    return runs


def latency_svg(moments: Sequence[Moment]) -> str:
    """Histogram of the detector's latency."""
    figure = Figure(figsize=(5.4, 2.6))
    axes = figure.subplots()
    values = [moment.latency_ms for moment in moments if moment.latency_ms is not None]
    axes.hist(values, bins=40, color=_BLUE, linewidth=0)
    axes.set_xlabel("latency in the detector, ms", fontsize=9)
    axes.set_ylabel("frames", fontsize=9)
    return _svg(figure, axes)


def distances_svg(objects: Sequence[tuple[int, ObjectResult]]) -> str:
    """Per object, with its number: how far off it was in view, stably found, and where HAZARD went up."""
    shown = [(number, item) for number, item in objects if not item.never_in_view]
    figure = Figure(figsize=(5.4, 0.8 + 0.28 * max(len(shown), 1)))
    axes = figure.subplots()
    for row, (_, item) in enumerate(shown):
        report = item.report
        seen, nearest = report.first_seen_m or 0.0, report.nearest_m or 0.0
        axes.barh(-row, seen - nearest, left=nearest, height=0.5, color=_UNFOUND, linewidth=0)
        if report.stable_m is not None:
            axes.barh(-row, report.stable_m - nearest, left=nearest, height=0.5, color=_BLUE, linewidth=0)
        if report.hazard_m is not None:
            axes.plot(report.hazard_m, -row, "D", color=_hex(HazardLevel.HAZARD), markersize=6)
    axes.set_yticks([-row for row in range(len(shown))])
    axes.set_yticklabels([f"{number}  {item.object.label}" for number, item in shown])
    axes.set_xlabel("metres ahead: grey in view, blue found, diamond HAZARD", fontsize=9)
    axes.set_xlim(left=0)
    return _svg(figure, axes)


def _svg(figure: Figure, axes: Axes) -> str:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_FAINT)
    axes.tick_params(labelsize=8, colors=_INK)
    stream = io.StringIO()
    figure.savefig(stream, format="svg", bbox_inches="tight", transparent=True)
    text = stream.getvalue()
    return text[text.index("<svg") :]


def _hex(level: HazardLevel) -> str:
    return "#{:02x}{:02x}{:02x}".format(*LEVEL_COLOURS[level])
