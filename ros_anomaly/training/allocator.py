"""Memory reuse for training on the CPU."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4


def keep_freed_memory() -> bool:
    """Tell glibc to keep freed memory instead of giving it back to the kernel; False where there is no glibc.

    Feature maps are large enough that malloc maps fresh pages for each and unmaps them after: page faults took
    up to half of the time of memory-bound layers. The process keeps its peak size until it ends.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return False
    return bool(libc.mallopt(_M_MMAP_MAX, 0)) and bool(libc.mallopt(_M_TRIM_THRESHOLD, 1 << 30))
