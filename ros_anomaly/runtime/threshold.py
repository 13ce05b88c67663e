"""A calibrated threshold, as manifests hold it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ros_anomaly.runtime.backends import DEFAULT_BACKEND
from ros_anomaly.runtime.errors import ManifestError


@dataclass(frozen=True)
class Threshold:
    """A calibrated threshold: anomalous is what scores strictly higher.

    Attributes:
        value: of the score.
        rule: by which it was chosen.
        data: on what.
        figures: what came of it there (fractions, counts, minutes).
        settings: parameters of the hazard policy under which the rule was kept, by their names.
        inherited_from: the engine that it was calibrated on, where that is another than the manifest's own; empty
            where it was calibrated on this one.
        backend: that ran the engine then, as a text (``backends.BackendChoice``); empty where that is not on record.
        usual_score: what the ground of clear frames hardly ever exceeded (``hazard.scene``), below ``value``; None
            where that is not on record.
    """

    value: float
    rule: str
    data: str
    figures: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, float | int | bool] = field(default_factory=dict)
    inherited_from: str = ""
    backend: str = ""
    usual_score: float | None = None

    def __post_init__(self) -> None:
        if not _is_finite(self.value):
            raise ManifestError(f"threshold: expected a finite number, found {self.value!r}")
        usual = self.usual_score
        if usual is not None and not (_is_finite(usual) and usual < self.value):
            raise ManifestError(
                f"threshold usual_score: expected a finite number below {self.value} or null, found {usual!r}"
            )
        if not isinstance(self.backend, str):
            raise ManifestError(f"threshold backend: expected a text, found {self.backend!r}")

    def unlike(self, backend: str) -> str:
        """In what ``backend`` differs from the one that this was calibrated with, for people; empty where it does not.

        Scores, and what exceeds a threshold, shift a little from one library to the next, and more where it rounds.
        What is not on record was calibrated before backends were recorded, when all calibrated with the default.
        """
        if (self.backend or DEFAULT_BACKEND) == backend:
            return ""
        return f"backend {backend} (calibrated with {self.backend or 'one that is not on record'})"

    def inherited(self, source: str) -> Threshold:
        """This threshold for an engine made from ``source``, until it is calibrated on its own scores."""
        return replace(self, inherited_from=self.inherited_from or source)


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
