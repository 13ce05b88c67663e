"""How far a build is, from what TensorRT tells about its nested phases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_FIRST_PHASE_SHARE = 0.95
"""Of the bar, for the first outermost phase: nobody knows whether another follows."""


@dataclass
class _Phase:
    """A phase under way: steps done of so many, and the phases that fill its present step."""

    steps: int
    done: int = 0
    parts: dict[str, _Phase] = field(default_factory=dict)

    @property
    def fraction(self) -> float:
        part = max((part.fraction for part in self.parts.values()), default=0.0)
        return min((self.done + part) / max(self.steps, 1), 1.0)


class PhaseTree:
    """Phases as they start, step and finish; ``report`` is told the share done, never less than before.

    What ``report`` raises is kept in ``error`` and not passed through the native code that called; ``step`` and the
    others then return False for "give up".
    """

    def __init__(self, report: Callable[[float], None]) -> None:
        self._report = report
        self._phases: dict[str, _Phase] = {}
        self._roots: dict[str, _Phase] = {}
        self._finished = 0.0
        self._reported = 0.0
        self._lock = threading.Lock()
        self.error: BaseException | None = None

    def start(self, name: str, parent: str | None, steps: int) -> None:
        with self._lock:
            phase = self._phases[name] = _Phase(steps)
            above = self._phases.get(parent) if parent is not None else None
            (self._roots if above is None else above.parts)[name] = phase
            self._tell()

    def step(self, name: str, step: int) -> bool:
        """Whether to go on, after step number ``step`` (from 0) of the phase."""
        with self._lock:
            if (phase := self._phases.get(name)) is not None:
                phase.done = max(phase.done, step + 1)
                phase.parts = {name: part for name, part in phase.parts.items() if part.fraction < 1}
            return self._tell()

    def finish(self, name: str) -> None:
        with self._lock:
            self._phases.pop(name, None)
            if self._roots.pop(name, None) is not None:
                self._finished += (1 - self._finished) * _FIRST_PHASE_SHARE
            for phase in self._phases.values():
                phase.parts.pop(name, None)
            self._tell()

    def _tell(self) -> bool:
        if self.error is not None:
            return False
        under_way = max((phase.fraction for phase in self._roots.values()), default=0.0)
        fraction = self._finished + (1 - self._finished) * _FIRST_PHASE_SHARE * under_way
        self._reported = max(self._reported, fraction)
        try:
            self._report(self._reported)
        except BaseException as error:  # even Ctrl-C: there is native code between here and whoever handles it
            self.error = error
        return self.error is None


def make_monitor(api: Any, tree: PhaseTree) -> Any:
    """An ``IProgressMonitor`` of ``api`` over ``tree``."""

    class Monitor(api.IProgressMonitor):
        def __init__(self) -> None:
            super().__init__()

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            tree.start(phase_name, parent_phase, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            return tree.step(phase_name, step)

        def phase_finish(self, phase_name: str) -> None:
            tree.finish(phase_name)

    return Monitor()
