"""State of an unfinished evaluation: one file, whole or absent, under a key of all that decides its figures."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

State = dict[str, np.ndarray]
"""What an accumulator needs to go on: arrays by name."""


class Checkpoint:
    """Where one run saves its state.

    Args:
        folder: made when something is saved.
        key: JSON-serialisable; another key is another file, so state is never taken up by a run it does not belong to.
    """

    def __init__(self, folder: Path, key: Mapping[str, Any]) -> None:
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
        self.path = folder / f"{digest[:24]}.npz"

    def load(self) -> State | None:
        """The state, or None where nothing was saved. ValueError if the file is broken; it names the file."""
        if not self.path.is_file():
            return None
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
        except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"{self.path}: expected the state of an unfinished run, found {error}") from error

    def save(self, state: Mapping[str, np.ndarray]) -> None:
        """Put ``state`` in place of what was saved before; an interrupted call leaves that as it was."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.stem}.{os.getpid()}.tmp.npz")
        arrays: dict[str, Any] = dict(state)
        try:
            np.savez(temporary, **arrays)
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)

    def remove(self) -> None:
        """Forget the state; nothing happens where there is none."""
        self.path.unlink(missing_ok=True)


def prefixed(prefix: str, state: Mapping[str, np.ndarray]) -> State:
    """``state`` under longer names, so that the states of several accumulators make one."""
    return {f"{prefix}/{name}": array for name, array in state.items()}


def without_prefix(prefix: str, state: Mapping[str, np.ndarray]) -> State:
    """The part of ``state`` that ``prefixed`` put there, under its own names."""
    start = f"{prefix}/"
    return {name[len(start) :]: array for name, array in state.items() if name.startswith(start)}


def text_array(value: Any) -> np.ndarray:
    """``value`` as JSON in a uint8 array, so that it can lie among the arrays of a state."""
    return np.frombuffer(json.dumps(value).encode(), np.uint8)


def text_of(array: np.ndarray) -> Any:
    """What ``text_array`` was given."""
    return json.loads(array.tobytes().decode())


@lru_cache(maxsize=1)
def code_fingerprint() -> str:
    """Hash of the sources that decide figures: state of an older formula is not added to that of a newer one."""
    package = Path(__file__).resolve().parents[2]
    digest = hashlib.sha256()
    for room in ("data", "evaluation", "hazard", "scores"):
        for path in sorted((package / room).rglob("*.py")):
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(path.read_bytes())
    digest.update((package / "detector.py").read_bytes())
    return digest.hexdigest()[:16]
