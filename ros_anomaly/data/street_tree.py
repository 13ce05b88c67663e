"""Writes rendered streets in the layout of StreetHazards, for whatever reads that data set.

Layout, as its readers expect it::

    train/{images,annotations}/training/<drive>/<frame>.png      train/train.odgt
    train/{images,annotations}/validation/<drive>/<frame>.png    train/validation.odgt
    test/{images,annotations}/test/<drive>/<frame>.png           test/test.odgt

Annotations are class ids plus one in eight bits, so void (255) is 0. An ``.odgt`` is one line, a JSON list of its
split's frames with paths relative to the folder that it lies in.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np

_PARTS = ("images", "annotations")


@dataclass(frozen=True)
class _Place:
    top: str
    split: str
    listing: str


_PLACES = {
    "train": _Place("train", "training", "train.odgt"),
    "validation": _Place("train", "validation", "validation.odgt"),
    "test": _Place("test", "test", "test.odgt"),
}


class StreetTreeWriter:
    """Adds one drive to a tree, in a ``with`` block; leaving it by an exception adds nothing.

    Args:
        root: folder of the tree, made if missing.
        split: train, validation or test.
        drive: name of the drive, a folder name; it stands where StreetHazards has the name of the town.
        overwrite: whether a drive of that name is replaced.

    Raises:
        ValueError: an unknown split, or a name that is no folder name.
        FileExistsError: the tree has a drive of that name.
    """

    def __init__(self, root: Path, split: str, drive: str, overwrite: bool = False) -> None:
        if split not in _PLACES:
            raise ValueError(f"split: expected one of {', '.join(_PLACES)}, found {split!r}")
        if not drive or drive != Path(drive).name or drive.startswith("."):
            raise ValueError(f"drive: expected a plain folder name, found {drive!r}")
        self._place, self._drive = _PLACES[split], drive
        self._top = root / self._place.top
        self._folders = {part: self._top / part / self._place.split / drive for part in _PARTS}
        taken = [folder for folder in self._folders.values() if folder.exists()]
        if taken and not overwrite:
            raise FileExistsError(f"tree: expected no drive named {drive}, found {taken[0]}")
        self._workshop = root / f".{drive}.{os.getpid()}.partial"
        self._entries: list[dict[str, Any]] = []

    def add(self, name: str, image: np.ndarray, class_ids: np.ndarray) -> None:
        """Write one frame: uint8 [H, W, 3] RGB and uint8 [H, W] class ids.

        Raises:
            ValueError: shapes or types that do not belong together.
            OSError: a picture cannot be written.
        """
        if image.dtype != np.uint8 or class_ids.dtype != np.uint8 or image.shape != (*class_ids.shape, 3):
            raise ValueError(
                f"{name}: expected uint8 [H, W, 3] and uint8 [H, W], found {image.dtype} {list(image.shape)} and "
                f"{class_ids.dtype} {list(class_ids.shape)}"
            )
        height, width = class_ids.shape
        self._write("images", name, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        self._write("annotations", name, class_ids + np.uint8(1))  # wraps: void becomes 0
        paths = {part: f"{part}/{self._place.split}/{self._drive}/{name}.png" for part in _PARTS}
        self._entries.append(
            {"fpath_img": paths["images"], "fpath_segm": paths["annotations"], "width": width, "height": height}
        )

    def __enter__(self) -> StreetTreeWriter:
        for part in _PARTS:
            (self._workshop / part).mkdir(parents=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._put_into_place()
        finally:
            shutil.rmtree(self._workshop)

    def _write(self, part: str, name: str, pixels: np.ndarray) -> None:
        path = self._workshop / part / f"{name}.png"
        if not cv2.imwrite(str(path), pixels):
            raise OSError(f"could not write {path}")

    def _put_into_place(self) -> None:
        for part, folder in self._folders.items():
            if folder.exists():
                folder.rename(self._workshop / f"replaced_{part}")
            folder.parent.mkdir(parents=True, exist_ok=True)
            (self._workshop / part).rename(folder)
        self._list_frames()

    def _list_frames(self) -> None:
        path = self._top / self._place.listing
        listed = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
        own = f"images/{self._place.split}/{self._drive}/"
        entries = [entry for entry in listed if not entry["fpath_img"].startswith(own)] + self._entries
        entries.sort(key=lambda entry: entry["fpath_img"])
        partial = self._workshop / path.name
        partial.write_text(json.dumps(entries) + "\n", encoding="utf-8")
        partial.replace(path)
