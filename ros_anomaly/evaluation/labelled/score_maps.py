"""From an image to the score maps of every score asked for: one forward pass, timed, at the size of the labels."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from ros_anomaly.data.labels import STREET_CLASSES, ClassSet
from ros_anomaly.detector import fit_image
from ros_anomaly.runtime.contract import Prediction, RawPrediction
from ros_anomaly.runtime.manifest import Manifest
from ros_anomaly.scores.aggregation import pixel_sums, upsample
from ros_anomaly.scores.names import Aggregation
from ros_anomaly.scores.registry import Score, tiled_scores

Size = tuple[int, int]


class RawEngine(Protocol):
    """Gives class and mask logits, so that scores can be compared on the same pass."""

    @property
    def input_size(self) -> Size: ...

    def infer(self, image: np.ndarray) -> RawPrediction: ...


class FusedEngine(Protocol):
    """Gives the one score map that is deployed."""

    @property
    def input_size(self) -> Size: ...

    @property
    def manifest(self) -> Manifest: ...

    def infer(self, image: np.ndarray) -> Prediction: ...


@dataclass(frozen=True)
class ScoredImage:
    """What came of one image.

    Attributes:
        native: float32 [S, h, w], the score maps as the network gave them, in the order of the scorer's names.
        maps: float32 [S, H, W], brought bilinearly to the size of the labels.
        class_ids: uint8 [H, W], closed-set classes; None where the engine's are not the street's, which labels have.
        engine_s: seconds that the engine took.
        scores_s: seconds from its outputs to ``maps``.
    """

    native: np.ndarray
    maps: np.ndarray
    class_ids: np.ndarray | None
    engine_s: float
    scores_s: float


class Scorer(Protocol):
    """An engine and the scores that are read from its outputs; ``names`` are theirs, in the order of the maps."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def score(self, image: np.ndarray, size: Size) -> ScoredImage:
        """Score maps of a uint8 [h, w, 3] RGB image of any size, for labels of ``size`` (H, W)."""
        ...


class RawScorer:
    """Scores from a raw engine's logits."""

    def __init__(
        self,
        engine: RawEngine,
        scores: Sequence[Score],
        aggregation: Aggregation = Aggregation.MASKS,
        classes: ClassSet = STREET_CLASSES,
    ) -> None:
        """``classes`` are the engine's. ValueError without a score; a score named twice counts once."""
        self._scores = list({score.name: score for score in scores}.values())
        if not self._scores:
            raise ValueError("scores: expected at least one name, found none")
        self._engine, self._aggregation, self._classes = engine, aggregation, classes

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(score.name for score in self._scores)

    @torch.inference_mode()
    def score(self, image: np.ndarray, size: Size) -> ScoredImage:
        fitted = fit_image(image, self._engine.input_size)
        started_s = time.perf_counter()
        prediction = self._engine.infer(fitted)
        engine_done_s = time.perf_counter()
        class_logits = torch.from_numpy(np.ascontiguousarray(prediction.class_logits))
        mask_logits = torch.from_numpy(np.ascontiguousarray(prediction.mask_logits))
        if self._aggregation is Aggregation.EXACT:
            # As near as float32 itself, in a fraction of the time and without masks of the labels' size.
            exact, ids = tiled_scores(self._scores, class_logits, mask_logits, self._classes.count, size)
            native = maps = torch.stack(exact)
        else:
            for score in self._scores:
                score.check_head(class_logits, self._classes.count)
            sums = pixel_sums(class_logits, mask_logits, self._classes.count)
            native = torch.stack([score.formula(sums) for score in self._scores])
            maps, ids = _at_size(native, size), _at_size(sums.classes, size).argmax(dim=0).to(torch.uint8)
        class_ids = ids.numpy() if self._classes is STREET_CLASSES else None
        done_s = time.perf_counter()
        return ScoredImage(native.numpy(), maps.numpy(), class_ids, engine_done_s - started_s, done_s - engine_done_s)


class FusedScorer:
    """The score map of a fused engine, as deployed; its one score is the manifest's."""

    def __init__(self, engine: FusedEngine, classes: ClassSet = STREET_CLASSES) -> None:
        self._engine, self._classes = engine, classes
        self._name = str(engine.manifest.score)

    @property
    def names(self) -> tuple[str, ...]:
        return (self._name,)

    def score(self, image: np.ndarray, size: Size) -> ScoredImage:
        fitted = fit_image(image, self._engine.input_size)
        started_s = time.perf_counter()
        prediction = self._engine.infer(fitted)
        engine_done_s = time.perf_counter()
        native = prediction.score[None]
        maps = maps_at_size(native, size)
        class_ids = _nearest(prediction.class_ids, size) if self._classes is STREET_CLASSES else None
        done_s = time.perf_counter()
        return ScoredImage(native, maps, class_ids, engine_done_s - started_s, done_s - engine_done_s)


@torch.inference_mode()
def maps_at_size(native: np.ndarray, size: Size) -> np.ndarray:
    """``ScoredImage.maps`` again from ``ScoredImage.native``: the same values, bit for bit."""
    return _at_size(torch.from_numpy(np.ascontiguousarray(native)), size).numpy()


def _at_size(maps: torch.Tensor, size: Size) -> torch.Tensor:
    return maps if tuple(maps.shape[-2:]) == size else upsample(maps, size)


def _nearest(class_ids: np.ndarray, size: Size) -> np.ndarray:
    """Class ids at ``size``: those of the nearest cell, as a fused engine gives no class scores to interpolate."""
    rows = np.arange(size[0]) * class_ids.shape[0] // size[0]
    columns = np.arange(size[1]) * class_ids.shape[1] // size[1]
    return class_ids[np.ix_(rows, columns)]
