"""How far a built engine gives what the engine gives that it was built from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ros_anomaly.runtime.contract import Engine


@dataclass(frozen=True)
class Agreement:
    """Two engines on the same images.

    Attributes:
        images: how many.
        score_mean_error: mean of the absolute differences of the scores.
        score_max_error: greatest of them.
        score_spread: standard deviation of the reference's scores, to see the errors against.
        class_changes: share of cells whose class differs.
        anomalous_changes: share of cells on the other side of the reference's threshold; None without one.
    """

    images: int
    score_mean_error: float
    score_max_error: float
    score_spread: float
    class_changes: float
    anomalous_changes: float | None

    def text(self) -> str:
        """For people, one line."""
        changes = (
            ""
            if self.anomalous_changes is None
            else f", {self.anomalous_changes:.3%} on the other side of the threshold"
        )
        return (
            f"against its source on {self.images} other images: scores differ by {self.score_mean_error:.4f} on "
            f"average (at most {self.score_max_error:.3f}; they spread by {self.score_spread:.3f}), "
            f"{self.class_changes:.2%} of the cells have another class{changes}"
        )

    def figures(self) -> dict[str, float | int | None]:
        """By their names."""
        return asdict(self)


def agreement_of(reference: Engine, other: Engine, images: Sequence[np.ndarray], threshold: float | None) -> Agreement:
    """Run both on every image, uint8 [H, W, 3] of their input size.

    Raises:
        ValueError: no images.
        EngineError: one of them fails.
    """
    if not images:
        raise ValueError("agreement: expected at least one image, found none")
    errors, classes, sides, scores = [], [], [], []
    for image in images:
        expected, found = reference.infer(image), other.infer(image)
        errors.append(np.abs(expected.score - found.score))
        classes.append(expected.class_ids != found.class_ids)
        scores.append(expected.score)
        if threshold is not None:
            sides.append((expected.score > threshold) != (found.score > threshold))
    return Agreement(
        images=len(images),
        score_mean_error=float(np.mean(errors)),
        score_max_error=float(np.max(errors)),
        score_spread=float(np.std(scores)),
        class_changes=float(np.mean(classes)),
        anomalous_changes=float(np.mean(sides)) if sides else None,
    )
