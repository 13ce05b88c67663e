"""An engine as it is deployed: where its mask is cut, what that mask must find, and which scenes are unfamiliar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ros_anomaly.evaluation.recall import NearRule, RecallCount
from ros_anomaly.hazard.config import RegionConfig, SceneConfig
from ros_anomaly.hazard.scene import scene_shift, usual_score


@dataclass(frozen=True)
class Deployment:
    """What turns score maps into found objects.

    Attributes:
        thresholds: calibrated ones by score name; scores without one find no objects.
        near_rule: which objects are counted apart as those that must be found.
        region: which groups of pixels count as a region.
        usual_scores: of the calibrations, by score name, where they are on record.
        scene: from where on a scene is unfamiliar.
    """

    thresholds: Mapping[str, float]
    near_rule: NearRule
    region: RegionConfig = field(default_factory=RegionConfig)
    usual_scores: Mapping[str, float] = field(default_factory=dict)
    scene: SceneConfig = field(default_factory=SceneConfig)

    def thresholds_of(self, scores: Sequence[str]) -> dict[str, float]:
        """Of those of ``scores`` that have one."""
        return {name: self.thresholds[name] for name in scores if name in self.thresholds}

    def recall_count(self) -> RecallCount:
        """A new one."""
        return RecallCount(self.region, self.near_rule)

    def judges_scenes(self, score: str) -> bool:
        """Whether an unfamiliar scene would be told with this score."""
        return score in self.thresholds and score in self.usual_scores

    def is_unfamiliar(self, score: str, native: np.ndarray) -> bool:
        """Whether the scene of a map [h, w] is, by a score that ``judges_scenes``.

        The node then says UNKNOWN, but for a confirmed anomaly in the corridor.
        """
        shift = scene_shift(usual_score(native), self.usual_scores[score], self.thresholds[score])
        return self.scene.is_unfamiliar(shift)

    def key(self) -> dict[str, object]:
        """All that decides what is found, JSON-serialisable."""
        return {
            "thresholds": dict(self.thresholds),
            "near": repr(self.near_rule),
            "region": repr(self.region),
            "usual_scores": dict(self.usual_scores),
            "scene": repr(self.scene),
        }
