"""An engine as it is deployed: at which threshold its mask is cut, and which objects that mask must find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ros_anomaly.evaluation.recall import NearRule, RecallCount
from ros_anomaly.hazard.config import RegionConfig


@dataclass(frozen=True)
class Deployment:
    """What turns score maps into found objects.

    Attributes:
        thresholds: calibrated ones by score name; scores without one find no objects.
        near_rule: which objects are counted apart as those that must be found.
        region: which groups of pixels count as a region.
    """

    thresholds: Mapping[str, float]
    near_rule: NearRule
    region: RegionConfig = field(default_factory=RegionConfig)

    def thresholds_of(self, scores: Sequence[str]) -> dict[str, float]:
        """Of those of ``scores`` that have one."""
        return {name: self.thresholds[name] for name in scores if name in self.thresholds}

    def recall_count(self) -> RecallCount:
        """A new one."""
        return RecallCount(self.region, self.near_rule)

    def key(self) -> dict[str, object]:
        """All that decides what is found, JSON-serialisable."""
        return {"thresholds": dict(self.thresholds), "near": repr(self.near_rule), "region": repr(self.region)}
