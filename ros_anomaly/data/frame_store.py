"""Frames on disk for fast random access: a folder of shards that survives an interrupted writer.

Layout::

    <folder>/store.json                 format version and frame size
    <folder>/<shard>/images.npy         uint8 [n, H, W, 3] RGB
    <folder>/<shard>/class_ids.npy      uint8 [n, H, W]
    <folder>/<shard>/instance_ids.npy   uint16 [n, H, W], only where the frames have them
    <folder>/<shard>/frames.jsonl       one line a frame: {"name": ..., "info": {...}}
    <folder>/<shard>/shard.json         {"frames": n, "instances": bool}

A shard is written into ``<shard>.partial`` and renamed when it is whole, so a folder without that
suffix is complete and several processes may write different shards of one store.
"""

from __future__ import annotations

import bisect
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ros_anomaly.data.frames import Frame

STORE_FORMAT = 1
_PARTIAL = ".partial"


class FrameStoreError(ValueError):
    """A store on disk is missing, of another format or size, or a shard of it is broken."""


class _NpyAppender:
    """A .npy file whose first axis grows; numpy pads the header so that it can be rewritten in place."""

    def __init__(self, path: Path, item_shape: tuple[int, ...], dtype: Any) -> None:
        self._item_shape = item_shape
        self._dtype = np.dtype(dtype)
        self._file: BinaryIO = path.open("wb")
        self._count = 0
        self._write_header()

    def _write_header(self) -> None:
        header = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (self._count, *self._item_shape),
        }
        np.lib.format.write_array_header_1_0(self._file, header)

    def append(self, item: np.ndarray) -> None:
        if item.shape != self._item_shape or item.dtype != self._dtype:
            raise FrameStoreError(f"expected {self._dtype} {self._item_shape}, found {item.dtype} {item.shape}")
        self._file.write(np.ascontiguousarray(item).tobytes())
        self._count += 1

    def finish(self) -> None:
        self._file.seek(0)
        self._write_header()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def abandon(self) -> None:
        self._file.close()


def write_json_atomic(path: Path, value: Any) -> None:
    """Write ``value`` as JSON to ``path`` so that readers see the old file or the new one, never half."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(value, indent=1) + "\n")
    os.replace(temporary, path)


class FrameStoreWriter:
    """Writes shards of one frame size.

    Args:
        folder: made if missing; an existing store must have the same size.
        size: (height, width) of every frame.

    Raises:
        FrameStoreError: the folder already holds a store of another format or size.
    """

    def __init__(self, folder: str | Path, size: tuple[int, int]) -> None:
        self.folder = Path(folder)
        self.size = (int(size[0]), int(size[1]))
        self.folder.mkdir(parents=True, exist_ok=True)
        if (self.folder / "store.json").exists():
            found = _read_store_size(self.folder)
            if found != self.size:
                raise FrameStoreError(f"{self.folder}: expected frames of {self.size}, found a store of {found}")
        else:
            head = {"format": STORE_FORMAT, "height": self.size[0], "width": self.size[1]}
            write_json_atomic(self.folder / "store.json", head)

    def has_shard(self, name: str) -> bool:
        """Whether the shard is complete, so that a resumed render can leave it out."""
        return (self.folder / _checked_name(name) / "shard.json").exists()

    def write_shard(self, name: str, frames: Iterable[Frame]) -> int:
        """Write all frames as one shard and return their number; a complete shard is left alone (returns its number).

        The frames are consumed one at a time. Instance ids are kept if the first frame has them. An
        exception of the iterable leaves no shard behind.
        """
        final = self.folder / _checked_name(name)
        if self.has_shard(name):
            return int(json.loads((final / "shard.json").read_text())["frames"])
        partial = self.folder / (name + _PARTIAL)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        height, width = self.size
        appenders = {
            "images": _NpyAppender(partial / "images.npy", (height, width, 3), np.uint8),
            "class_ids": _NpyAppender(partial / "class_ids.npy", (height, width), np.uint8),
        }
        count = 0
        try:
            with (partial / "frames.jsonl").open("w") as lines:
                for frame in frames:
                    if count == 0 and frame.instance_ids is not None:
                        path = partial / "instance_ids.npy"
                        appenders["instance_ids"] = _NpyAppender(path, (height, width), np.uint16)
                    appenders["images"].append(frame.image)
                    appenders["class_ids"].append(frame.class_ids)
                    if "instance_ids" in appenders:
                        if frame.instance_ids is None:
                            raise FrameStoreError(f"frame {frame.name}: expected instance ids as in the first frame")
                        appenders["instance_ids"].append(frame.instance_ids)
                    lines.write(json.dumps({"name": frame.name, "info": dict(frame.info)}) + "\n")
                    count += 1
            for appender in appenders.values():
                appender.finish()
        except BaseException:
            for appender in appenders.values():
                appender.abandon()
            shutil.rmtree(partial, ignore_errors=True)
            raise
        if count == 0:
            shutil.rmtree(partial)
            raise FrameStoreError(f"shard {name}: expected at least one frame, found none")
        write_json_atomic(partial / "shard.json", {"frames": count, "instances": "instance_ids" in appenders})
        os.replace(partial, final)
        return count


class _Shard:
    """One complete shard; arrays are memory maps opened on first use, the info lines are kept as text."""

    def __init__(self, folder: Path, size: tuple[int, int]) -> None:
        self.folder = folder
        head = json.loads((folder / "shard.json").read_text())
        self.count = int(head["frames"])
        self.images = self._map("images.npy", (self.count, *size, 3), np.uint8)
        self.class_ids = self._map("class_ids.npy", (self.count, *size), np.uint8)
        self.instance_ids = self._map("instance_ids.npy", (self.count, *size), np.uint16) if head["instances"] else None
        self.lines = (folder / "frames.jsonl").read_text().splitlines()
        if len(self.lines) != self.count:
            raise FrameStoreError(f"{folder}/frames.jsonl: expected {self.count} lines, found {len(self.lines)}")

    def _map(self, name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        path = self.folder / name
        try:
            array = np.load(path, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise FrameStoreError(
                f"{path}: expected {np.dtype(dtype)} {shape}, found no readable array ({error})"
            ) from error
        if array.shape != shape or array.dtype != dtype:
            raise FrameStoreError(f"{path}: expected {np.dtype(dtype)} {shape}, found {array.dtype} {array.shape}")
        return array


class FrameStore:
    """Read access to the complete shards of a store, in the order of their names; a ``FrameSource``.

    Args:
        folder: as written by :class:`FrameStoreWriter`. Unfinished shards are not seen.

    Raises:
        FrameStoreError: no store there, or a shard whose arrays do not match its description.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.size = _read_store_size(self.folder)
        heads = sorted(p for p in self.folder.glob("*/shard.json") if not p.parent.name.endswith(_PARTIAL))
        self._shards = [_Shard(path.parent, self.size) for path in heads]
        self._ends = list(np.cumsum([shard.count for shard in self._shards], dtype=int))

    @property
    def shard_names(self) -> list[str]:
        return [shard.folder.name for shard in self._shards]

    def __len__(self) -> int:
        return int(self._ends[-1]) if self._ends else 0

    def _locate(self, index: int) -> tuple[_Shard, int]:
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of a store of {len(self)} frames")
        shard = bisect.bisect_right(self._ends, index)
        return self._shards[shard], index - (self._ends[shard - 1] if shard else 0)

    def arrays(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """(image uint8 [H, W, 3], class ids uint8 [H, W]) as read-only views: the fast path of training."""
        shard, row = self._locate(index)
        return shard.images[row], shard.class_ids[row]

    def name(self, index: int) -> str:
        """The frame's name; no array is read."""
        shard, row = self._locate(index)
        return json.loads(shard.lines[row])["name"]

    def info(self, index: int) -> dict[str, Any]:
        """What the writer said about the frame beside its arrays."""
        shard, row = self._locate(index)
        return json.loads(shard.lines[row])["info"]

    def __getitem__(self, index: int) -> Frame:
        shard, row = self._locate(index)
        line = json.loads(shard.lines[row])
        instances = None if shard.instance_ids is None else np.array(shard.instance_ids[row])
        return Frame(
            line["name"], np.array(shard.images[row]), np.array(shard.class_ids[row]), instances, None, line["info"]
        )

    def __iter__(self) -> Iterator[Frame]:
        return (self[index] for index in range(len(self)))


def _checked_name(name: str) -> str:
    if not name or "/" in name or name.startswith(".") or name.endswith(_PARTIAL):
        raise FrameStoreError(f"shard name: expected a plain file name not ending in {_PARTIAL!r}, found {name!r}")
    return name


def _read_store_size(folder: Path) -> tuple[int, int]:
    path = folder / "store.json"
    if not path.exists():
        raise FrameStoreError(f"{folder}: expected a frame store (store.json), found none")
    head = json.loads(path.read_text())
    if head.get("format") != STORE_FORMAT:
        raise FrameStoreError(f"{path}: expected format {STORE_FORMAT}, found {head.get('format')}")
    return int(head["height"]), int(head["width"])
