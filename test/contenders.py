"""Contenders of contests that take no time to speak of."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any


class Sleeper:
    """Sleeps, keeps a diary of its turns in a file, and fails where it is told to."""

    def __init__(
        self, sleep_s: float = 0.0, diary: str | None = None, word: str = "", fails_at: int = -1, how: str = "error"
    ) -> None:
        self._sleep_s, self._diary, self._word = sleep_s, diary, word
        self._fails_at, self._how = fails_at, how

    def run(self, index: int) -> None:
        if index == self._fails_at:
            if self._how == "exit":
                os._exit(3)
            if self._how == "hang":
                time.sleep(60)
            raise RuntimeError(f"no frame\n{index}")
        time.sleep(self._sleep_s)
        if self._diary:
            with open(self._diary, "a", encoding="ascii") as file:
                file.write(f"{self._word} {index}\n")

    def facts(self) -> dict[str, Any]:
        return {"slept_s": self._sleep_s}

    def close(self) -> None:
        if self._diary:
            Path(f"{self._diary}.{self._word}.closed").touch()


class Hoarder(Sleeper):
    """Takes memory in its first frame and keeps some."""

    def run(self, index: int) -> None:
        self._held = bytearray(os.urandom(1)) * 60_000_000
        self._held = self._held[:1000]


def make_sleeper(**options: Any) -> Sleeper:
    return Sleeper(**options)


def make_hoarder() -> Hoarder:
    return Hoarder()


def make_nothing() -> Sleeper:
    raise ValueError("this one cannot be made")
