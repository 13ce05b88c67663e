"""A scenario's drives as a chart: how fast where, with what stood there and what the detector said."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from matplotlib.axes import Axes

from ros_anomaly.evaluation.report import charts
from ros_anomaly.evaluation.report.blocks import Chart
from ros_anomaly.evaluation.report.timeline import hex_of
from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly_sim.closed_loop.figures import Contestant
from ros_anomaly_sim.closed_loop.result import AnomalyOutcome, DriveResult

_HEIGHT_KMH = 5.0  # of the band of levels below the axis
_BAND = "Below: what the first driver acted on, green CLEAR, amber CAUTION, red HAZARD, grey UNKNOWN."


def speed_chart(drives: Sequence[tuple[Contestant, DriveResult]]) -> Chart:
    """Speed over the way of every drive. The first that sees also gives the band of levels that it acted on."""
    figure, axes = charts.axes_of(4.8, 2.9)
    for index, (contestant, drive) in enumerate(drives):
        colour = charts.SERIES[index % len(charts.SERIES)]
        axes.plot(
            [point.travelled_m for point in drive.track],
            [3.6 * point.speed_mps for point in drive.track],
            color=colour,
            linestyle=charts.DASHES[index % len(charts.DASHES)],
            linewidth=1.5,
            label=contestant.label,
        )
        for collision in drive.collisions[:1]:
            axes.plot(collision.travelled_m, 3.6 * collision.impact_mps, "X", color=colour, markersize=8)
    seeing = next((drive for contestant, drive in drives if contestant.sees), None)
    if seeing is not None:
        _draw_levels(axes, seeing)
    for anomaly in drives[0][1].anomalies if drives else ():
        _draw_anomaly(axes, anomaly)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=-1.4 * _HEIGHT_KMH)
    axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= axes.get_ylim()[1]])
    axes.set_xlabel("metres along the route")
    axes.set_ylabel("km/h")
    charts.legend_above(axes, columns=2)
    acting = "" if seeing is None else f" {_BAND}"
    return charts.chart(figure, f"Dotted: where an anomaly begins. X: impact.{acting}")


def _draw_levels(axes: Axes, drive: DriveResult) -> None:
    for level, stretch in groupby(drive.track, key=attrgetter("level")):
        points = list(stretch)
        length_m = max(points[-1].travelled_m - points[0].travelled_m, 0.3)
        bar = (-1.2 * _HEIGHT_KMH, _HEIGHT_KMH)
        axes.broken_barh([(points[0].travelled_m, length_m)], bar, color=hex_of(HazardLevel(level)), lw=0)


def _draw_anomaly(axes: Axes, anomaly: AnomalyOutcome) -> None:
    colour = hex_of(HazardLevel.HAZARD) if anomaly.in_path else charts.SOFT
    axes.axvline(anomaly.distance_m, color=colour, linewidth=1.2, linestyle=":")
    axes.annotate(
        f" {anomaly.name}",
        (anomaly.distance_m, 1.0),
        xycoords=("data", "axes fraction"),
        fontsize=8,
        color=charts.INK,
        va="top",
    )
