"""Of several signals the first one counts, and what it begins is not cut short."""

from __future__ import annotations

import os
import signal

import pytest

from ros_anomaly.signals import interrupted_by_signals

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


pytestmark = pytest.mark.usefixtures("heeded_hang_up")


@pytest.mark.parametrize("number", NUMBERS)
def test_the_first_signal_interrupts_and_a_second_one_does_not_cut_the_tidying_short(number):
    before = {n: signal.getsignal(n) for n in NUMBERS}
    tidied = False
    with pytest.raises(KeyboardInterrupt), interrupted_by_signals():
        try:
            os.kill(os.getpid(), number)
        finally:
            for other in NUMBERS:
                os.kill(os.getpid(), other)
            tidied = True
    assert tidied and {n: signal.getsignal(n) for n in NUMBERS} == before


def test_a_hang_up_that_is_ignored_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with interrupted_by_signals():
        os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
