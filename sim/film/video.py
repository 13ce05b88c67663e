"""Writes frames to an H.264 file that browsers and players take, and reads some of them again."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from types import TracebackType

import av
import numpy as np


class VideoWriter:
    """H.264, yuv420p, constant quality. The file is complete after ``close``; a ``with`` block closes it.

    Frames are uint8 [H, W, 3] RGB of one even height and width.
    """

    def __init__(self, path: Path, size: tuple[int, int], rate_hz: int, crf: int = 23) -> None:
        height, width = size
        if height % 2 or width % 2:
            raise ValueError(f"video size: expected even height and width, found {height} x {width}")
        self._size = size
        self._container = av.open(str(path), "w", options={"movflags": "+faststart"})
        self._stream = self._container.add_stream("libx264", rate=rate_hz)
        self._stream.height, self._stream.width = height, width
        self._stream.pix_fmt = "yuv420p"
        # One thread and a fast preset: the run's two cores belong to the renderer and the network.
        self._stream.options = {"crf": str(crf), "preset": "veryfast", "threads": "1"}
        self._closed = False

    def write(self, frame: np.ndarray) -> None:
        """Append one frame; ValueError on another shape or dtype."""
        expected = (*self._size, 3)
        if frame.shape != expected or frame.dtype != np.uint8:
            raise ValueError(f"video frame: expected uint8 {expected}, found {frame.dtype} {frame.shape}")
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        self._container.mux(self._stream.encode(picture))

    def close(self) -> None:
        """Flush the encoder and finish the file; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_frames(path: Path, indices: Collection[int]) -> dict[int, np.ndarray]:
    """Frames of a video by their number from 0, uint8 [H, W, 3] RGB; numbers that it does not have are missing.

    Raises:
        OSError: it cannot be read, or is no video.
    """
    wanted = set(indices)
    found: dict[int, np.ndarray] = {}
    try:
        with av.open(str(path)) as container:
            for number, frame in enumerate(container.decode(video=0)):
                if number in wanted:
                    found[number] = frame.to_ndarray(format="rgb24")
                if len(found) == len(wanted):
                    break
    except av.error.FFmpegError as error:
        raise OSError(f"{path}: expected a video, found {error}") from error
    return found
