"""Puts together what arrives on many topics: everything with one stamp becomes one recorded frame."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ros_anomaly.messages.hazard import HazardReport


@dataclass
class RecordedFrame:
    """What was heard about one image; None where nothing was.

    Attributes:
        stamp_ns: of the image.
        image: uint8 [H, W, 3] RGB.
        class_ids, instance_ids: ground truth, uint8 and uint16 [H, W].
        ego: (x, y, yaw) of base_link, metres and radians from north.
        mask: the detector's, uint8 [H, W], 0 or 255.
        score: the detector's, float32 [h, w].
        report: the detector's hazard status in answer to this image.
    """

    stamp_ns: int
    image: np.ndarray | None = None
    class_ids: np.ndarray | None = None
    instance_ids: np.ndarray | None = None
    ego: tuple[float, float, float] | None = None
    mask: np.ndarray | None = None
    score: np.ndarray | None = None
    report: HazardReport | None = None

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return all(getattr(self, f.name) is not None for f in fields(self))

    @property
    def processed(self) -> bool:
        """Whether the detector worked on it: its mask came, and a status that has a latency."""
        return self.mask is not None and self.report is not None and self.report.state.latency_ms is not None


class FrameAssembler:
    """Collects parts by stamp and hands frames out in order of their stamps.

    A frame is handed out when it is complete and none before it is open; an incomplete one when ``max_lag`` later
    frames have been completed. What arrives for a frame after that is counted in ``late`` and let go.
    """

    def __init__(self, max_lag: int = 3) -> None:
        self._max_lag = max_lag
        self._open: dict[int, RecordedFrame] = {}
        self._last_out_ns = -1
        self.late = 0

    def add(self, stamp_ns: int, part: str, value: Any) -> list[RecordedFrame]:
        """Note one part; the frames that can now be handed out. The first value of a part stays."""
        if stamp_ns <= self._last_out_ns:
            self.late += 1
            return []
        frame = self._open.setdefault(stamp_ns, RecordedFrame(stamp_ns))
        if getattr(frame, part) is None:
            setattr(frame, part, value)
        return self._ready()

    def rest(self) -> list[RecordedFrame]:
        """All that is still open, in order; nothing stays."""
        frames = [self._open[stamp] for stamp in sorted(self._open)]
        self._open.clear()
        if frames:
            self._last_out_ns = frames[-1].stamp_ns
        return frames

    def _ready(self) -> list[RecordedFrame]:
        stamps = sorted(self._open)
        complete = [stamp for stamp in stamps if self._open[stamp].complete]
        out = []
        for stamp in stamps:
            overtaken = sum(later > stamp for later in complete) >= self._max_lag
            if not (self._open[stamp].complete or overtaken):
                break
            out.append(self._open.pop(stamp))
            self._last_out_ns = stamp
        return out
