"""The detector: image in, assessment out. Stateless; the one path of node, bags, datasets and benchmarks. No ROS."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from ros_anomaly.hazard.config import HazardConfig, RegionConfig
from ros_anomaly.hazard.corridor import Corridor
from ros_anomaly.hazard.ground import GroundProjection
from ros_anomaly.hazard.regions import find_regions
from ros_anomaly.hazard.scene import scene_shift, usual_score
from ros_anomaly.hazard.types import Assessment
from ros_anomaly.runtime.contract import Engine, Prediction
from ros_anomaly.runtime.manifest import Manifest
from ros_anomaly.runtime.threshold import Threshold

_STRAIGHT = Corridor()


class ManifestEngine(Engine, Protocol):
    """An engine that knows its manifest and what runs it: every loaded engine and runner."""

    @property
    def manifest(self) -> Manifest: ...

    @property
    def backend(self) -> str: ...


@dataclass(frozen=True)
class DetectorConfig:
    """Policy of the detector.

    Attributes:
        threshold: anomalous is what scores strictly higher; None takes the calibrated one of the engine's manifest.
        region: which groups of pixels count as a region.
    """

    threshold: float | None = None
    region: RegionConfig = RegionConfig()

    def __post_init__(self) -> None:
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise ValueError(f"DetectorConfig.threshold: expected a finite number or None, found {self.threshold}")


class Detector:
    """Assesses single images with an engine; holds no state from one image to the next.

    Attributes:
        threshold: in use, from the configuration or the manifest.
    """

    def __init__(self, engine: ManifestEngine, config: DetectorConfig | None = None) -> None:
        """ValueError if neither the configuration nor the engine's manifest has a threshold."""
        self._engine = engine
        self._config = config or DetectorConfig()
        self.threshold = _threshold(self._config, engine.manifest)

    def infer(
        self, image: np.ndarray, ground: GroundProjection | None = None, corridor: Corridor = _STRAIGHT
    ) -> Assessment:
        """Assess one image.

        Args:
            image: uint8 [H, W, 3] RGB of any size; it is resized to the engine's.
            ground: projects pixels of ``image`` to the ground; without it every region counts as in the corridor.
            corridor: the ground ahead that matters.

        Raises:
            ValueError: the image is not as above.
            EngineError, WorkerError: the engine gave no valid result.
        """
        started_s = time.perf_counter()
        check_image(image)
        resized = fit_image(image, self._engine.input_size)
        engine_started_s = time.perf_counter()
        prediction = self._engine.infer(resized)
        engine_s = time.perf_counter() - engine_started_s
        image_size = (image.shape[0], image.shape[1])
        score = at_most(prediction.score, image_size)
        mask, regions = find_regions(score, self.threshold, image_size, self._config.region, ground, corridor)
        shift = self._scene_shift(score)
        return Assessment(
            mask=mask,
            score=prediction.score,
            class_ids=prediction.class_ids,
            regions=regions,
            max_score=float(prediction.score.max()),
            latency_ms=1e3 * (time.perf_counter() - started_s),
            engine_ms=1e3 * engine_s,
            resize_ms=1e3 * (engine_started_s - started_s),
            scene_shift=shift,
        )

    def _scene_shift(self, score: np.ndarray) -> float | None:
        calibrated = self._engine.manifest.threshold
        if calibrated is None or calibrated.usual_score is None:
            return None
        return scene_shift(usual_score(score), calibrated.usual_score, calibrated.value)

    def doubt(self, hazard: HazardConfig) -> str:
        """What the calibration does not promise under ``hazard``, one line; empty where it keeps its promises.

        It was made under a policy, and with a backend, of its own; a given threshold promises no rate of false hazards
        in the first place. A calibration without a usual score, or none, tells no unfamiliar scene from a clear road.
        """
        return "; ".join(told for told in (self._rate_doubt(hazard), self._scene_doubt()) if told)

    def _rate_doubt(self, hazard: HazardConfig) -> str:
        manifest = self._engine.manifest
        if self._config.threshold is not None or not manifest.score:
            return ""
        calibrated = manifest.thresholds[manifest.score]
        doubts = [hazard.unlike(calibrated.settings)]
        if calibrated.inherited_from:
            doubts.append(f"an engine other than {calibrated.inherited_from}, which it was calibrated on")
        doubts.append(_unlike_backend(calibrated, manifest, self._engine.backend))
        found = ", ".join(doubt for doubt in doubts if doubt)
        return found and f"the rate of false hazards at the calibrated threshold is not known with {found}"

    def _scene_doubt(self) -> str:
        calibrated = self._engine.manifest.threshold
        if calibrated is None or calibrated.usual_score is None:
            return "an unfamiliar scene is not told from a clear road: the manifest has no usual_score"
        return ""

    def predict(self, image: np.ndarray) -> Prediction:
        """The engine's own maps for an image of any size, at network size: what evaluation of scores needs."""
        check_image(image)
        return self._engine.infer(fit_image(image, self._engine.input_size))


def check_image(image: np.ndarray) -> None:
    """ValueError unless ``image`` is a non-empty uint8 [H, W, 3] array."""
    if not isinstance(image, np.ndarray):
        raise ValueError(f"image: expected a uint8 [H, W, 3] array, found {type(image).__name__}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"image: expected non-empty uint8 [H, W, 3], found {image.dtype} {list(image.shape)}")


def fit_image(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """``image`` at ``size`` (height, width): itself if it has it, averaged where it shrinks, else bilinear."""
    height, width = image.shape[:2]
    if (height, width) == size:
        return image
    shrinks = height >= size[0] and width >= size[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(image), size[::-1], interpolation=interpolation)


def at_most(score: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """``score``, made smaller where the image has fewer pixels than the score map has cells."""
    size = (min(score.shape[0], image_size[0]), min(score.shape[1], image_size[1]))
    if size == score.shape:
        return score
    return cv2.resize(score, size[::-1], interpolation=cv2.INTER_AREA)


def _unlike_backend(calibrated: Threshold, manifest: Manifest, backend: str) -> str:
    """In what ``backend`` differs from the one that a threshold was calibrated with; empty where it does not."""
    if not calibrated.backend and manifest.build is not None and not calibrated.inherited_from:
        return ""  # not on record, but a built engine runs on no other than its own
    return calibrated.unlike(backend)


def _threshold(config: DetectorConfig, manifest: Manifest) -> float:
    if config.threshold is not None:
        return config.threshold
    if manifest.threshold is None:
        raise ValueError(
            f"engine {manifest.name!r}: expected a threshold for score {manifest.score!r} in its manifest or in the "
            f"configuration, found none"
        )
    return manifest.threshold.value
