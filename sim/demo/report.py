"""Writes the report of a run: one HTML file with everything inside, and the contact sheet."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
from jinja2 import Environment, PackageLoader, StrictUndefined

from ros_anomaly_sim.demo import charts
from ros_anomaly_sim.demo.album import Album, Photo
from ros_anomaly_sim.demo.findings import findings, headline, tone
from ros_anomaly_sim.demo.pictures import contact_sheet
from ros_anomaly_sim.demo.result import ObjectResult, RunResult, machine
from ros_anomaly_sim.demo.run_record import RunRecord

_CHIPS = {
    "hazard": ("hazard", "HAZARD at {hazard_m:.0f} m"),
    "known": ("known", "known at {stable_m:.0f} m"),
    "missed": ("missed", "missed"),
    "not in view": ("none", "never in view"),
}


def write_report(path: Path, result: RunResult, record: RunRecord, engine: str) -> None:
    """Render ``report.html``."""
    environment = Environment(
        loader=PackageLoader("ros_anomaly_sim.demo", "."), autoescape=True, undefined=StrictUndefined
    )
    objects = numbered(result)
    page = environment.get_template("report.html.j2").render(
        drive=record.drive,
        result=result,
        tone=tone(result),
        headline=headline(result),
        findings=findings(result),
        cards=_cards(result),
        objects=[_row(number, item, record.album) for number, item in objects],
        photos=[{"uri": _uri(photo.jpeg), "caption": caption} for caption, photo in photos(result, record.album)],
        timeline=charts.timeline_svg(
            record.moments, 1 / record.drive.rate_hz, {item.object.instance_id: n for n, item in objects}
        ),
        distances=charts.distances_svg(objects),
        latency=charts.latency_svg(record.moments),
        engine=engine,
        machine=machine(record.drive.drawn_by),
    )
    path.write_text(page, encoding="utf-8")


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


def _cards(result: RunResult) -> list[tuple[str, str]]:
    latency = result.latency
    return [
        (f"{result.processed} / {result.sent}", "images processed / sent"),
        (f"{result.frames_per_s:.1f} /s", "images through the whole chain"),
        (f"{latency.median_ms:.0f} ms" if latency else "–", "median latency in the detector"),
        (_fraction(result.ap), "AP, anomalous pixels"),
        (_fraction(result.fpr95), "FPR at 95 % TPR (lower is better)"),
        (str(len(result.false_hazards)), "false HAZARDs"),
    ]


def _row(number: int, item: ObjectResult, album: Album) -> dict[str, Any]:
    report = item.report
    chip, text = _CHIPS[item.verdict]
    close = album.close.get(item.object.instance_id)
    return {
        "number": number,
        "name": item.object.label,
        "place": "in the corridor" if item.object.in_corridor else "beside it",
        "tone": chip,
        "verdict": text.format(hazard_m=report.hazard_m or 0.0, stable_m=report.stable_m or 0.0),
        "seen": _metres(report.first_seen_m),
        "stable": _metres(report.stable_m),
        "hazard": _metres(report.hazard_m),
        "share": f"{report.found_frames} of {report.seen_frames}",
        "close": _uri(close.jpeg) if close else None,
    }


def _metres(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} m"


def _fraction(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _uri(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
