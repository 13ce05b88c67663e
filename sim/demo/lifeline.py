"""A command that ends with whoever started it.

``python -m ros_anomaly_sim.demo.lifeline PID COMMAND …`` becomes the command, tied to its parent, process PID.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

_PR_SET_PDEATHSIG = 1


def tied_to_us(command: Sequence[str]) -> list[str]:
    """A command line that runs ``command`` and whose process the kernel kills when the calling thread ends."""
    return [sys.executable, "-m", __name__, str(os.getpid()), *command]


def main(arguments: Sequence[str]) -> NoReturn:
    """Tie this process to the parent with the given id, and become the command. The tie outlives the exec.

    SIGKILL, as a handler may hang: who was killed looks after nobody, and what there was to tidy up is gone with it.
    """
    parent_pid, *command = arguments
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent_pid):
        sys.exit(1)  # it ended before the tie held
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
