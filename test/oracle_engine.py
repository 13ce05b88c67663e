"""Street frames that carry their labels in the image, and an engine that reads them: figures are known beforehand."""

from __future__ import annotations

import numpy as np

from ros_anomaly.data.frames import Frame, LabelKind
from ros_anomaly.data.labels import StreetClass
from ros_anomaly.evaluation.labelled.source import EvaluationSource
from ros_anomaly.runtime.contract import RawPrediction

SIZE = (48, 64)
SKY, ROAD, CAR, ANOMALY = StreetClass.BACKGROUND, StreetClass.ROAD, StreetClass.CAR, StreetClass.ANOMALY


def street(name: str = "f", objects: tuple[tuple[int, int, int, int, float], ...] = (), weather: str = "noon") -> Frame:
    """Sky above, road below, anomalies as (top, bottom, left, right, distance)."""
    labels = np.full(SIZE, SKY, np.uint8)
    labels[24:] = ROAD
    ids = np.zeros(SIZE, np.uint16)
    anomalies = []
    for i, (top, bottom, left, right, distance) in enumerate(objects, start=1):
        labels[top:bottom, left:right] = ANOMALY
        ids[top:bottom, left:right] = i
        anomalies.append({"instance_id": i, "distance_m": distance})
    image = np.repeat(labels[..., None], 3, axis=2)
    return Frame(name, image, labels, ids, info={"anomalies": anomalies, "weather": weather})


def streets() -> list[Frame]:
    """Two frames with an anomaly, near on the road and far above it, and one without."""
    return [
        street("a", ((20, 32, 10, 20, 8.0),)),
        street("b"),
        street("c", ((4, 10, 40, 50, 45.0),), weather="fog"),
    ]


def source(frames: list[Frame] | None = None, label_kind: LabelKind = LabelKind.CLASS_IDS) -> EvaluationSource:
    """Frames (those of ``streets``) as a source."""
    return EvaluationSource("test streets", streets() if frames is None else frames, "fingerprint", label_kind)


class OracleEngine:
    """One query a class: its mask is that class's pixels, as the image says them.

    Args:
        blind: takes anomalies for road.
        masks_at: pixels to a side of a mask's cell.
        noise: spread of what is added to the mask logits, so that scores differ from pixel to pixel.
        fails_at: number of the call, from 1, that is interrupted.
    """

    def __init__(self, blind: bool = False, masks_at: int = 1, noise: float = 0.0, fails_at: int = 0) -> None:
        self.input_size = SIZE
        self.calls = 0
        self.closed = False
        self._blind, self._step, self._noise, self._fails_at = blind, masks_at, noise, fails_at

    def infer(self, image: np.ndarray) -> RawPrediction:
        self.calls += 1
        if self.calls == self._fails_at:
            raise KeyboardInterrupt
        labels = image[:: self._step, :: self._step, 0]
        if self._blind:
            labels = np.where(labels == ANOMALY, ROAD, labels)
        masks = np.stack([np.where(labels == c, 12.0, -12.0) for c in range(14)]).astype(np.float32)
        # Of the image alone, so that a frame scores the same in whichever run it is seen.
        rng = np.random.default_rng(int(labels.sum()))
        masks += rng.normal(0.0, self._noise, masks.shape).astype(np.float32)
        return RawPrediction((np.eye(14, 15) * 20).astype(np.float32), masks)

    def close(self) -> None:
        self.closed = True
