"""The sequence figures of a drive as a section of its report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ros_anomaly.evaluation.objects import ObjectReport
from ros_anomaly.evaluation.report.blocks import Block, Column, Row, Section, Table, Text, numbers
from ros_anomaly.evaluation.sequences.consistency import ConsistencyReport
from ros_anomaly.evaluation.sequences.figures import SequenceReport
from ros_anomaly.evaluation.sequences.streaming import StreamingReport


def sequence_section(report: SequenceReport, names: Mapping[int, str] | None = None) -> Section:
    """Latency, agreement and objects; ``names`` says what the instance ids are called."""
    return Section("Time counted in", tuple(_blocks(report, names or {})))


def _blocks(report: SequenceReport, names: Mapping[int, str]) -> Iterator[Block]:
    if report.streaming is not None:
        yield _streaming(report.streaming)
    if report.consistency is not None:
        yield _consistency(report.consistency)
    if report.objects:
        yield _objects(report.objects, names)
    if report.left_out:
        yield Text("Not measured: " + "; ".join(report.left_out) + ".")


def _streaming(report: StreamingReport) -> Table:
    rows = [
        Row((name, figures.ap, figures.auroc, figures.fpr95))
        for name, figures in (
            ("map of the frame itself", report.frame_wise),
            ("newest finished map", report.streaming),
        )
    ]
    age = "no map was finished" if report.map_age_ms is None else f"maps {report.map_age_ms:.0f} ms old on average"
    return Table(
        (Column("Ground truth of a frame against the …"), *numbers("AP", "AUROC", "FPR95")),
        rows,
        title=f"At a latency of {report.latency_ms:.0f} ms",
        note=f"{report.frames} labelled of {report.images} images, {report.dropped} never taken up as a newer one came "
        f"first; {age}; "
        f"{report.unanswered} frames before the first finished map, whose pixels count with the lowest score of all.",
    )


def _consistency(report: ConsistencyReport) -> Table:
    coverage = "–" if report.coverage is None else f"{100 * report.coverage:.0f} %"
    return Table(
        (
            Column("Points seen in both of two neighbouring frames"),
            *numbers("Points", "Mean |Δ score|", "Flips", digits=4),
        ),
        (
            Row(("all", report.pixels, report.mean_abs_difference, report.flip_share)),
            Row(
                (
                    "on anomalies",
                    report.anomalous_px,
                    report.anomalous_mean_abs_difference,
                    report.anomalous_flip_share,
                )
            ),
        ),
        title="Do neighbouring maps agree?",
        note=f"{report.pairs} pairs of frames, {report.pairs_left_out} left out; {coverage} of the pixels have a true "
        "correspondence, by depth and camera motion. Flips: the share of them above the threshold in one frame only.",
    )


def _objects(reports: tuple[ObjectReport, ...], names: Mapping[int, str]) -> Table:
    rows = [
        Row(
            (
                names.get(own.instance_id, str(own.instance_id)),
                _shown(own.first_seen_m, "m"),
                _shown(own.first_found_m, "m"),
                _shown(own.first_found_ttc_s, "s"),
                _shown(own.stable_m, "m"),
                _shown(own.stable_ttc_s, "s"),
                _shown(own.hazard_m, "m"),
                _shown(own.hazard_ttc_s, "s"),
                f"{own.found_frames} of {own.seen_frames}",
            )
        )
        for own in reports
    ]
    headings = ("First in view", "First found", "before contact", "Found stably", "before contact")
    return Table(
        (Column("Object"), *numbers(*headings, "HAZARD up", "before contact", "Found in")),
        rows,
        title="When objects were known",
        note="Time before contact: distance over the vehicle's speed at that moment, as if the object stood; a dash "
        "where it never came to it, where the vehicle stood, or where its speed is not known.",
    )


def _shown(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:.1f} {unit}"
