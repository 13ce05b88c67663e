"""Memory that node and engine worker share: one image in, one prediction out."""

from __future__ import annotations

import mmap
import os

import numpy as np

_ALIGNMENT = 64


class SharedFrames:
    """Views of one anonymous memory object, alike in both processes.

    The memory is a memfd: it has no name in any file system, so nothing is left behind however a process ends.

    Attributes:
        image: uint8 [H, W, 3], written by the parent.
        score: float32 [h, w], written by the worker.
        class_ids: uint8 [h, w], written by the worker.
    """

    def __init__(self, input_size: tuple[int, int], output_size: tuple[int, int], fd: int | None = None) -> None:
        """Make the memory, or map the existing one behind ``fd``. OSError where the kernel refuses."""
        image_bytes = input_size[0] * input_size[1] * 3
        cells = output_size[0] * output_size[1]
        score_at = _aligned(image_bytes)
        class_ids_at = score_at + _aligned(4 * cells)
        total = class_ids_at + _aligned(cells)
        if fd is None:
            fd = os.memfd_create("ros_anomaly_frames")
            os.ftruncate(fd, total)
        self.fd = fd
        memory = mmap.mmap(fd, total)  # holds a duplicate of the descriptor; lives as long as a view of it does
        self.image = np.frombuffer(memory, np.uint8, image_bytes).reshape(*input_size, 3)
        self.score = np.frombuffer(memory, np.float32, cells, score_at).reshape(output_size)
        self.class_ids = np.frombuffer(memory, np.uint8, cells, class_ids_at).reshape(output_size)

    def close_fd(self) -> None:
        """Close the descriptor, once the other process has it; the views stay valid. A second call does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def release(self) -> None:
        """Give up views and descriptor; the memory goes with its last user."""
        self.close_fd()
        del self.image, self.score, self.class_ids


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // _ALIGNMENT) * _ALIGNMENT
