"""For every test: Ctrl-C means what it means to a program that a person started."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

# A shell's background jobs ignore SIGINT, and what the tests start would inherit that from the run.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def heeded_hang_up() -> Iterator[None]:
    """SIGHUP ends a process, as it does by default; under nohup the run itself ignores it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)
