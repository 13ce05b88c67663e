"""Many small pieces of work on torch's CPU threads: a piece a thread, where torch would split each operation.

Operations on a tile are too short to be split: threads would spend their time waiting for one another, all the more
on a machine that is busy with other things.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import torch


def for_each(work: Callable[[int], None], count: int, on_cpu: bool) -> None:
    """``work(0)`` to ``work(count - 1)``, in any order, on as many threads as torch may use; in this one for a GPU.

    Raises:
        whatever the first of them raised, after all have ended or were not begun.
    """
    threads = min(torch.get_num_threads(), count)
    if threads < 2 or not on_cpu:
        for index in range(count):
            work(index)
        return
    # Modes are a thread's own.
    inference, gradients = torch.is_inference_mode_enabled(), torch.is_grad_enabled()

    def with_modes(index: int) -> None:
        with torch.inference_mode(inference), torch.set_grad_enabled(gradients and not inference):
            work(index)

    futures = [_pool(threads, os.getpid()).submit(with_modes, index) for index in range(count)]
    try:
        for future in futures:
            future.result()
    finally:
        for future in futures:
            future.cancel()
        for future in futures:
            if not future.cancelled():
                future.exception()


@lru_cache(maxsize=1)
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """Threads that split no operation. ``process`` is in the key because a fork leaves threads behind."""
    own = torch.get_num_threads()
    pool = ThreadPoolExecutor(threads, "score-tiles", initializer=_split_nothing)
    # The setting is a thread's own, but also what threads begin with that are made later: all workers are made now, and
    # then it is set back.
    barrier = threading.Barrier(threads)
    for future in [pool.submit(barrier.wait) for _ in range(threads)]:
        future.result()
    torch.set_num_threads(own)
    return pool


def _split_nothing() -> None:
    torch.set_num_threads(1)
    # The first question makes torch adopt the common setting for this thread, once: now, while that is 1.
    torch.get_num_threads()
