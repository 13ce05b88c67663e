"""Score maps of a run on disk: figures of connected components need a threshold that only the last frame settles.

What is stored is the maps as the network gave them, float32, and the labels: for maps of a quarter of the labels' size
a frame takes a quarter byte a label pixel and score, for maps of the labels' own size (exact aggregation) 4 bytes, and
the labels next to nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from ros_anomaly.evaluation.labelled.score_maps import maps_at_size


class Spill:
    """Score maps and labels of ``frames`` frames, by number, in a folder that is made when the first is stored."""

    def __init__(self, folder: Path, frames: int = 0) -> None:
        self._folder, self._frames, self._checked = folder, frames, False

    def put(self, number: int, native: np.ndarray, labels: np.ndarray) -> None:
        """Store float32 [S, h, w] maps and uint8 [H, W] labels of a frame. OSError where that fails.

        The first call sees to it that the frames from that one on fit the disk, if they are of its size.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._checked:
            needed, free = native.nbytes * (self._frames - number), shutil.disk_usage(self._folder).free
            if needed > free:
                raise OSError(
                    f"{self._folder}: expected {needed / 1e9:.1f} GB for score maps of {self._frames - number} frames, "
                    f"found {free / 1e9:.1f} GB free"
                )
            self._checked = True
        np.save(self._folder / f"{number}.npy", native)
        path = self._folder / f"{number}.png"
        if not cv2.imwrite(str(path), labels):
            raise OSError(f"{path}: cannot write labels of {labels.shape[1]}x{labels.shape[0]}")

    def frames(self, count: int, score: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(score float32 [H, W], labels uint8 [H, W]) of frames 0 to ``count`` - 1, of one score by its number."""
        for number in range(count):
            path = self._folder / f"{number}.png"
            labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            if labels is None:
                raise ValueError(f"{path}: expected labels of an unfinished run, found no readable file")
            native = np.load(self._folder / f"{number}.npy", mmap_mode="r")
            height, width = labels.shape
            yield maps_at_size(np.array(native[score : score + 1]), (int(height), int(width)))[0], labels
