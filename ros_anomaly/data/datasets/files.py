"""Pictures and labels on disk as arrays; whatever is wrong with a file is said with its path."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np

from ros_anomaly.data.datasets.errors import DatasetError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_KINDS = {0: "grey", 2: "colours", 3: "a palette", 4: "grey with alpha", 6: "colours with alpha"}
_LABEL_KIND = (8, 0)  # bit depth and colour type, as in the PNG header


def read_rgb(path: Path) -> np.ndarray:
    """A PNG, JPEG or WebP picture as uint8 [H, W, 3] RGB; grey ones are repeated, alpha is dropped.

    Raises:
        DatasetError: no such file, or not a whole picture.
    """
    return cv2.cvtColor(_decoded(_bytes_of(path), path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def read_label(path: Path) -> np.ndarray:
    """The values of a label picture as uint8 [H, W], as they are stored.

    Raises:
        DatasetError: no such file, not a whole picture, or not one channel of 8 bits. Grey of 1, 2 or 4 bits would be
            stretched to 0..255 in decoding, and a palette would lose its indices.
    """
    data = _bytes_of(path)
    depth, kind = _png_kind(data) or _LABEL_KIND
    if (depth, kind) != _LABEL_KIND:
        raise DatasetError(
            f"{path}: expected a label of one 8-bit channel, found a PNG of {_PNG_KINDS.get(kind, kind)}, {depth} bits"
        )
    label = _decoded(data, path, cv2.IMREAD_UNCHANGED)
    if label.ndim != 2 or label.dtype != np.uint8:
        raise DatasetError(f"{path}: expected a label of one 8-bit channel, found {label.dtype} {list(label.shape)}")
    return label


def state_of(path: Path) -> str:
    """Name, size and time of last change of a file. DatasetError if it is not there."""
    try:
        state = path.stat()
    except OSError as error:
        raise DatasetError(f"{path}: expected a file, found {error.strerror or error}") from error
    return f"{path.name}:{state.st_size}:{state.st_mtime_ns}"


def natural_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts ``frame_2`` before ``frame_10``: runs of digits compare as numbers."""
    parts = re.split(r"(\d+)", text)
    return tuple((0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts)


def _bytes_of(path: Path) -> np.ndarray:
    try:
        return np.fromfile(path, np.uint8)
    except OSError as error:
        raise DatasetError(f"{path}: expected a readable file, found {error.strerror or error}") from error


def _png_kind(data: np.ndarray) -> tuple[int, int] | None:
    """(bit depth, colour type) by the header of a PNG, which is always its first chunk; None for anything else."""
    head = data[:26].tobytes()
    return (head[24], head[25]) if len(head) == 26 and head.startswith(_PNG_START) else None


def _decoded(data: np.ndarray, path: Path, flags: int) -> np.ndarray:
    picture = cv2.imdecode(data, flags) if data.size else None
    if picture is None:
        raise DatasetError(f"{path}: expected a whole picture (PNG, JPEG, WebP), found {data.size} bytes that are none")
    return np.asarray(picture)
