"""Cut-outs from anybody's folder of RGBA pictures.

``<folder>/**/*.{png,webp}`` with an alpha channel, of any size; ``<folder>/heights_m.json``, if it is there, gives the
height of objects in metres by file name relative to the folder: ``{"dogs/terrier.png": 0.4}``.
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from ros_anomaly.data.alpha import plain, premultiplied, resized
from ros_anomaly.data.cutout_store import CACHE_BYTES, INDEX, Cutout, CutoutStore, cutout_bytes
from ros_anomaly.data.datasets.errors import DatasetError
from ros_anomaly.data.datasets.files import natural_key
from ros_anomaly.data.datasets.layout import found_in
from ros_anomaly.data.decoded_cache import DecodedCache
from ros_anomaly.data.negatives import Cutouts

HEIGHTS = "heights_m.json"
LONGEST_SIDE_PX = 640
"""Larger pictures are reduced to this when they are read: no paste is larger, and photographs are."""

_SUFFIXES = (".png", ".webp")
_OPAQUE = 127


def open_cutouts(folder: str | Path) -> Cutouts:
    """A cut-out store if the folder has its index, else a folder of pictures.

    Raises:
        DatasetError, FrameStoreError: neither; both are ValueErrors.
    """
    return CutoutStore(folder) if (Path(folder) / INDEX).is_file() else CutoutFolder(folder)


class CutoutFolder:
    """RGBA pictures by number, in the order of their names; read when asked for.

    Raises:
        DatasetError: no folder, no pictures in it, or heights that are no positive numbers or of no picture. On first
            use of a picture: it cannot be read, has no alpha channel, or nothing opaque.
    """

    def __init__(self, folder: str | Path, longest_side_px: int = LONGEST_SIDE_PX) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise DatasetError(f"cut-outs: expected a folder of RGBA pictures, found no folder {self.folder}")
        names = (
            path.relative_to(self.folder).as_posix()
            for path in self.folder.rglob("*")
            if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")
        )
        self._names = sorted(names, key=natural_key)
        if not self._names:
            raise DatasetError(
                f"{self.folder}: expected RGBA pictures (*{', *'.join(_SUFFIXES)}), found {found_in(self.folder)}"
            )
        self._heights_m = _heights(self.folder / HEIGHTS, set(self._names))
        self._longest_side_px = longest_side_px
        self._decoded: DecodedCache[Cutout] = DecodedCache(CACHE_BYTES, cutout_bytes)

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: int) -> Cutout:
        if not 0 <= index < len(self):
            raise IndexError(f"cut-out {index} of a folder of {len(self)}")
        return self._decoded.get(index, lambda: self._read(self._names[index]))

    def _read(self, name: str) -> Cutout:
        path = self.folder / name
        picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED) if path.stat().st_size else None
        if picture is None or picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 4:
            found = "no whole picture" if picture is None else f"{picture.dtype} {list(picture.shape)}"
            raise DatasetError(f"{path}: expected an RGBA picture of 8 bits, found {found}")
        rgba = tight(cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA), self._longest_side_px)
        if rgba is None:
            raise DatasetError(f"{path}: expected an object with an opaque part, found none")
        return Cutout(name, rgba, self._heights_m.get(name), {"object": name})


def tight(rgba: np.ndarray, longest_side_px: int) -> np.ndarray | None:
    """``rgba`` uint8 [H, W, 4] cropped to its opaque part and reduced to a longest side; None if nothing is opaque."""
    opaque = (rgba[..., 3] > _OPAQUE).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(opaque)
    if width == 0:
        return None
    rgba = rgba[top : top + height, left : left + width]
    factor = longest_side_px / max(width, height)
    if factor < 1:
        size = max(1, round(height * factor)), max(1, round(width * factor))
        rgba = plain(resized(premultiplied(rgba), size))
    return np.ascontiguousarray(rgba)


def _heights(path: Path, names: set[str]) -> dict[str, float]:
    if not path.is_file():
        return {}
    try:
        heights = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: expected a JSON object of heights in metres, found {error}") from error
    if not isinstance(heights, dict):
        raise DatasetError(f"{path}: expected a JSON object of heights in metres, found {type(heights).__name__}")
    for name, height in heights.items():
        if name not in names:
            raise DatasetError(f"{path}: expected names of pictures in the folder, found {name!r}")
        if isinstance(height, bool) or not isinstance(height, int | float) or not 0 < height < 100:
            raise DatasetError(f"{path}: {name}: expected a height of 0 to 100 m, found {height!r}")
    return {name: float(height) for name, height in heights.items()}
