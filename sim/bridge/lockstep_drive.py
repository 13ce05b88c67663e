"""What a drive in lockstep waits for."""

from __future__ import annotations

import time
from collections.abc import Callable

from ros_anomaly.messages.lockstep import Lockstep


class NobodyListens(RuntimeError):
    """Nobody is there to drive for: no listener, no answer from the detector, or no word to go."""


def await_answer(lockstep: Lockstep, listen: Callable[[float], None]) -> bool:
    """Listen until the frame that is out is answered; False where it was given up and counted.

    Raises:
        DetectorSilent: too many in a row were given up.
    """
    while lockstep.waiting:
        left_s = lockstep.seconds_left(time.monotonic())
        if left_s <= 0:
            lockstep.give_up()
            return False
        listen(left_s)
    return True
