"""Verdicts arrive later than what they speak of: a detector that takes its time, in simulated time.

While it works the newest image waits; one that a newer takes the place of is never judged, as in the node.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ros_anomaly_sim.bridge.stage import Moment
from ros_anomaly_sim.closed_loop.drivers import Driver, Verdict


@dataclass(frozen=True)
class Arrival:
    """A verdict, the moment that it speaks of, and when it arrives."""

    verdict: Verdict
    moment: Moment
    at_ns: int


class LateJudge:
    """A driver's verdicts, each ``latency_ns`` of simulated time after work on it began.

    ``dropped`` counts images that were not judged, ``late`` those that had to wait, ``unanswered`` those of which the
    driver made nothing. Up to ``from_ns`` the world waits
    for every verdict, so that drives of any latency begin alike. ``judged`` is called with each verdict as it is made.
    """

    def __init__(
        self,
        driver: Driver,
        latency_ns: int,
        from_ns: int = 0,
        judged: Callable[[Moment, Verdict], None] = lambda moment, verdict: None,
    ) -> None:
        if latency_ns < 0:
            raise ValueError(f"latency_ns: expected 0 or more, found {latency_ns}")
        self._driver, self._latency_ns = driver, latency_ns if driver.sees else 0
        self._from_ns, self._judged = from_ns, judged
        self._waiting: Moment | None = None
        self._busy_until_ns: int | None = None
        self._under_way: deque[Arrival] = deque()
        self.dropped = 0
        self.late = 0
        self.unanswered = 0

    def offer(self, moment: Moment) -> list[Arrival]:
        """Take in a moment; what has arrived by its time."""
        now_ns = moment.stamp_ns
        if self._waiting is not None and self._busy_until_ns is not None and self._busy_until_ns <= now_ns:
            waiting, self._waiting = self._waiting, None
            self._judge(waiting, self._busy_until_ns)
        busy = self._busy_until_ns is not None and self._busy_until_ns > now_ns
        if busy and moment.view is not None:
            self.dropped += self._waiting is not None
            self.late += 1
            self._waiting = moment
        elif not busy:
            self._judge(moment, now_ns)
        arrived = []
        while self._under_way and self._under_way[0].at_ns <= now_ns:
            arrived.append(self._under_way.popleft())
        return arrived

    def _judge(self, moment: Moment, begun_ns: int) -> None:
        verdict = self._driver.judge(moment)
        if verdict is None:
            self.unanswered += moment.view is not None
            return
        self._judged(moment, verdict)
        latency_ns = self._latency_ns if begun_ns >= self._from_ns else 0
        at_ns = begun_ns + latency_ns
        if latency_ns:
            self._busy_until_ns = at_ns
        self._under_way.append(Arrival(verdict, moment, at_ns))
