"""Targets, matching and loss against slow and obvious versions, and what void and outliers mean."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch.nn import functional as F

from ros_anomaly.network.model import NetworkOutput
from ros_anomaly.training.loss import LossConfig, segmentation_loss
from ros_anomaly.training.matching import MatchWeights, assign, assign_layers, match_costs
from ros_anomaly.training.targets import mask_targets

K = 13


def label_map(seed: int = 0, size: tuple[int, int] = (32, 48)) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    blocks = torch.randint(0, 5, (2, size[0] // 8, size[1] // 8), generator=generator)
    return blocks.repeat_interleave(8, 1).repeat_interleave(8, 2).to(torch.uint8)


def random_output(
    class_ids: torch.Tensor, outlier: bool, queries: int = 9, layers: int = 2, seed: int = 1
) -> NetworkOutput:
    generator = torch.Generator().manual_seed(seed)
    batch, height, width = class_ids.shape
    rows = K + 1 + int(outlier)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator).requires_grad_()

    return NetworkOutput(
        tuple(draw(batch, queries, rows) for _ in range(layers)),
        tuple(draw(batch, queries, height // 4, width // 4) for _ in range(layers)),
        draw(batch, K, height // 8, width // 8),
    )


def test_targets_are_shares_of_cells_and_halve_exactly():
    class_ids = label_map()
    class_ids[0, :3, :3] = 255
    targets = mask_targets(class_ids, K, min_pixels=1, stride=2)
    assert len(targets.classes) == sum(targets.counts) == len(targets.masks)
    for mask, identity, image in zip(targets.masks, targets.classes, targets.image_index, strict=True):
        expected = F.avg_pool2d((class_ids[image] == identity).float()[None], 2)[0]
        torch.testing.assert_close(mask, expected)
    assert float(targets.valid[0, 0, 0]) == 0
    assert float(targets.valid[0, 1, 1]) == 0.75
    halved, direct = targets.halved(), mask_targets(class_ids, K, min_pixels=1, stride=4)
    torch.testing.assert_close(halved.masks, direct.masks)
    torch.testing.assert_close(halved.valid, direct.valid)
    # Every valid cell belongs to its masks wholly.
    total = torch.zeros_like(direct.valid).index_add_(0, direct.image_index, direct.masks)
    torch.testing.assert_close(total, direct.valid)


def test_small_classes_void_and_anomaly_get_no_mask():
    class_ids = torch.full((1, 16, 16), 7, dtype=torch.uint8)
    class_ids[0, 0, :3] = 5
    class_ids[0, 4:8, 4:8] = 13
    class_ids[0, 12:, 12:] = 255
    assert mask_targets(class_ids, K).classes.tolist() == [7]
    assert mask_targets(class_ids, K + 1).classes.tolist() == [7, 13]
    assert float(mask_targets(class_ids, K).valid[0, 2, 2]) == 0  # anomaly is void for a closed-set network
    assert float(mask_targets(class_ids, K + 1).valid[0, 2, 2]) == 1
    with pytest.raises(ValueError, match="multiples of 2, found 15x16"):
        mask_targets(class_ids[:, :15], K)


def test_costs_are_those_of_the_formula_pair_by_pair():
    class_ids = label_map()
    class_ids[1, :8] = 255
    targets = mask_targets(class_ids, K, stride=8)
    output = random_output(class_ids, outlier=False)
    logits = F.avg_pool2d(output.mask_logits[0].detach(), 2)
    costs = match_costs(output.class_logits[0], logits, targets, MatchWeights())
    start = 0
    for image, count in enumerate(targets.counts):
        valid = targets.valid[image]
        for query, target in itertools.product(range(logits.shape[1]), range(count)):
            wanted = targets.masks[start + target]
            raw = logits[image, query]
            bce = (valid * F.softplus(raw) - wanted * raw).sum() / valid.sum()
            probability = raw.sigmoid() * valid
            dice = 1 - (2 * (probability * wanted).sum() + 1) / (probability.sum() + wanted.sum() + 1)
            posterior = output.class_logits[0].detach()[image, query].softmax(-1)[targets.classes[start + target]]
            expected = -2 * posterior + 5 * bce + 5 * dice
            assert float(costs[image][query, target]) == pytest.approx(float(expected), abs=1e-4)
        start += count


def test_all_layers_at_once_are_assigned_as_each_alone():
    generator = torch.Generator().manual_seed(3)
    costs = [[torch.rand(4, targets, generator=generator) for targets in (3, 0, 6)] for _ in range(3)]
    for layer, (queries, matched) in zip(costs, assign_layers(costs), strict=True):
        expected, found = assign(layer)
        assert torch.equal(queries, expected) and torch.equal(matched, found)


@pytest.mark.parametrize(("queries", "targets"), [(4, 4), (5, 3), (3, 5), (6, 1)])
def test_assignment_is_the_cheapest_of_all(queries, targets):
    cost = torch.rand(queries, targets, generator=torch.Generator().manual_seed(queries))
    chosen, matched = assign([cost])
    assert int(matched.sum()) == min(queries, targets)
    used = chosen[matched]
    assert len(set(used.tolist())) == len(used)
    found = float(cost[used, torch.arange(targets)[matched]].sum())
    small, large = sorted((queries, targets))
    by_small = cost if queries <= targets else cost.T
    best = min(
        sum(float(by_small[row, column]) for row, column in enumerate(columns))
        for columns in itertools.permutations(range(large), small)
    )
    assert found == pytest.approx(best, abs=1e-6)


def test_assignment_keeps_images_apart():
    chosen, matched = assign([torch.tensor([[0.0, 9.0], [9.0, 0.0]]), torch.tensor([[5.0], [1.0]])])
    assert chosen.tolist() == [0, 1, 1]
    assert matched.all()


@pytest.mark.parametrize("outlier", [False, True])
def test_void_pixels_cost_nothing(outlier):
    """Whatever a network says about void pixels, the loss is the same, and no gradient comes from there."""
    class_ids = label_map()
    class_ids[:, 16:, :16] = 255
    output = random_output(class_ids, outlier)
    changed = random_output(class_ids, outlier)
    with torch.no_grad():
        for logits in changed.mask_logits:
            # The stride 4 cells next to the edge take part in the interpolation to stride 2.
            logits[:, :, 5:, :3] += 7.0
        changed.dense_logits[:, :, 2:, :2] += torch.randn(K, 1, 1)
    first = segmentation_loss(output, class_ids, K, outlier, LossConfig())
    second = segmentation_loss(changed, class_ids, K, outlier, LossConfig())
    assert first.total.item() == pytest.approx(second.total.item(), rel=1e-6)
    first.total.backward()
    assert all(float(logits.grad[:, :, 5:, :3].abs().max()) == 0 for logits in output.mask_logits)
    assert float(output.dense_logits.grad[:, :, 2:, :2].abs().max()) == 0


def test_anomalies_are_void_for_a_closed_set_network_and_a_class_for_an_outlier_network():
    class_ids = label_map()
    with_void, with_anomaly = class_ids.clone(), class_ids.clone()
    with_void[:, 8:16, 8:24] = 255
    with_anomaly[:, 8:16, 8:24] = 13
    closed = random_output(class_ids, outlier=False)
    losses = [segmentation_loss(closed, ids, K, False, LossConfig()).total.item() for ids in (with_void, with_anomaly)]
    assert losses[0] == losses[1]
    extended = random_output(class_ids, outlier=True)
    losses = [segmentation_loss(extended, ids, K, True, LossConfig()).total.item() for ids in (with_void, with_anomaly)]
    assert losses[0] != losses[1]


def perfect_output(class_ids: torch.Tensor, outlier: bool) -> NetworkOutput:
    rows = K + 1 + int(outlier)
    targets = mask_targets(class_ids, K + int(outlier), stride=4)
    queries = 9
    classes = torch.full((len(class_ids), queries, rows), -20.0)
    classes[..., -1] = 20
    masks = torch.full((len(class_ids), queries, *targets.valid.shape[1:]), -20.0)
    next_query = [0] * len(class_ids)
    for mask, identity, image in zip(targets.masks, targets.classes, targets.image_index.tolist(), strict=True):
        query = next_query[image]
        next_query[image] += 1
        classes[image, query, -1], classes[image, query, identity] = -20.0, 20.0
        masks[image, query] = torch.where(mask > 0.5, 20.0, -20.0)
    dense = F.one_hot(class_ids[:, 4::8, 4::8].long().clamp(max=K - 1), K).permute(0, 3, 1, 2) * 40.0
    return NetworkOutput((classes,), (masks,), dense)


@pytest.mark.parametrize("outlier", [False, True])
def test_a_perfect_network_has_next_to_no_loss_and_a_random_one_has_much(outlier):
    class_ids = label_map()
    if outlier:
        class_ids[:, 8:24, 8:24] = 13
    config = LossConfig(dense=0.0 if outlier else 2.0)  # the dense head does not know anomalies
    perfect = segmentation_loss(perfect_output(class_ids, outlier), class_ids, K, outlier, config)
    # Interpolation from stride 4 to stride 2 leaves a rim at the edges of the masks.
    assert perfect.classification < 1e-6
    assert perfect.total.item() < 4
    random = segmentation_loss(random_output(class_ids, outlier, layers=1), class_ids, K, outlier, config)
    assert random.total.item() > 2 * perfect.total.item()


def test_frames_of_nothing_but_void_still_give_a_finite_loss():
    class_ids = torch.full((2, 32, 32), 255, dtype=torch.uint8)
    output = random_output(class_ids, outlier=True)
    parts = segmentation_loss(output, class_ids, K, True, LossConfig())
    assert math.isfinite(parts.total.item())
    parts.total.backward()


def test_head_of_the_wrong_width_is_refused():
    class_ids = label_map()
    with pytest.raises(ValueError, match="expected 15 class logits a query, found 14"):
        segmentation_loss(random_output(class_ids, outlier=False), class_ids, K, True, LossConfig())
