"""The loss of the summed masks against a loop over pixels, and what its weights mean."""

from __future__ import annotations

import math

import pytest
import torch

from ros_anomaly.training.pixel_loss import PixelLossConfig, pixel_loss
from ros_anomaly.training.targets import MaskTargets, mask_targets

K = 3
ROAD, ANOMALY = 0, K


def one_hot_output(class_ids: torch.Tensor, confidence: float = 20.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Class and mask logits of a query a class, each sure of its class and of its mask."""
    class_logits = torch.zeros(len(class_ids), K + 1, K + 2)
    class_logits[:, torch.arange(K + 1), torch.arange(K + 1)] = confidence
    masks = torch.stack([class_ids == identity for identity in range(K + 1)], 1)
    return class_logits, (masks.float() * 2 - 1) * confidence


def cells(class_ids: torch.Tensor) -> MaskTargets:
    return mask_targets(class_ids, K + 1, min_pixels=1, stride=1)


def frame() -> torch.Tensor:
    class_ids = torch.randint(0, K + 1, (2, 6, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    class_ids[0, 0, :3] = 255
    return class_ids


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_it_is_the_formula_pixel_by_pixel(balance):
    class_ids = frame()
    generator = torch.Generator().manual_seed(1)
    class_logits = torch.randn(2, 5, K + 2, generator=generator)
    mask_logits = torch.randn(2, 5, 6, 8, generator=generator)
    config = PixelLossConfig(balance=balance)
    # Without an outlier row every class is weighted by its area in the image.
    found, overlap = pixel_loss(class_logits, mask_logits, cells(class_ids), None, config)
    images, squares = [], []
    for image in range(2):
        loss = weights = 0.0
        posterior = class_logits[image].softmax(-1)[:, :-1]
        for y in range(6):
            for x in range(8):
                identity = int(class_ids[image, y, x])
                if identity == 255:
                    continue
                sums = (mask_logits[image, :, y, x].sigmoid()[:, None] * posterior).sum(0)
                weight = float((class_ids[image] == identity).sum()) ** -balance
                value = (sums[identity] + config.floor) / (sums.sum() + config.floor * (K + 1))
                loss -= weight * math.log(float(value))
                weights += weight
                squares.append((float(sums.sum()) - 1) ** 2)
        images.append(loss / weights)
    assert float(found) == pytest.approx(sum(images) / 2, rel=1e-5)
    assert float(overlap) == pytest.approx(sum(squares) / len(squares), rel=1e-5)


def test_the_truth_costs_next_to_nothing_and_its_opposite_much():
    class_ids = frame()
    targets = cells(class_ids)
    class_logits, mask_logits = one_hot_output(class_ids)
    right, overlap = pixel_loss(class_logits, mask_logits, targets, ANOMALY, PixelLossConfig())
    wrong, _ = pixel_loss(class_logits, mask_logits.roll(1, 1), targets, ANOMALY, PixelLossConfig())
    assert float(right) < 0.05
    assert float(overlap) < 1e-6
    assert float(wrong) > 3.0


def test_two_masks_on_one_pixel_are_an_overlap_but_no_wrong_answer():
    class_ids = frame()
    class_logits, mask_logits = one_hot_output(class_ids)
    doubled = pixel_loss(
        class_logits.repeat(1, 2, 1), mask_logits.repeat(1, 2, 1, 1), cells(class_ids), ANOMALY, PixelLossConfig()
    )
    assert float(doubled[0]) < 0.05
    assert float(doubled[1]) == pytest.approx(1.0, abs=1e-3)


def test_a_small_object_counts_beside_a_large_one():
    """Losing 2x2 pixels out of two objects costs more where every object has its own weight."""
    class_ids = torch.zeros(1, 32, 32, dtype=torch.uint8)
    class_ids[0, 2:22, 2:22] = ANOMALY
    class_ids[0, 28:30, 28:30] = ANOMALY
    seen = class_ids.clone()
    seen[0, 28:30, 28:30] = ROAD
    class_logits, mask_logits = one_hot_output(seen)
    config = PixelLossConfig(balance=0.5)
    by_object, _ = pixel_loss(class_logits, mask_logits, cells(class_ids), ANOMALY, config)
    by_class, _ = pixel_loss(class_logits, mask_logits, cells(class_ids), None, config)
    assert float(by_object) > 3 * float(by_class)


def test_an_image_without_any_mask_gives_zero_with_a_gradient():
    class_ids = torch.full((1, 8, 8), 255, dtype=torch.uint8)
    class_logits = torch.zeros(1, 2, K + 2, requires_grad=True)
    loss, overlap = pixel_loss(class_logits, torch.zeros(1, 2, 8, 8), cells(class_ids), ANOMALY, PixelLossConfig())
    assert float(loss.detach()) == float(overlap) == 0.0
    loss.backward()
    assert torch.equal(class_logits.grad, torch.zeros_like(class_logits))


def test_values_that_mean_nothing_are_refused():
    with pytest.raises(ValueError, match=r"balance: expected 0..1, found 1.5"):
        PixelLossConfig(balance=1.5)
    with pytest.raises(ValueError, match="floor: expected a value between 0 and 1, found 0"):
        PixelLossConfig(floor=0.0)
    with pytest.raises(ValueError, match="weights from 0 on"):
        PixelLossConfig(weight=-1.0)
