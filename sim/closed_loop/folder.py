"""Where a run is kept: a folder a scenario, written when all its drives are over, so that a run can be taken up again.

Layout::

    <out>/settings.json                   what the run was asked for, and the latency that was measured
    <out>/scenarios/<name>/drives.json    the scenario's record, tracks included; it is whole if it is there
    <out>/scenarios/<name>/film.mp4       the detector's drive
    <out>/scenarios/<name>/strip.jpg      its moments
    <out>/results.json, report.html       figures of all
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ros_anomaly_sim.closed_loop.record import ScenarioRecord

_SETTINGS, _RECORD, _FILM, _STRIP = "settings.json", "drives.json", "film.mp4", "strip.jpg"
_MEASURED = "measured_latency_ms"
# Of records and of the rules by which their figures were counted: runs of another are not taken up again.
_FORMAT = 3


class RunFolder:
    """A run's folder. ValueError where it holds something else than what is asked for."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.report, self.results = out / "report.html", out / "results.json"
        self._settings: dict[str, Any] = {}

    def begin(self, settings: Mapping[str, Any], resume: bool) -> None:
        """Make the folder ready for a run with these settings (plain values).

        Args:
            resume: keep the scenarios that are there; else they are removed.

        Raises:
            ValueError: what is to be taken up again was driven with other settings, or nothing tells with which.
            OSError: the folder cannot be written.
        """
        self.out.mkdir(parents=True, exist_ok=True)
        wanted = json.loads(json.dumps({"format": _FORMAT, **settings}))
        found = self._read_settings() if resume else None
        if found is None:
            if resume and (left := [path for path in self._left() if path.exists()]):
                raise ValueError(
                    f"{self.out}: expected {_SETTINGS} beside {left[0].relative_to(self.out)}, found none: nothing "
                    "tells how it was driven (nothing was removed); drive anew without --resume, or give another --out"
                )
            self._clear()
            self._settings = {"asked": wanted, _MEASURED: None}
        else:
            self._settings = found
            if found.get("asked") != wanted:
                raise ValueError(
                    f"{self.out}: expected a run with {_differences(wanted, found.get('asked', {}))}; "
                    "drive it anew without --resume, or give another --out"
                )
        self._write(self.out / _SETTINGS, self._settings)

    @property
    def measured_latency_ms(self) -> float | None:
        """What was measured in this run; None before."""
        value = self._settings.get(_MEASURED)
        return None if value is None else float(value)

    def keep_measured_latency(self, latency_ms: float) -> None:
        """Note it for the rest of the run."""
        self._settings[_MEASURED] = latency_ms
        self._write(self.out / _SETTINGS, self._settings)

    def film(self, name: str) -> Path:
        """Where a scenario's film lies; its folder is there."""
        return self._of(name) / _FILM

    def strip(self, name: str) -> Path:
        """Where a scenario's film strip lies; its folder is there."""
        return self._of(name) / _STRIP

    def keep(self, record: ScenarioRecord) -> None:
        """Write a scenario's record; from now on it counts as driven."""
        self._write(self._of(record.name) / _RECORD, record.to_plain())

    def records(self) -> dict[str, ScenarioRecord]:
        """Scenarios that were driven, by name. ValueError names a file that is no record."""
        found = {}
        for path in sorted(self._scenarios.glob(f"*/{_RECORD}")):
            try:
                record = ScenarioRecord.from_plain(json.loads(path.read_text(encoding="utf-8")))
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from error
            found[record.name] = record
        return found

    def write_results(self, results: Mapping[str, Any]) -> None:
        """Write ``results.json``, whole or not at all."""
        self._write(self.results, results)

    @property
    def _scenarios(self) -> Path:
        return self.out / "scenarios"

    def _of(self, name: str) -> Path:
        folder = self._scenarios / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _read_settings(self) -> dict[str, Any] | None:
        path = self.out / _SETTINGS
        if not path.exists():
            return None
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path}: expected JSON, found {error}") from error
        if not isinstance(found, dict):
            raise ValueError(f"{path}: expected an object, found {type(found).__name__}")
        return found

    def _clear(self) -> None:
        """Remove what an earlier run left, and nothing else."""
        for path in self._left():
            path.unlink(missing_ok=True)

    def _left(self) -> Iterator[Path]:
        """All that a run may leave beside its settings."""
        yield from (self.report, self.results)
        for folder in sorted(self._scenarios.glob("*")):
            yield from (folder / _RECORD, folder / _FILM, folder / _STRIP, partial(folder / _FILM))

    @staticmethod
    def _write(path: Path, value: Any) -> None:
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        temporary.replace(path)


def partial(path: Path) -> Path:
    """What a file is called until it is whole; it stays where whoever writes it is killed."""
    return path.with_name(f".{path.stem}.partial{path.suffix}")


def _differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    keys = [key for key in {**wanted, **found} if wanted.get(key) != found.get(key)]
    return ", ".join(f"{key} {wanted.get(key)} (found {found.get(key)})" for key in keys)
