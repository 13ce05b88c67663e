"""How much higher the AP of UNO is than that of every other score, with an interval that pairs their frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ros_anomaly.evaluation.score_figures import ScoreReport

CLAIMANTS = ("uno", "uno_clamped", "uno_normalised")
"""The scores that claim to beat their own parts and every closed-set score."""


@dataclass(frozen=True)
class ApGain:
    """AP of one score less that of another, over all pixels, and its 95 % interval, bootstrapped over frames.

    Attributes:
        ap: how much higher; below 0 where the other one is.
        low, high: the interval.
    """

    ap: float
    low: float
    high: float

    @property
    def is_sure(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.low > 0.0


def ap_gains(scores: Mapping[str, ScoreReport]) -> dict[str, dict[str, ApGain]]:
    """By claimant and then by the name of the other score; empty where there is nothing to compare."""
    gains: dict[str, dict[str, ApGain]] = {}
    for name in CLAIMANTS:
        if name in scores:
            own = {
                other: gain
                for other, report in scores.items()
                if other != name and (gain := _gain(scores[name], report)) is not None
            }
            if own:
                gains[name] = own
    return gains


def _gain(one: ScoreReport, other: ScoreReport) -> ApGain | None:
    if one.replicas is None or other.replicas is None or one.full.ap is None or other.full.ap is None:
        return None
    gain = one.full.ap - other.full.ap
    return ApGain(gain, *one.replicas.interval_of_gain(other.replicas, gain))
