"""The log of runs of the test protocol: choices are made on validation, and every run of test leaves a line."""

from __future__ import annotations

import argparse
import shlex
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli import common

if TYPE_CHECKING:
    from ros_anomaly.evaluation.labelled.run import EngineReport

HEADER = """\
# Runs of the test protocol

Choices are made on validation; every run of `street-test-1` leaves a line here (figures are fractions).

| date | commit | command | frames | mIoU | AP / AUROC / FPR95 by score |
|---|---|---|---|---|---|
"""


def log_line(report: EngineReport, command: str) -> str:
    """One row of the table in docs/test_log.md, with the commit of this checkout."""
    scores = "; ".join(
        f"{name} {_fraction(s.full.ap)} / {_fraction(s.full.auroc)} / {_fraction(s.full.fpr95)}"
        for name, s in report.scores.items()
    )
    today = datetime.now(timezone.utc).date().isoformat()
    return f"| {today} | {commit()} | `{command}` | {report.frames} | {_fraction(report.miou)} | {scores} |"


def command_of(args: argparse.Namespace, engine: str) -> str:
    """What decided the figures of one engine, as a command; where they were written to, on which machine, did not."""
    words = ["ros-anomaly-evaluate"]
    words += ["--street", args.street] if args.dataset is None else ["--dataset", args.dataset]
    if args.dataset is not None:
        words += ["--folder", args.folder.name]
    path = Path(engine)
    given = {**vars(args), "engine": path.name if path.is_absolute() else engine}
    given["fit"] = args.fit and without_folders(args.fit)
    given["images"] = args.images and args.images.name
    defaults = {
        "split": None,
        "images": None,
        "label_format": None,
        "convention": None,
        "frames": None,
        "engine": "default",
        "backend": "onnxruntime",
        "scores": None,
        "aggregation": "masks",
        "fit": None,
        "corrupt_seed": 0,
    }
    for name, default in defaults.items():
        if given[name] != default:
            words += [f"--{name.replace('_', '-')}", str(given[name])]
    words += ["--corrupt", *args.corrupt] if args.corrupt else []
    words += [option for option in ("--allow-missing", "--deployed") if given[option[2:].replace("-", "_")]]
    return shlex.join(words)


def without_folders(source: str) -> str:
    """``NAME:FOLDER`` with the last part of the folder alone."""
    name, colon, folder = source.partition(":")
    return name + colon + Path(folder).name if colon else name


def append_log(path: Path, line: str) -> None:
    """Append a line to the log of test runs; a new file gets its heading first."""
    new = not path.exists() or not path.read_text(encoding="utf-8").strip()
    with path.open("a", encoding="utf-8") as file:
        file.write((HEADER if new else "") + line + "\n")


def log_runs(args: argparse.Namespace, reports: dict[str, EngineReport]) -> None:
    """A line for every engine that was run on test: into ``--log``, or shown, to be put there."""
    for engine, report in reports.items():
        line = log_line(report, command_of(args, engine))
        if args.log:
            append_log(args.log, line)
        else:
            common.say(f"for docs/test_log.md:\n{line}")


def commit() -> str:
    """The commit of this checkout, with -dirty where it was changed; "unknown" in an installation."""
    here = Path(__file__).resolve().parent
    try:
        named = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=10"],
            cwd=here,
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return named.stdout.strip() if named.returncode == 0 and named.stdout.strip() else "unknown"


def _fraction(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
