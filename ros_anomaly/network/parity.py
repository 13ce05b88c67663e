"""How far an exported network is from the network, on images, and how far it may be.

Light to import: engines are also compared where there is neither torch nor transformers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ros_anomaly.network.fused import FusedNetwork, RawNetwork

Run = Callable[[np.ndarray], Mapping[str, np.ndarray]]
"""Outputs by name for a uint8 [H, W, 3] image."""

STAND_IN_QUANTILE = 0.99
"""Without a calibrated threshold decisions are taken where the highest hundredth of the reference's scores begins."""


@dataclass(frozen=True)
class ExportParity:
    """Differences between an exported network and torch in float32 over some images.

    Attributes:
        max_error, mean_error: of the scores; of a raw network, of all logits.
        decision_changes: share of cells that are anomalous (score above ``threshold``) on one side alone; of a raw
            network, share of mask cells on different sides of σ = 1/2.
        class_changes: share of cells of another class; of a raw network, share of queries.
        threshold: of the decisions; None for a raw network.
        frames: images that were compared.
    """

    max_error: float
    mean_error: float
    decision_changes: float
    class_changes: float
    threshold: float | None
    frames: int


@dataclass(frozen=True)
class ParityBounds:
    """The most that each figure of an :class:`ExportParity` may be."""

    max_error: float
    mean_error: float
    decision_changes: float
    class_changes: float

    def broken(self, found: ExportParity) -> str:
        """What is above its bound, in one line with expected and found; empty where nothing is."""
        return "; ".join(
            f"{bound.name.replace('_', ' ')}: expected up to {getattr(self, bound.name):g}, "
            f"found {getattr(found, bound.name):.2g}"
            for bound in fields(self)
            if not getattr(found, bound.name) <= getattr(self, bound.name)
        )


BOUNDS = {
    # A mask logit at 0 decides whether a query attends to a cell: rounding that tips it moves the cells of one edge by
    # far more than itself. So the largest error has room, and the mean and the decisions have little.
    "fp32": ParityBounds(max_error=0.05, mean_error=1e-4, decision_changes=1e-4, class_changes=1e-3),
    "fp16": ParityBounds(max_error=1.0, mean_error=5e-3, decision_changes=2e-3, class_changes=1e-2),
}
"""By precision, for fused networks, whose scores have a range of about 1."""

RAW_BOUNDS = {
    "fp32": ParityBounds(max_error=0.5, mean_error=1e-3, decision_changes=1e-4, class_changes=1e-3),
    "fp16": ParityBounds(max_error=100.0, mean_error=0.5, decision_changes=1e-2, class_changes=5e-2),
}
"""By precision, for raw networks, whose mask logits have a range of some tens."""


def measure_parity(
    module: FusedNetwork | RawNetwork, run: Run, images: Sequence[np.ndarray], threshold: float | None = None
) -> ExportParity:
    """Compare what ``run`` gives (an exported network under some runtime) with ``module`` in torch.

    Args:
        images: uint8 [H, W, 3], one at least.
        threshold: of the score; None stands in for it, see :data:`STAND_IN_QUANTILE`. Of no use to a raw network.

    Raises:
        ValueError: no images, or outputs of other shapes or types than torch gives.
    """
    return compare_outputs([(_reference(module, image), run(image)) for image in images], threshold)


_Pairs = Sequence[tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]]]


def compare_outputs(pairs: _Pairs, threshold: float | None = None) -> ExportParity:
    """As ``measure_parity``, of outputs that are there: (expected, found) by name, one pair an image."""
    if not pairs:
        raise ValueError("parity: expected images to compare on, found none")
    for expected, found in pairs:
        _check_alike(expected, found)
    return _of_fused(pairs, threshold) if "score" in pairs[0][0] else _of_raw(pairs)


def _of_fused(pairs: _Pairs, threshold: float | None) -> ExportParity:
    if threshold is None:
        scores = np.concatenate([expected["score"].ravel() for expected, _ in pairs])
        threshold = float(np.quantile(scores, STAND_IN_QUANTILE))
    errors = [_error(expected, found, "score") for expected, found in pairs]
    decisions = [(expected["score"] > threshold) != (found["score"] > threshold) for expected, found in pairs]
    classes = [expected["class_ids"] != found["class_ids"] for expected, found in pairs]
    return ExportParity(_max(errors), _mean(errors), _mean(decisions), _mean(classes), threshold, len(pairs))


def _of_raw(pairs: _Pairs) -> ExportParity:
    errors = [_error(expected, found, name) for expected, found in pairs for name in expected]
    sides = [(expected["mask_logits"] > 0) != (found["mask_logits"] > 0) for expected, found in pairs]
    classes = [expected["class_logits"].argmax(-1) != found["class_logits"].argmax(-1) for expected, found in pairs]
    return ExportParity(_max(errors), _mean(errors), _mean(sides), _mean(classes), None, len(pairs))


def _reference(module: FusedNetwork | RawNetwork, image: np.ndarray) -> dict[str, np.ndarray]:
    import torch

    with torch.inference_mode():
        outputs = module.eval()(torch.from_numpy(image.copy()))
    return {name: output.numpy() for name, output in zip(module.output_names, outputs, strict=True)}


def _check_alike(expected: Mapping[str, np.ndarray], found: Mapping[str, np.ndarray]) -> None:
    for name, ours in expected.items():
        theirs = found.get(name)
        if theirs is None or theirs.shape != ours.shape or theirs.dtype != ours.dtype:
            what = "none" if theirs is None else f"{theirs.dtype} {list(theirs.shape)}"
            raise ValueError(f"exported output {name}: expected {ours.dtype} {list(ours.shape)}, found {what}")


def _error(expected: Mapping[str, np.ndarray], found: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    return np.abs(expected[name] - found[name])


def _max(values: Sequence[np.ndarray]) -> float:
    return max(float(value.max()) for value in values)


def _mean(values: Sequence[np.ndarray]) -> float:
    return float(sum(value.sum(dtype=np.float64) for value in values)) / sum(value.size for value in values)
