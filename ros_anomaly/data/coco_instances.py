"""Objects cut from photographs by annotations in COCO's format (COCO itself; ADE20K's instance set in that format).

``annotations`` is one JSON file with ``images``, ``annotations`` and ``categories``; ``root`` holds the pictures by
their ``file_name``. Groups (``iscrowd``) are left out.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ros_anomaly.data.coco_masks import decode_mask
from ros_anomaly.data.cutout_folder import LONGEST_SIDE_PX, tight
from ros_anomaly.data.cutout_store import CACHE_BYTES, Cutout, cutout_bytes
from ros_anomaly.data.datasets.errors import DatasetError
from ros_anomaly.data.datasets.files import read_rgb
from ros_anomaly.data.decoded_cache import DecodedCache


@dataclass(frozen=True)
class _Instance:
    """One annotated object; ``segmentation`` is read by :func:`decode_mask`."""

    name: str
    picture: str
    size: tuple[int, int]
    category: str
    segmentation: Any


class CocoInstances:
    """Annotated objects as cut-outs, by number; pictures are read when asked for.

    Args:
        annotations: the JSON file. root: of the pictures.
        include: names of categories; empty for all. exclude: names that are left out, as what is an inlier must be.
        min_side_px: objects whose box is smaller are left out: they could only be enlarged.

    Raises:
        DatasetError: no such file or folder, another format, unknown names of categories, or no objects left. On
            first use of an object: its picture is missing or of another size, or its mask is broken.
    """

    def __init__(
        self,
        annotations: str | Path,
        root: str | Path,
        include: Collection[str] = (),
        exclude: Collection[str] = (),
        min_side_px: int = 48,
    ) -> None:
        self.annotations, self.root = Path(annotations), Path(root)
        if not self.root.is_dir():
            raise DatasetError(f"instances: expected a folder of pictures, found no folder {self.root}")
        content = _content(self.annotations)
        try:
            categories = {entry["id"]: str(entry["name"]) for entry in content["categories"]}
            _check_names(self.annotations, categories.values(), [*include, *exclude])
            wanted = {i for i, name in categories.items() if (not include or name in include) and name not in exclude}
            self._instances = list(_instances(content, {i: categories[i] for i in wanted}, min_side_px))
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, DatasetError):
                raise
            raise DatasetError(f"{self.annotations}: expected annotations in COCO's format, found {error!r}") from error
        if not self._instances:
            raise DatasetError(
                f"{self.annotations}: expected objects of {min_side_px} px or more in {len(wanted)} of "
                f"{len(categories)} categories, found none"
            )
        self._decoded: DecodedCache[Cutout] = DecodedCache(CACHE_BYTES, cutout_bytes)

    def __len__(self) -> int:
        return len(self._instances)

    def __getitem__(self, index: int) -> Cutout:
        if not 0 <= index < len(self):
            raise IndexError(f"object {index} of {len(self)}")
        return self._decoded.get(index, lambda: self._cut(self._instances[index]))

    def _cut(self, instance: _Instance) -> Cutout:
        path = self.root / instance.picture
        image = read_rgb(path)
        if image.shape[:2] != instance.size:
            raise DatasetError(
                f"{path}: expected {list(instance.size)} (height, width) as annotated, found {list(image.shape[:2])}"
            )
        try:
            mask = decode_mask(instance.segmentation, instance.size)
        except ValueError as error:
            raise DatasetError(f"{self.annotations}: object {instance.name}: {error}") from error
        rgba = tight(np.dstack([image, mask.astype(np.uint8) * 255]), LONGEST_SIDE_PX)
        if rgba is None:
            raise DatasetError(f"{self.annotations}: object {instance.name}: expected a mask, found an empty one")
        return Cutout(instance.name, rgba, info={"object": instance.category})


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(f"{path}: expected annotations, found {error.strerror or error}") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: expected annotations in JSON, found {error}") from error
    if not isinstance(content, dict):
        raise DatasetError(f"{path}: expected a JSON object of annotations, found {type(content).__name__}")
    if missing := [key for key in ("images", "annotations", "categories") if key not in content]:
        raise DatasetError(f"{path}: expected images, annotations and categories, found no {', '.join(missing)}")
    return content


def _check_names(path: Path, known: Collection[str], asked: Collection[str]) -> None:
    unknown = sorted(set(asked) - set(known))
    if unknown:
        raise DatasetError(f"{path}: expected categories of {', '.join(sorted(known))}; found {', '.join(unknown)}")


def _instances(content: dict[str, Any], categories: dict[Any, str], min_side_px: int) -> Iterator[_Instance]:
    pictures = {
        entry["id"]: (str(entry["file_name"]), (int(entry["height"]), int(entry["width"])))
        for entry in content["images"]
    }
    for entry in content["annotations"]:
        if entry["category_id"] not in categories or entry.get("iscrowd") or max(entry["bbox"][2:4]) < min_side_px:
            continue
        picture, size = pictures[entry["image_id"]]
        yield _Instance(str(entry["id"]), picture, size, categories[entry["category_id"]], entry["segmentation"])
