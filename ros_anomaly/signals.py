"""Signals as an orderly end, for executables that have nodes, processes or actors to take down."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt in the block, which has to be on the main thread.

    The first one does; a second one must not cut short what the first has begun to tidy up, and is ignored until the
    block ends. A hang-up that is ignored, as ``nohup`` has it, stays ignored.
    """
    hung_up_on = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    heeded = [number for number in _NUMBERS if number is not signal.SIGHUP or hung_up_on]

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in heeded:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    previous = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
