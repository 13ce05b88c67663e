"""Cut-outs of negative objects (RGBA pictures with an index) on disk.

Layout: ``<folder>/<name>.png`` (RGBA) and ``<folder>/cutouts.json``, written last, which lists them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ros_anomaly.data.decoded_cache import DecodedCache
from ros_anomaly.data.frame_store import FrameStoreError, write_json_atomic

INDEX = "cutouts.json"
CACHE_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Cutout:
    """One object seen from one side.

    Attributes:
        name: unique within its store, usable as a file name.
        rgba: uint8 [h, w, 4], colour not premultiplied by alpha, cropped tightly to the object.
        height_m: height in metres that the picture's h rows cover; None if unknown.
        info: what else is known (object, library, licence); JSON-serialisable.
    """

    name: str
    rgba: np.ndarray
    height_m: float | None = None
    info: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.rgba.dtype != np.uint8 or self.rgba.ndim != 3 or self.rgba.shape[2] != 4 or 0 in self.rgba.shape:
            raise ValueError(
                f"cut-out {self.name}: expected uint8 [h, w, 4], found {self.rgba.dtype} {self.rgba.shape}"
            )
        if self.height_m is not None and not self.height_m > 0:
            raise ValueError(f"cut-out {self.name}: expected height_m > 0, found {self.height_m}")


def cutout_bytes(cutout: Cutout) -> int:
    """Memory that a cut-out takes."""
    return cutout.rgba.nbytes


class CutoutStoreWriter:
    """Collects cut-outs into a folder; nothing is visible to readers before :meth:`finish`."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._entries: dict[str, dict[str, Any]] = {}

    def add(self, cutout: Cutout) -> None:
        """Write one picture; ValueError if its name was used before."""
        if cutout.name in self._entries or "/" in cutout.name:
            raise ValueError(f"cut-out name: expected a new plain file name, found {cutout.name!r}")
        path = self.folder / f"{cutout.name}.png"
        if not cv2.imwrite(str(path), cv2.cvtColor(cutout.rgba, cv2.COLOR_RGBA2BGRA)):
            raise OSError(f"{path} could not be written")
        self._entries[cutout.name] = {"height_m": cutout.height_m, "info": dict(cutout.info)}

    def finish(self) -> int:
        """Write the index and return the number of cut-outs."""
        write_json_atomic(self.folder / INDEX, self._entries)
        return len(self._entries)


class CutoutStore:
    """Read access by number, in the order of the names; decoded pictures are kept up to a quarter of a gigabyte.

    Raises:
        FrameStoreError: no index in the folder, or a picture of it missing or not RGBA (on first use).
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        path = self.folder / INDEX
        if not path.exists():
            raise FrameStoreError(f"{self.folder}: expected a cut-out store ({INDEX}), found none")
        self._entries: dict[str, dict[str, Any]] = json.loads(path.read_text())
        self._names = sorted(self._entries)
        self._decoded: DecodedCache[Cutout] = DecodedCache(CACHE_BYTES, cutout_bytes)

    def __len__(self) -> int:
        return len(self._names)

    def info(self, index: int) -> dict[str, Any]:
        """What the writer said about the cut-out; its picture is not read."""
        return dict(self._entries[self._names[index]]["info"])

    def __getitem__(self, index: int) -> Cutout:
        if not 0 <= index < len(self):
            raise IndexError(f"cut-out {index} of a store of {len(self)}")
        return self._decoded.get(index, lambda: self._read(self._names[index]))

    def _read(self, name: str) -> Cutout:
        path = self.folder / f"{name}.png"
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if picture is None or picture.ndim != 3 or picture.shape[2] != 4:
            raise FrameStoreError(
                f"{path}: expected an RGBA PNG, found {'nothing' if picture is None else picture.shape}"
            )
        entry = self._entries[name]
        return Cutout(name, cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA), entry["height_m"], entry["info"])
