"""Result files: one a device, with a section a subject, each saying when, on what and by which command.

Schema of ``<device>.json``::

    {"schema": 1,
     "device": "amd-epyc-2-cores",
     "subjects": {"engines": {"command": "ros-anomaly-benchmark engines",
                              "measured": "2026-01-31T12:00:00+00:00",
                              "commit": {"sha": "…", "date": "…", "changed": false},
                              "machine": {"processor": "…", "cores": 2, "gpu": null, …},
                              "libraries": {"torch": "…", …},
                              "figures": {…}},                       as ``ros-anomaly-benchmark SUBJECT --json``
                  …}}
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ros_anomaly.benchmark.machine import library_versions, this_commit, this_machine
from ros_anomaly.runtime.files import write_atomically

SCHEMA = 1
_FOLDERS = re.compile(r"(?<![\w:/.])/(?:[^\s/:'\",;]+/)+")
_SECTION_KEYS = ("command", "measured", "commit", "machine", "libraries", "figures")


def record(folder: Path, subject: str, figures: Mapping[str, Any], command: str) -> Path:
    """Put ``figures`` into the file of this device, beside what it has of other subjects; return its path.

    Raises:
        ValueError: there is a file of that name which is no result file, or figures that JSON cannot hold.
        OSError: the folder cannot be written.
    """
    machine = this_machine()
    path = folder / f"{machine.device}.json"
    subjects = dict(read_results(path)["subjects"]) if path.exists() else {}
    subjects[subject] = {
        "command": _without_folders(command),
        "measured": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "commit": asdict(this_commit()),
        "machine": asdict(machine),
        "libraries": library_versions(),
        "figures": _without_folders(figures),
    }
    results = {"schema": SCHEMA, "device": machine.device, "subjects": subjects}
    text = json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode())
    return path


def _without_folders(value: Any) -> Any:
    """``value`` with the folders of absolute paths left out of every text: they say nothing on another machine."""
    if isinstance(value, str):
        return _FOLDERS.sub("", value)
    if isinstance(value, Mapping):
        return {key: _without_folders(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_folders(item) for item in value]
    return value


def read_results(path: Path) -> dict[str, Any]:
    """A result file, checked against the schema above. ValueError, with expected and found, where it is none."""
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: expected a result file of ros-anomaly-benchmark, found {error}") from error
    if not isinstance(results, dict) or results.get("schema") != SCHEMA:
        found = results.get("schema") if isinstance(results, dict) else type(results).__name__
        raise ValueError(f"{path}: expected schema {SCHEMA}, found {found}")
    if not isinstance(results.get("device"), str) or not isinstance(results.get("subjects"), dict):
        raise ValueError(f"{path}: expected a device and subjects, found {', '.join(sorted(results))}")
    for subject, section in results["subjects"].items():
        missing = [key for key in _SECTION_KEYS if not isinstance(section, dict) or key not in section]
        if missing:
            raise ValueError(f"{path}, {subject}: expected {', '.join(_SECTION_KEYS)}; found no {missing[0]}")
    return results
