"""The textures a town may use: named kinds, drawn from a pool of variants that differs by split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from zlib import crc32

import numpy as np

from ros_anomaly_sim.street import facade_textures, ground_textures, sign_textures
from ros_anomaly_sim.street.mesh import TextureBank
from ros_anomaly_sim.street.splits import Split

_MAKERS: dict[str, tuple[Callable[[np.random.Generator], np.ndarray], int]] = {
    "asphalt": (ground_textures.asphalt, 24),
    "paving": (ground_textures.paving, 24),
    "kerb": (ground_textures.kerb, 8),
    "concrete": (ground_textures.concrete, 12),
    "panels": (ground_textures.panels, 10),
    "grass": (ground_textures.grass, 16),
    "soil": (ground_textures.soil, 8),
    "brick": (ground_textures.brick, 16),
    "stone": (ground_textures.stone, 12),
    "plaster": (ground_textures.plaster, 20),
    "roof": (ground_textures.roof, 20),
    "leaves": (ground_textures.leaves, 10),
    "boards": (ground_textures.boards, 12),
    "pickets": (ground_textures.pickets, 10),
    "railings": (ground_textures.railings, 10),
    "mesh_fence": (ground_textures.mesh_fence, 8),
    "facade": (facade_textures.facade, 64),
    "blank_facade": (facade_textures.blank_facade, 16),
    "shop": (facade_textures.shop, 24),
    "plate": (sign_textures.plate, 48),
    "direction_board": (sign_textures.direction_board, 12),
    "street_name": (sign_textures.street_name, 8),
    "signal_head": (sign_textures.signal_head, 6),
}
"""Kind → maker and size of its training pool; validation and test pools are half that, of other variants."""

_POOL_OFFSET = {Split.TRAIN: 0, Split.VALIDATION: 1000, Split.TEST: 2000}


@lru_cache(maxsize=512)
def texture(kind: str, variant: int) -> np.ndarray:
    """The read-only uint8 [256, 256, 4] texture of a kind and variant; KeyError for an unknown kind."""
    if kind not in _MAKERS:
        raise KeyError(f"no material {kind!r}; kinds are {sorted(_MAKERS)}")
    image = _MAKERS[kind][0](np.random.default_rng([crc32(kind.encode()), variant]))
    image.setflags(write=False)
    return image


@dataclass
class Materials:
    """The texture bank of one town and the pool of variants of its split."""

    split: Split
    bank: TextureBank = field(default_factory=TextureBank)

    def pick(self, kind: str, rng: np.random.Generator) -> int:
        """Layer of a random variant of ``kind``."""
        pool = _MAKERS[kind][1] if self.split is Split.TRAIN else max(3, _MAKERS[kind][1] // 2)
        variant = _POOL_OFFSET[self.split] + int(rng.integers(pool))
        return self.bank.add(f"{kind}/{variant}", texture(kind, variant))

    def back_of(self, layer: int) -> int:
        """Layer with the outline of ``layer`` in plain grey: the back of a sign."""
        image = np.full_like(self.bank.images[layer], 255)
        image[..., 3] = self.bank.images[layer][..., 3]
        return self.bank.add(f"back/{layer}", image)

    def some(self, kind: str, count: int, rng: np.random.Generator) -> tuple[int, ...]:
        """Layers of ``count`` random variants, repeats possible."""
        return tuple(self.pick(kind, rng) for _ in range(count))
