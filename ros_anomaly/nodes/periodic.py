"""A steady beat on a thread of its own: it goes on whatever the executor, the engine or simulated time do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Periodic:
    """Calls ``beat`` every ``period_s`` of steady time, the first time at once.

    A beat that takes too long is followed by the next at once, without catching up. An exception ends the beat and is
    handed to ``on_crash``: who relies on it must not believe that it goes on.
    """

    def __init__(
        self, period_s: float, beat: Callable[[], None], on_crash: Callable[[Exception], None], name: str
    ) -> None:
        self._period_s = period_s
        self._beat = beat
        self._on_crash = on_crash
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the beat and wait for the one under way; a second call does nothing."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        due = time.monotonic()
        try:
            while not self._stop.is_set():
                self._beat()
                due = max(due + self._period_s, time.monotonic())
                self._stop.wait(due - time.monotonic())
        except Exception as error:  # handed on, whatever it is
            self._on_crash(error)
