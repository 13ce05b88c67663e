"""Writes the report of a run: one HTML file with everything inside, and the contact sheet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2

from ros_anomaly.evaluation.report import page
from ros_anomaly.evaluation.report.blocks import (
    Charts,
    Chip,
    Column,
    FilmStrip,
    Headline,
    Headlines,
    Page,
    Picture,
    Row,
    Section,
    Still,
    Table,
    Tone,
    Verdict,
    numbers,
)
from ros_anomaly.evaluation.report.machine import machine_line
from ros_anomaly_sim.demo import charts
from ros_anomaly_sim.demo.album import Album, Photo
from ros_anomaly_sim.demo.findings import findings, headline, tone
from ros_anomaly_sim.demo.result import ObjectResult, RunResult
from ros_anomaly_sim.demo.run_record import RunRecord
from ros_anomaly_sim.film.pictures import contact_sheet

_CHIPS = {
    "hazard": (Tone.GOOD, "HAZARD at {hazard_m:.0f} m"),
    "known": (Tone.INFO, "known at {stable_m:.0f} m"),
    "missed": (Tone.BAD, "missed"),
    "not in view": (Tone.PLAIN, "never in view"),
}
_COLUMNS = (
    Column("#", numeric=True),
    *(Column(title) for title in ("", "Object", "Stands", "Verdict")),
    *numbers("First in view", "Found stably", "HAZARD up", "Found in"),
)
_HOW_TOLD = """\
Distances are metres ahead of the vehicle's origin. An object is found in an image when the mask covers a fifth of its \
visible pixels; stably, when that holds in three images in a row. In the corridor stands what reaches within 1.6 m of \
the middle of the vehicle's lane; the vehicle moves aside some 40 m before and passes it closely. What is found while \
it steers may rightly be CAUTION, as what stands beside the corridor. HAZARD up: a region that the detector places in \
the corridor lies on the object. A HAZARD is false where none of its regions in the corridor lies on a real object."""
_HOW_DRAWN = """\
Red: the detector's mask. Light blue frame: an object that is really there, for comparison only. Lower left: the score \
map."""


def write_report(path: Path, result: RunResult, record: RunRecord, engine: str) -> None:
    """Write ``report.html``; OSError if it cannot be written."""
    page.write(report(result, record, engine), path)


def report(result: RunResult, record: RunRecord, engine: str) -> Page:
    """The run as a page."""
    drive, setting, objects, album = record.drive, record.setting, numbered(result), record.album
    timeline = charts.timeline_chart(
        record.moments, 1 / drive.rate_hz, {item.object.instance_id: number for number, item in objects}
    )
    rows = [_row(number, item, album) for number, item in objects]
    stills = [Still(Picture(photo.jpeg), caption) for caption, photo in photos(result, album)]
    return Page(
        title=f"A drive through town {setting.town}",
        lead=f"{drive.duration_s:.0f} simulated seconds, {setting.weather}, {result.sent} camera images from a CARLA "
        "server over the bridge to the detector; what it said of each is set here against what really stood on the "
        "road.",
        sections=(
            Section(
                "", (Verdict(headline(result), Tone(tone(result)), findings(result)), Headlines(_headlines(result)))
            ),
            Section("What was said, and when", (timeline,)),
            Section("The objects", (Table(_COLUMNS, rows, note=_HOW_TOLD),)),
            Section(
                "How far off, how fast",
                (Charts((charts.distances_chart(objects), charts.latency_chart(record.moments))),),
            ),
            Section("Pictures", (FilmStrip(stills, note=_HOW_DRAWN),)),
        ),
        facts={
            "engine": engine,
            "machine": machine_line(),
            "drawn by": setting.drawn_by,
            "see also": "all figures in result.json, the whole drive in overlay.mp4",
        },
    )


def write_contact_sheet(path: Path, result: RunResult, album: Album) -> None:
    """Write ``frames.png``; OSError if it cannot be written."""
    sheet = contact_sheet([(caption, photo.pixels()) for caption, photo in photos(result, album)])
    if not cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR)):
        raise OSError(f"cannot write {path}")


def numbered(result: RunResult) -> list[tuple[int, ObjectResult]]:
    """The objects in the order of the drive's planning, numbered from 1."""
    return list(enumerate(result.objects, 1))


_TOLD = {
    "hazard": "HAZARD was up for it",
    "known": "stably found",
    "missed": "MISSED, here at its plainest",
    "not in view": "never in view",
}
"""What a picture's caption says of an object, by verdict."""


def photos(result: RunResult, album: Album) -> list[tuple[str, Photo]]:
    """Captioned pictures in order of time: every object, the open road, false flags; the first frame if none."""
    chosen = list(_chosen(result, album))
    if not chosen and album.first is not None:
        chosen = [("the first frame", album.first)]
    chosen.sort(key=lambda item: item[1].time_s)
    return [(f"{photo.time_s:.1f} s: {caption}", photo) for caption, photo in chosen]


def _chosen(result: RunResult, album: Album) -> Iterator[tuple[str, Photo]]:
    for number, item in numbered(result):
        photo = album.of_object(item.object.instance_id)
        if photo is not None:
            yield f"{number} {item.object.label}, {_TOLD[item.verdict]}", photo
    if album.open_road is not None:
        yield "open road, CLEAR", album.open_road
    for photo in album.false_flags:
        yield "false HAZARD", photo


def _headlines(result: RunResult) -> list[Headline]:
    latency = result.latency
    return [
        Headline(f"{result.processed} / {result.sent}", "images processed / sent"),
        Headline(f"{result.frames_per_s:.1f} /s", "images through the whole chain"),
        Headline(f"{latency.median_ms:.0f} ms" if latency else "–", "median latency in the detector"),
        Headline(_fraction(result.ap), "AP, anomalous pixels"),
        Headline(_fraction(result.fpr95), "FPR at 95 % TPR (lower is better)"),
        Headline(str(len(result.false_hazards)), "false HAZARDs"),
    ]


def _row(number: int, item: ObjectResult, album: Album) -> Row:
    own = item.report
    own_tone, verdict = _CHIPS[item.verdict]
    close = album.close.get(item.object.instance_id)
    return Row(
        (
            number,
            Picture(close.jpeg, item.object.label) if close else "",
            item.object.label,
            "in the corridor" if item.object.in_corridor else "beside it",
            Chip(verdict.format(hazard_m=own.hazard_m or 0.0, stable_m=own.stable_m or 0.0), own_tone),
            _metres(own.first_seen_m),
            _metres(own.stable_m),
            _metres(own.hazard_m),
            f"{own.found_frames} of {own.seen_frames}",
        )
    )


def _metres(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} m"


def _fraction(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
