"""Score maps and labels in one .npz file, read frame by frame."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from ros_anomaly.cli import common

# RuntimeError: an archive that is encrypted, or compressed in a way that zipfile does not know.
_BROKEN = (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, KeyError)


class ScoreFile:
    """``scores`` floating [n, H, W] and ``labels`` [n, H, W] of a .npz file, compressed or not.

    One frame is held at a time; an array in Fortran order, in which a frame is no stretch of the file, as a whole.
    CliError, here and while frames are read, if the file is not such a one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                missing = [name for name in ("scores", "labels") if f"{name}.npy" not in archive.namelist()]
                if missing:
                    raise common.CliError(f"{path}: expected the arrays 'scores' and 'labels', found no {missing[0]!r}")
                (shape, score_type), (label_shape, label_type) = (_header(archive, n)[:2] for n in ("scores", "labels"))
        except _BROKEN as error:
            raise self._broken(error) from error
        if len(shape) != 3 or label_shape != shape or not np.issubdtype(score_type, np.floating):
            raise common.CliError(
                f"{path}: expected floating scores [n, H, W] and labels of the same shape, "
                f"found {score_type} {shape} and {label_type} {label_shape}"
            )
        self.shape = shape

    def __len__(self) -> int:
        return self.shape[0]

    def frames(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(scores [H, W], labels [H, W]), one frame after the other."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                yield from zip(_read(archive, "scores"), _read(archive, "labels"), strict=True)
        except _BROKEN as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> common.CliError:
        return common.CliError(f"{self.path}: expected a numpy .npz file, found {error or type(error).__name__}")


def _header(archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype, bool]:
    with archive.open(f"{name}.npy") as stream:
        return _read_header(stream, name)


def _read_header(stream: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype, bool]:
    """(shape, type, Fortran order); the stream is left where the values begin."""
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran_order, kind = read(stream)
    if kind.hasobject:
        raise ValueError(f"array {name!r} of Python objects")
    return shape, kind, fortran_order


def _read(archive: zipfile.ZipFile, name: str) -> Iterator[np.ndarray]:
    with archive.open(f"{name}.npy") as stream:
        shape, kind, fortran_order = _read_header(stream, name)
        if fortran_order:
            values = np.frombuffer(stream.read(), kind)
            yield from values.reshape(shape, order="F")
            return
        size = shape[1] * shape[2] * kind.itemsize
        for number in range(shape[0]):
            content = stream.read(size)
            if len(content) != size:
                raise EOFError(f"array {name!r} that ends in frame {number}")
            yield np.frombuffer(content, kind).reshape(shape[1:])
