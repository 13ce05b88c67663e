"""Memory that is taken once and used again: fresh pages cost as much as what is computed in them."""

from __future__ import annotations

import math
import threading

import torch
from torch import Tensor


class Scratch:
    """Tensors by name, of every thread its own. What lies in one is gone when its name is asked for again."""

    def __init__(self) -> None:
        self._own = threading.local()

    def tensor(self, name: str, like: Tensor, shape: tuple[int, ...]) -> Tensor:
        """A contiguous tensor of this shape, values undefined; type and device are those of ``like``."""
        size = math.prod(shape)
        held: Tensor | None = getattr(self._own, name, None)
        if held is None or held.numel() < size or (held.dtype, held.device) != (like.dtype, like.device):
            # Tensors made under inference_mode could not be written to after it.
            with torch.inference_mode(False):
                held = torch.empty(size, dtype=like.dtype, device=like.device)
            setattr(self._own, name, held)
        return held[:size].view(shape)
