"""Networks in torch with what follows them, in small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_network import TINY, tiny_network

from ros_anomaly.benchmark.network_contender import make_network
from ros_anomaly.network.weights import save_weights

SIZE = (64, 96)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, str]:
    folder: Path = tmp_path_factory.mktemp("network")
    save_weights(folder / "tiny.safetensors", tiny_network(outlier=True), {})
    images = np.random.default_rng(0).integers(0, 256, (2, *SIZE, 3), dtype=np.uint8)
    np.save(folder / "images.npy", images)
    return {"weights": str(folder / "tiny.safetensors"), "images": str(folder / "images.npy"), "score": "uno"}


@pytest.mark.parametrize(
    ("options", "map_size"),
    [
        ({}, "24x16"),
        ({"aggregation": "exact"}, "96x64"),
        ({"ending": "full_size_einsum"}, "96x64"),
        ({"ending": "transformers"}, "96x64"),
    ],
)
def test_every_ending_gives_its_maps(files, options, map_size):
    contender = make_network(**files, **options)
    contender.run(5)  # images take turns
    assert contender.facts() == {"map_size": map_size}
    contender.close()


def test_the_classes_of_transformers_are_the_network_s_own(files):
    """Not its outlier class: where the einsum of research code and transformers agree, both ran the same network."""
    image = np.load(files["images"])[0]
    with torch.inference_mode():
        _, ours = make_network(**files, ending="full_size_einsum")._infer(image)
        (theirs,) = make_network(**files, ending="transformers")._infer(image)
    assert theirs.shape == SIZE and int(theirs.max()) <= TINY.inlier_classes
    inlier = theirs < TINY.inlier_classes
    assert (ours[inlier] == theirs[inlier]).float().mean() > 0.9


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "slow"}, "mode: expected one of eager, compile; found 'slow'"),
        ({"ending": "none"}, "ending: expected one of"),
        ({"precision": "int8"}, "precision: expected one of"),
        ({"precision": "fp16", "ending": "transformers"}, "expected fp32 or autocast"),
    ],
)
def test_what_there_is_not_is_refused(files, options, message):
    with pytest.raises(ValueError, match=message):
        make_network(**files, **options)
