"""The report of a comparison as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ros_anomaly.evaluation.drives.compare import FrameChange
from ros_anomaly.evaluation.report.blocks import (
    Block,
    Column,
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
from ros_anomaly.hazard.types import HazardLevel

_MOST_LISTED = 60


def compare_page(
    drive: str, compared: Mapping[str, Any], changes: Sequence[FrameChange], facts: Mapping[str, str]
) -> Page:
    """The page of ``DriveComparison.result``."""
    sections = [
        Section("", (_verdict(compared), _headlines(compared))),
        Section("What differs between A and B", (_differences(compared),)),
        Section("Levels", (_levels(compared),)),
    ]
    for camera in compared["cameras"]:
        sections.append(Section(camera["image"], tuple(_camera(camera))))
    sections.append(Section("Images that changed", (_changes(changes),)))
    return Page(f"A against B on {drive}", f"{compared['frames']} images, answered by both.", tuple(sections), facts)


def _verdict(compared: Mapping[str, Any]) -> Verdict:
    changed, frames = compared["flags_changed"], compared["frames"]
    if not compared["frames_changed"]:
        return Verdict("Nothing changed.", Tone.GOOD, ())
    findings = (
        f"{compared['frames_changed']} of {frames} images differ in level, regions or mask.",
        f"{compared['levels_changed']} in the level.",
    )
    return Verdict(f"The hazard flag changed on {changed} of {frames} images.", Tone.INFO, findings)


def _headlines(compared: Mapping[str, Any]) -> Headlines:
    pixels, most = compared["flagged_pixels"], compared["largest_score_change"]
    return Headlines(
        (
            Headline(str(compared["flags_changed"]), "flags changed"),
            Headline(str(compared["levels_changed"]), "levels changed"),
            Headline(str(pixels["only_a"]), "pixels flagged by A alone"),
            Headline(str(pixels["only_b"]), "pixels flagged by B alone"),
            Headline("–" if most is None else f"{most:.4g}", "largest change of a score"),
        )
    )


def _differences(compared: Mapping[str, Any]) -> Block:
    differing = {**compared["engine"], **compared["settings"]}
    if compared["threshold"][0] != compared["threshold"][1]:
        differing["threshold in use"] = compared["threshold"]
    if not differing:
        return Text("Nothing: engine and settings are the same.")
    rows = tuple(Row((name, str(a), str(b))) for name, (a, b) in differing.items())
    return Table((Column("setting"), Column("A"), Column("B")), rows)


def _levels(compared: Mapping[str, Any]) -> Table:
    rows = tuple(
        Row((f"A: {level.value}", *(compared["levels"].get(level.value, {}).get(b.value, 0) for b in HazardLevel)))
        for level in HazardLevel
    )
    columns = (Column("images"), *(Column(f"B: {level.value}", numeric=True) for level in HazardLevel))
    return Table(columns, rows)


def _camera(camera: Mapping[str, Any]) -> list[Block]:
    hazards = camera["hazards"]
    rows = [Row((side.upper(), one["start_s"], one["end_s"])) for side in ("a", "b") for one in hazards[f"only_{side}"]]
    blocks: list[Block] = [Text(f"Hazards: {hazards['a']} by A, {hazards['b']} by B.")]
    if rows:
        blocks.append(Table((Column("only by"), *numbers("from, s", "to, s")), tuple(rows[:_MOST_LISTED])))
    if camera["labels"] is not None:
        rows = [Row((name.replace("_", " "), a, b)) for name, (a, b) in camera["labels"].items()]
        blocks.append(Table((Column("against the labels"), *numbers("A", "B")), tuple(rows)))
    return blocks


def _changes(changes: Sequence[FrameChange]) -> Table:
    rows = tuple(
        Row(
            (
                one.frame,
                one.level_a.value,
                one.level_b.value,
                one.max_score_a,
                one.max_score_b,
                one.only_a_px,
                one.only_b_px,
            )
        )
        for one in changes[:_MOST_LISTED]
    )
    more = f"{len(changes) - _MOST_LISTED} more are in changes.csv." if len(changes) > _MOST_LISTED else ""
    columns = (
        Column("frame", numeric=True),
        Column("A"),
        Column("B"),
        *numbers("highest score, A", "B"),
        Column("pixels of A alone", numeric=True),
        Column("of B alone", numeric=True),
    )
    return Table(columns, rows, note=more)
