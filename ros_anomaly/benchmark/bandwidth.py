"""How fast this machine copies memory: the floor under everything that reads and writes maps."""

from __future__ import annotations

import time

_BYTES = 1 << 30
_CPU_BYTES = 1 << 28
_REPEATS = 10


def copy_bytes_per_s(device: str) -> float:
    """Bytes read and written a second by a large copy on ``cpu`` or ``cuda``, best of several.

    Raises:
        RuntimeError: no such device.
    """
    import torch

    count = _BYTES if device == "cuda" else _CPU_BYTES
    source = torch.ones(count, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    best = 0.0
    for _ in range(_REPEATS):
        _wait(device)
        began = time.perf_counter()
        target.copy_(source)
        _wait(device)
        best = max(best, 2 * count / (time.perf_counter() - began))
    return best


def _wait(device: str) -> None:
    import torch

    if device == "cuda":
        torch.cuda.synchronize()
