"""Object recall on labelled frames: how many anomalous objects the deployed mask finds at a threshold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ros_anomaly.data.frames import Frame
from ros_anomaly.data.labels import ANOMALY_ID
from ros_anomaly.detector import fit_image
from ros_anomaly.evaluation.objects import MIN_OVERLAP, found_objects
from ros_anomaly.evaluation.strata import distance_band
from ros_anomaly.hazard.config import RegionConfig
from ros_anomaly.hazard.regions import find_regions
from ros_anomaly.runtime.contract import Engine


@dataclass(frozen=True)
class ObjectRecall:
    """``recall`` is None without objects; ``by_distance`` gives (found, objects) a distance band."""

    recall: float | None
    objects: int
    by_distance: dict[str, tuple[int, int]]


def object_recall(
    engine: Engine,
    frames: Iterable[Frame],
    threshold: float,
    config: RegionConfig,
    min_overlap: float = MIN_OVERLAP,
) -> ObjectRecall:
    """Share of the anomalous objects (instances with pixels of the anomaly class) found in their frame.

    The mask is the deployed one: regions after minimum area, at the size of the labels. ValueError for a frame that
    has anomalies but no instance ids.
    """
    found_by_band: dict[str, int] = {}
    seen_by_band: dict[str, int] = {}
    for frame in frames:
        anomalous = frame.class_ids == ANOMALY_ID
        if not anomalous.any():
            continue
        if frame.instance_ids is None:
            raise ValueError(f"frame {frame.name!r}: expected instance ids beside its anomalies, found none")
        score = engine.infer(fit_image(frame.image, engine.input_size)).score
        height, width = frame.class_ids.shape
        mask, _ = find_regions(score, threshold, (int(height), int(width)), config)
        visible = np.where(anomalous, frame.instance_ids, 0)  # instance 0 is what belongs to none
        objects = [int(i) for i in np.unique(visible) if i]
        distances = {int(a["instance_id"]): float(a["distance_m"]) for a in frame.info.get("anomalies", ())}
        for instance_id, found in found_objects(mask, visible, objects, min_overlap).items():
            band = distance_band(distances.get(instance_id))
            seen_by_band[band] = seen_by_band.get(band, 0) + 1
            found_by_band[band] = found_by_band.get(band, 0) + found
    objects_seen = sum(seen_by_band.values())
    return ObjectRecall(
        recall=sum(found_by_band.values()) / objects_seen if objects_seen else None,
        objects=objects_seen,
        by_distance={band: (found_by_band[band], seen) for band, seen in sorted(seen_by_band.items())},
    )
