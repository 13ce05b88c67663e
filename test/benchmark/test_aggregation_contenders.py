"""Ways from masks to pixels, on small made-up logits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ros_anomaly.benchmark.aggregation_contender import VARIANTS, Logits, make_aggregation, reference
from ros_anomaly.cli.benchmark_logits import save_expected

SIZE = (24, 40)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, str]:
    torch.manual_seed(0)
    logits = Logits(torch.randn(6, 15) * 3, torch.randn(6, 12, 20) * 5, 13, "uno_clamped", SIZE)
    folder: Path = tmp_path_factory.mktemp("logits")
    logits.save(folder / "logits.npz")
    save_expected(logits, folder / "expected.npz")
    return {"logits": str(folder / "logits.npz"), "expected": str(folder / "expected.npz")}


def test_logits_come_back(files):
    logits = Logits.load(files["logits"])
    assert logits.score == "uno_clamped" and logits.image_size == SIZE and logits.inlier_classes == 13
    assert logits.traffic_bytes == 4 * (6 * 15 + 6 * 12 * 20) + 5 * 24 * 40
    score, class_ids = reference(logits)
    assert score.shape == class_ids.shape == SIZE and class_ids.dtype == torch.uint8


@pytest.mark.parametrize(
    ("variant", "epsilon", "error"), [("einsum", None, 1e-5), ("matrix_product", None, 0), ("tiled", 1e-6, 2e-5)]
)
def test_exact_ways_agree_with_the_reference(files, variant, epsilon, error):
    contender = make_aggregation(variant, epsilon=epsilon, **files)
    contender.run(0)
    facts = contender.facts()
    assert facts["largest_error"] <= error and facts["class_changes"] <= 1e-2
    contender.close()


def test_a_way_that_is_not_exact_says_how_far_it_is_off(files):
    facts = make_aggregation("masks", **files).facts()
    assert 0.01 < facts["largest_error"] < 2 and 0 < facts["class_changes"] < 1


def test_heads_without_outlier_class_are_summed_too(tmp_path):
    logits = Logits(torch.randn(4, 14), torch.randn(4, 6, 10), 13, "max_logit", (12, 20))
    found, expected = VARIANTS["einsum"](logits, None), reference(logits)
    np.testing.assert_allclose(found[0], expected[0], atol=1e-5)
    assert torch.equal(found[1], expected[1])


def test_other_variants_and_devices_are_refused(files):
    with pytest.raises(ValueError, match="expected one of einsum, .*; found 'magic'"):
        make_aggregation("magic", **files)
    with pytest.raises(ValueError, match="on a GPU"):
        make_aggregation("triton", **files)
