"""A lock between builders, in whatever processes: held by a living process or by none."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_S = 0.2


@contextmanager
def build_lock(path: Path, on_wait: Callable[[str], None], poll_s: float = _POLL_S) -> Iterator[None]:
    """Hold the lock on ``path`` (made if it is missing, never removed: others may wait for it).

    The kernel releases it with the process that holds it, however that ends.

    Args:
        on_wait: called at every look at a lock that another holds, with who that is; what it raises ends the waiting.

    Raises:
        OSError: the file cannot be made.
    """
    while True:
        with _opened(path) as fd:
            while not _try(fd):
                on_wait(_holder(fd))
                time.sleep(poll_s)
            if not _is_at(fd, path):
                continue  # somebody emptied the folder meanwhile: whoever comes next takes the lock on another file
            os.ftruncate(fd, 0)
            os.pwrite(fd, str(os.getpid()).encode(), 0)
            try:
                yield
            finally:
                # A child that was forked meanwhile may hold the file open; closing it here would not free the lock.
                fcntl.flock(fd, fcntl.LOCK_UN)
            return


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        yield fd
    finally:
        os.close(fd)


def _is_at(fd: int, path: Path) -> bool:
    """Whether the open file is still the one that the path leads to."""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False


def _try(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(fd: int) -> str:
    pid = os.pread(fd, 20, 0).decode("ascii", "replace").strip()
    return f"process {pid}" if pid else "another process"
