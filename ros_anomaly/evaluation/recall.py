"""Object recall on labelled frames: how many anomalous objects the deployed mask finds at a threshold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ros_anomaly.data.frames import Frame
from ros_anomaly.data.labels import ANOMALY_ID
from ros_anomaly.detector import fit_image
from ros_anomaly.evaluation.objects import MIN_OVERLAP, found_objects
from ros_anomaly.evaluation.strata import distance_band
from ros_anomaly.hazard.config import RegionConfig
from ros_anomaly.hazard.ground import GroundProjection
from ros_anomaly.hazard.regions import find_regions
from ros_anomaly.runtime.contract import Engine

_WHOLE = RegionConfig(min_area_px=1, grow_share=0.0)


@dataclass(frozen=True)
class Share:
    """``found`` of so many ``objects``."""

    found: int
    objects: int

    @property
    def share(self) -> float | None:
        """None without objects."""
        return self.found / self.objects if self.objects else None


@dataclass(frozen=True)
class NearRule:
    """Which objects must be found: large enough to be seen, close enough to matter, and in the way.

    Attributes:
        ground: of the camera, at the size of the labels.
        min_visible_px: visible pixels in the frame.
        within_m: distance of the object.
    """

    ground: GroundProjection
    min_visible_px: int = 60
    within_m: float = 30.0


@dataclass(frozen=True)
class ObjectRecall:
    """Objects found in their frame.

    Attributes:
        recall: share of all objects; None without any.
        objects: how many they are.
        by_distance: (found, objects) a distance band.
        near: of the objects of the ``NearRule``; None where there was no such rule.
    """

    recall: float | None
    objects: int
    by_distance: dict[str, tuple[int, int]]
    near: Share | None = None


@dataclass
class RecallCount:
    """Counts objects frame by frame.

    The mask is the deployed one: regions after minimum area, at the size of the labels. An object is in the corridor
    if the hazard monitor would say so of its visible pixels, the vehicle driving straight ahead.
    """

    region: RegionConfig = RegionConfig()
    near_rule: NearRule | None = None
    min_overlap: float = MIN_OVERLAP
    _found: dict[str, int] = field(default_factory=dict)
    _seen: dict[str, int] = field(default_factory=dict)
    _near_found: int = 0
    _near_seen: int = 0

    def add(self, frame: Frame, score: np.ndarray, threshold: float) -> None:
        """Count the anomalous objects (instances with pixels of the anomaly class) of a frame.

        Args:
            score: floating [h, w] as the network gives it.

        Raises:
            ValueError: the frame has anomalies but no instance ids.
        """
        anomalous = frame.class_ids == ANOMALY_ID
        if not anomalous.any():
            return
        if frame.instance_ids is None:
            raise ValueError(f"frame {frame.name!r}: expected instance ids beside its anomalies, found none")
        height, width = frame.class_ids.shape
        size = (int(height), int(width))
        ground = self.near_rule.ground if self.near_rule else None  # without it no core is too small for its distance
        mask, _ = find_regions(score, threshold, size, self.region, ground)
        visible = np.where(anomalous, frame.instance_ids, 0)  # instance 0 is what belongs to none
        objects = [int(i) for i in np.unique(visible) if i]
        distances = {int(a["instance_id"]): float(a["distance_m"]) for a in frame.info.get("anomalies", ())}
        for instance_id, found in found_objects(mask, visible, objects, self.min_overlap).items():
            distance_m = distances.get(instance_id)
            band = distance_band(distance_m)
            self._seen[band] = self._seen.get(band, 0) + 1
            self._found[band] = self._found.get(band, 0) + found
            if self._is_near(visible == instance_id, distance_m):
                self._near_seen += 1
                self._near_found += found

    def figures(self) -> ObjectRecall:
        """Over everything counted so far."""
        seen = sum(self._seen.values())
        return ObjectRecall(
            recall=sum(self._found.values()) / seen if seen else None,
            objects=seen,
            by_distance={band: (self._found[band], count) for band, count in sorted(self._seen.items())},
            near=Share(self._near_found, self._near_seen) if self.near_rule else None,
        )

    def plain(self) -> dict[str, dict[str, int]]:
        """Everything counted, JSON-serialisable, as ``count_from`` takes it."""
        return {"found": self._found, "seen": self._seen, "near": {"found": self._near_found, "seen": self._near_seen}}

    def count_from(self, plain: Mapping[str, Mapping[str, int]]) -> None:
        """Go on from what ``plain`` gave."""
        self._found, self._seen = dict(plain["found"]), dict(plain["seen"])
        self._near_found, self._near_seen = plain["near"]["found"], plain["near"]["seen"]

    def _is_near(self, pixels: np.ndarray, distance_m: float | None) -> bool:
        rule = self.near_rule
        if rule is None or distance_m is None or distance_m > rule.within_m or pixels.sum() < rule.min_visible_px:
            return False
        height, width = pixels.shape
        shown = pixels.astype(np.float32)
        _, regions = find_regions(shown, 0.5, (int(height), int(width)), _WHOLE, rule.ground)
        return any(region.in_corridor for region in regions)


def object_recall(
    engine: Engine,
    frames: Iterable[Frame],
    threshold: float,
    config: RegionConfig,
    min_overlap: float = MIN_OVERLAP,
    near_rule: NearRule | None = None,
) -> ObjectRecall:
    """Share of the anomalous objects found in their frame by a fused engine; see ``RecallCount``.

    ValueError for a frame that has anomalies but no instance ids.
    """
    count = RecallCount(config, near_rule, min_overlap)
    for frame in frames:
        if (frame.class_ids == ANOMALY_ID).any():
            count.add(frame, engine.infer(fit_image(frame.image, engine.input_size)).score, threshold)
    return count.figures()
