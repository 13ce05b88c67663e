"""Charts of a run for its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ros_anomaly.evaluation.report import charts
from ros_anomaly.evaluation.report.blocks import Chart
from ros_anomaly.evaluation.report.timeline import Presence, Timeline, hex_of
from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly_sim.demo.result import ObjectResult
from ros_anomaly_sim.demo.timeline import Moment


def timeline_chart(moments: Sequence[Moment], period_s: float, numbers: Mapping[int, int]) -> Chart:
    """Hazard level over time, and below it when each real object was in view and when it was found.

    ``numbers`` maps instance ids to the numbers that the report gives the objects.
    """
    seen = {instance_id for moment in moments for instance_id in moment.objects_in_view}
    presences = [
        Presence(
            f"object {numbers[instance_id]}",
            [instance_id in moment.objects_in_view for moment in moments],
            [instance_id in moment.objects_found for moment in moments],
        )
        for instance_id in sorted(seen, key=lambda instance_id: numbers[instance_id])
    ]
    times, levels = [moment.time_s for moment in moments], [moment.level for moment in moments]
    return Timeline(times, levels, period_s, presences=presences, unit="simulated seconds").chart()


def latency_chart(moments: Sequence[Moment]) -> Chart:
    """Histogram of the detector's latency."""
    values = [moment.latency_ms for moment in moments if moment.latency_ms is not None]
    return charts.histogram(values, "latency in the detector, ms")


def distances_chart(objects: Sequence[tuple[int, ObjectResult]]) -> Chart:
    """Per object, with its number: how far off it was in view, stably found, and where HAZARD went up."""
    shown = [(number, item) for number, item in objects if not item.never_in_view]
    figure, axes = charts.axes_of(4.8, 0.8 + 0.28 * max(len(shown), 1))
    for row, (_, item) in enumerate(shown):
        report = item.report
        seen, nearest = report.first_seen_m or 0.0, report.nearest_m or 0.0
        axes.barh(-row, seen - nearest, left=nearest, height=0.5, color=charts.PALE, linewidth=0)
        if report.stable_m is not None:
            axes.barh(-row, report.stable_m - nearest, left=nearest, height=0.5, color=charts.BLUE, linewidth=0)
        if report.hazard_m is not None:
            axes.plot(report.hazard_m, -row, "D", color=hex_of(HazardLevel.HAZARD), markersize=6)
    axes.set_yticks([-row for row in range(len(shown))], [f"{number}  {item.object.label}" for number, item in shown])
    axes.set_xlabel("metres ahead: grey in view, blue found, diamond HAZARD")
    axes.set_xlim(left=0)
    return charts.chart(figure)
