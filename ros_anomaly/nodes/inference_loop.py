"""The newest frame wins: one thread that works on the latest item, while older ones that had to wait are dropped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class InferenceLoop(Generic[Item]):
    """Calls ``process`` on its own thread with the newest submitted item.

    Args:
        process: does the work; expected failures are its own business.
        on_crash: told of an exception that ``process`` let through; the loop then goes on with the next item.
        on_drop: called, on the submitting thread, for every item that a newer one replaced.
    """

    def __init__(
        self,
        process: Callable[[Item], None],
        on_crash: Callable[[Exception], None],
        on_drop: Callable[[], None],
    ) -> None:
        self._process = process
        self._on_crash = on_crash
        self._on_drop = on_drop
        self._wake = threading.Condition()
        self._waiting: Item | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="inference")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, item: Item) -> None:
        """Hand over an item; one that is still waiting is dropped. Never blocks on the work."""
        with self._wake:
            if self._stopped:
                return
            replaced, self._waiting = self._waiting is not None, item
            self._wake.notify()
        if replaced:
            self._on_drop()

    def stop(self) -> None:
        """Take nothing more, drop what waits, and wait for the item at work; a second call does nothing."""
        with self._wake:
            self._stopped = True
            dropped, self._waiting = self._waiting is not None, None
            self._wake.notify()
        if dropped:
            self._on_drop()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while (item := self._next()) is not None:
            try:
                self._process(item)
            except Exception as error:  # a fault of the program in one frame must not end all further ones
                self._on_crash(error)

    def _next(self) -> Item | None:
        with self._wake:
            self._wake.wait_for(lambda: self._stopped or self._waiting is not None)
            item, self._waiting = self._waiting, None
            return None if self._stopped else item
