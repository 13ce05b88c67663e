"""Procedural textures."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly_sim.street.materials import _MAKERS, Materials, texture
from ros_anomaly_sim.street.mesh import TEXTURE_SIZE
from ros_anomaly_sim.street.splits import Split

CUT_OUT = {"pickets", "railings", "mesh_fence", "plate", "street_name", "signal_head"}


@pytest.mark.parametrize("kind", sorted(_MAKERS))
def test_texture(kind: str):
    first = texture(kind, 0)
    assert first.shape == (TEXTURE_SIZE, TEXTURE_SIZE, 4) and first.dtype == np.uint8
    assert not all(np.array_equal(first, texture(kind, other)) for other in (1, 2, 3))
    texture.cache_clear()
    assert np.array_equal(texture(kind, 0), first)
    covered = (first[..., 3] > 114).mean()
    assert (0.1 < covered < 0.99) if kind in CUT_OUT else covered == 1.0


def test_fences_cover_enough_to_last_at_a_distance():
    # The renderer drops texels of alpha below 0.45, and a distant fence is the mean of its texels.
    for kind in ("pickets", "railings", "mesh_fence"):
        for variant in range(6):
            assert texture(kind, variant)[..., 3].mean() / 255 > 0.45, (kind, variant)


def test_pools_of_the_splits_are_disjoint():
    rng = np.random.default_rng(0)
    keys = []
    for split in Split:
        materials = Materials(split)
        for kind in ("facade", "asphalt", "plate"):
            materials.some(kind, 20, rng)
        keys.append({k for k in materials.bank._index if k != "white"})
    assert not keys[0] & keys[1] and not keys[0] & keys[2] and not keys[1] & keys[2]


def test_back_of_a_sign_has_its_outline():
    materials = Materials(Split.TRAIN)
    front = materials.pick("plate", np.random.default_rng(3))
    back = materials.back_of(front)
    images = materials.bank.images
    assert np.array_equal(images[front][..., 3], images[back][..., 3])
    assert (images[back][..., :3] == 255).all()


def test_unknown_kind():
    with pytest.raises(KeyError, match="marble"):
        texture("marble", 0)
