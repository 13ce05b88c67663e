"""The folder that ``evaluate --out`` leaves: figures, curves, frames, pictures and the report; times on their own.

Layout::

    <out>/result.json       figures of every engine and score, published rows beside them; the same in every run
    <out>/curves.json       thinned precision-recall and ROC points
    <out>/frames.csv        every frame on its own: AP by score
    <out>/pictures/         worst misses and false flags
    <out>/report.html       all of it on one page
    <out>/timings.json      time a frame, machine, command; another in every run
    <out>/unfinished/       state of a run under way; gone when it is finished
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ros_anomaly.cli import common

if TYPE_CHECKING:
    from ros_anomaly.evaluation.labelled.result import EvaluationResult

_UNFINISHED = "unfinished"
_RESULT = "result.json"


def claim(folder: Path, fresh: bool) -> Path:
    """Make ``folder`` and return where the state of an unfinished run lies in it.

    Args:
        folder: new, empty, or of an earlier evaluation.
        fresh: forget an unfinished run.

    Raises:
        CliError: a file lies there, or a folder that holds something else: it would be overwritten.
    """
    from ros_anomaly.evaluation.report import curve_charts, page  # noqa: F401  a missing library is told now

    if folder.exists() and not folder.is_dir():
        raise common.CliError(f"--out: expected a folder, found a file at {folder}", common.EXIT_BAD_ARGUMENTS)
    ours = any((folder / name).exists() for name in (_RESULT, _UNFINISHED))
    if folder.is_dir() and any(folder.iterdir()) and not ours:
        raise common.CliError(
            f"--out: expected a new or empty folder, or one of an earlier evaluation, found other files in {folder}",
            common.EXIT_BAD_ARGUMENTS,
        )
    unfinished = folder / _UNFINISHED
    if fresh:
        shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True, exist_ok=True)
    return unfinished


def write(folder: Path, result: EvaluationResult, commands: dict[str, str]) -> None:
    """Write all files, and forget the state of the run. ``commands`` by engine label."""
    from ros_anomaly.evaluation.labelled import page as evaluation_page
    from ros_anomaly.evaluation.labelled.result import curves, details, timings
    from ros_anomaly.evaluation.report import page
    from ros_anomaly.evaluation.report.machine import machine_facts

    _write_text(folder / "curves.json", as_json(curves(result), indent=None))
    _write_text(folder / "frames.csv", frames_csv(result))
    _write_pictures(folder / "pictures", result)
    times = {"machine": machine_facts(), "commands": commands, "engines": timings(result)}
    _write_text(folder / "timings.json", as_json(times))
    page.write(evaluation_page.evaluation_page(result, commands), folder / "report.html")
    _write_text(folder / _RESULT, as_json(details(result)))
    shutil.rmtree(folder / _UNFINISHED, ignore_errors=True)


def frames_csv(result: EvaluationResult) -> str:
    """A line a frame and engine: anomalous pixels, AP and what 0.1 % of the normal pixels reach, by score."""
    names = list(dict.fromkeys(name for engine in result.engines for name in engine.report.scores))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    columns = [f"{what}_{name}" for name in names for what in ("ap", "normal_tail")]
    table.writerow(["engine", "frame", "anomalous_px", *columns])
    for engine in result.engines:
        for record in engine.report.records:
            values = [own.get(name) for name in names for own in (record.ap, record.normal_tail)]
            cells = ["" if value is None else f"{value:.6g}" for value in values]
            table.writerow([engine.label, record.name, record.anomalous_px, *cells])
    return text.getvalue()


def _write_pictures(folder: Path, result: EvaluationResult) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for engine in result.engines:
        own = folder / _file_name(engine.label)
        own.mkdir(parents=True)
        for kind, frames in (("miss", engine.report.misses), ("false_flag", engine.report.false_flags)):
            for rank, frame in enumerate(frames, 1):
                (own / f"{kind}_{rank:02d}_{_file_name(frame.name)}.jpg").write_bytes(frame.jpeg)


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in name)


def _write_text(path: Path, text: str) -> None:
    from ros_anomaly.runtime.files import write_atomically

    write_atomically(path, text.encode())


def as_json(value: dict[str, Any], indent: int | None = 2) -> str:
    """``value`` as the text of a file; the same for the same figures."""
    return json.dumps(common.to_plain(value), indent=indent, ensure_ascii=False, allow_nan=False) + "\n"
