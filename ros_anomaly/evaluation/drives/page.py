"""The report of one drive as a page: verdict, figures, timeline, pictures, and what was not as it should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ros_anomaly.evaluation.drives.evaluation import EvaluatedDrive
from ros_anomaly.evaluation.drives.pictures import DrivePictures
from ros_anomaly.evaluation.drives.tally import CameraTally
from ros_anomaly.evaluation.report.blocks import (
    Block,
    Charts,
    Chip,
    Column,
    FilmStrip,
    Headline,
    Headlines,
    Page,
    Row,
    Section,
    Table,
    Text,
    Tone,
    Verdict,
    numbers,
)
from ros_anomaly.evaluation.report.curve_charts import precision_recall_chart, roc_chart
from ros_anomaly.evaluation.report.curves import Curve
from ros_anomaly.evaluation.report.sequence_blocks import sequence_section
from ros_anomaly.evaluation.report.timeline import Presence, ScoreTrace, Timeline
from ros_anomaly.evaluation.sequences.figures import SequenceReport
from ros_anomaly.hazard.types import HazardLevel

_MOST_LISTED = 40
_TONES = {
    "clear": Tone.GOOD,
    "caution": Tone.WARN,
    "hazard": Tone.BAD,
    "unknown": Tone.PLAIN,
}


def drive_page(
    drive: EvaluatedDrive,
    result: Mapping[str, Any],
    pictures: DrivePictures,
    facts: Mapping[str, str],
    sequences: Sequence[SequenceReport | None],
) -> Page:
    """The page of a drive.

    Args:
        result: its ``drive_result``.
        facts: what stands at the foot.
        sequences: figures of each camera as a sequence, None for one without.
    """
    sections: list[Section] = []
    for number, (tally, figures) in enumerate(zip(drive.tallies, result["cameras"], strict=True)):
        sections += _camera_sections(number, tally, figures, result, pictures.strips(number, tally.truth is not None))
        if (sequence := sequences[number]) is not None:
            sections.append(sequence_section(sequence))
    if drive.problems:
        sections.append(Section("Not as it should be", tuple(Text(problem) for problem in drive.problems)))
    images = sum(len(tally.rows) for tally in drive.tallies)
    lead = f"{images} images in {result['duration_s']:.1f} s of drive, engine {result['engine']['name']}."
    return Page(f"Drive {drive.name}", lead, tuple(sections), dict(facts))


def _camera_sections(
    number: int, tally: CameraTally, figures: Mapping[str, Any], result: Mapping[str, Any], strips: list[FilmStrip]
) -> list[Section]:
    image = figures["topics"]["image"]
    sections = [Section(image, (_verdict(figures), _headlines(figures)))]
    if tally.rows:
        sections.append(Section("Over time", (_timeline(tally, result).chart("Dashed: the threshold."),)))
    sections.append(Section("Hazard levels", (_levels_table(figures),)))
    if figures["hazards"]["list"]:
        sections.append(Section("Hazards", (_hazards_table(figures),)))
    if tally.truth is not None:
        curve = Curve.of(result["engine"]["score"] or "score", tally.truth.anomalous, tally.truth.normal)
        blocks: list[Block] = [_labels_table(figures["labels"])]
        if curve is not None:
            blocks.append(Charts((precision_recall_chart([curve]), roc_chart([curve]))))
        sections.append(Section("Against the labels", tuple(blocks)))
    sections.append(Section("What went wrong" if tally.truth is not None else "What was seen", tuple(strips)))
    return sections


def _verdict(figures: Mapping[str, Any]) -> Verdict:
    events, images, labels = figures["hazards"]["events"], figures["images"], figures["labels"]
    findings = []
    if false := figures["hazards"]["false_events"]:
        findings.append(f"Hazards that rest on no labelled anomaly: {false}.")
    missed = 0
    if labels is not None:
        missed = labels["frames_with_anomaly"] - labels["frames_found"]
        findings.append(
            f"Images that show a labelled anomaly: {labels['frames_with_anomaly']}, "
            f"of which none of its pixels was flagged in {missed}."
        )
    findings.append(f"Seconds that could not be vouched for (UNKNOWN): {figures['levels']['unknown']['seconds']:.1f}.")
    if lost := images["bad_image"] + images["engine_failure"]:
        findings.append(f"Images that could not be processed: {lost} of {images['read']}.")
    tone = Tone.BAD if false or lost else Tone.WARN if events or missed else Tone.GOOD
    return Verdict(f"{events} hazard{'' if events == 1 else 's'}.", tone, tuple(findings))


def _headlines(figures: Mapping[str, Any]) -> Headlines:
    labels, images = figures["labels"], figures["images"]
    shown = [
        Headline(str(figures["hazards"]["events"]), "hazards"),
        Headline(
            _text(figures["hazards"]["alarms_per_10_min"], 1),
            "alarms in 10 minutes",
            note="one that lasts counts again",
        ),
        Headline(_text(figures["levels"]["unknown"]["share"]), "share of time UNKNOWN"),
        Headline(f"{images['processed']} of {images['read']}", "images processed"),
    ]
    if labels is not None:
        shown += [
            Headline(_text(labels["ap"]), "AP"),
            Headline(_text(labels["fpr95"]), "FPR95"),
            Headline(_text(labels["recall"]), "pixel recall", note="at the threshold in use"),
            Headline(_text(labels["precision"]), "pixel precision", note="at the threshold in use"),
        ]
    return Headlines(tuple(shown))


def _timeline(tally: CameraTally, result: Mapping[str, Any]) -> Timeline:
    rows = sorted(tally.rows, key=lambda row: row.time_ns)
    times = [(row.time_ns - result["start_ns"]) / 1e9 for row in rows]
    steps = sorted(after - before for before, after in zip(times, times[1:], strict=False))
    presences = []
    if tally.truth is not None:
        there = [bool(row.anomaly_px) for row in rows]
        presences.append(Presence("labelled anomaly", there, [bool(row.hit_px) for row in rows]))
    return Timeline(
        times_s=times,
        levels=[row.level for row in rows],
        period_s=max(steps[len(steps) // 2], 1e-3) if steps else 0.1,
        score=ScoreTrace("highest score", [row.max_score for row in rows], result["threshold"]),
        presences=tuple(presences),
        unit="seconds of the drive",
    )


def _levels_table(figures: Mapping[str, Any]) -> Table:
    rows = [
        Row((Chip(level.value.upper(), _TONES[level.value]), one["seconds"], one["share"], one["frames"]))
        for level in HazardLevel
        for one in (figures["levels"][level.value],)
    ]
    return Table((Column("level"), *numbers("seconds", "share"), Column("images", numeric=True)), tuple(rows))


def _hazards_table(figures: Mapping[str, Any]) -> Table:
    events = figures["hazards"]["list"]
    rows = [
        Row(
            (
                event["start_s"],
                event["end_s"] - event["start_s"],
                event["frames"],
                event["nearest_m"],
                event["max_score"],
                {True: "yes", False: "no", None: "not labelled"}[event["on_anomaly"]],
            )
        )
        for event in events[:_MOST_LISTED]
    ]
    more = f"{len(events) - _MOST_LISTED} more are in result.json." if len(events) > _MOST_LISTED else ""
    columns = (
        *numbers("from, s", "for, s"),
        Column("images", numeric=True),
        *numbers("nearest, m", "highest score"),
        Column("on a labelled anomaly"),
    )
    return Table(columns, tuple(rows), note=more)


def _labels_table(labels: Mapping[str, Any]) -> Table:
    names = {
        "frames": "labelled images",
        "frames_with_anomaly": "of these with an anomaly",
        "frames_found": "of these with a pixel of it flagged",
        "frames_falsely_flagged": "images without anomaly that were flagged",
        "ap": "AP",
        "auroc": "AUROC",
        "fpr95": "FPR95",
        "best_f1": "best F1",
        "precision": "precision at the threshold in use",
        "recall": "recall at the threshold in use",
        "iou": "IoU at the threshold in use",
        "miou": "mIoU of the known classes",
        "images_without": "images without label",
        "labels_without": "labels without image",
        "labels_unusable": "labels that could not be used",
    }
    rows = tuple(Row((text, labels[name])) for name, text in names.items())
    return Table((Column("figure"), *numbers("value")), rows, note="Fractions, pooled over pixels.")


def _text(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
