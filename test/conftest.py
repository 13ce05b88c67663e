"""For every test: Ctrl-C means what it means to a program that a person started."""

from __future__ import annotations

import signal

# A shell's background jobs ignore SIGINT, and what the tests start would inherit that from the run.
signal.signal(signal.SIGINT, signal.default_int_handler)
