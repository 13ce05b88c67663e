"""What became of a replay."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly.nodes.replay_node import Answer


class NobodyListens(RuntimeError):
    """There is no detector to replay for; the message says what is missing and how to start it."""


@dataclass
class ReplayOutcome:
    """Counts of a replay, kept while it runs.

    Attributes:
        sent: images published.
        messages: messages published, images included.
        answered: images that a hazard status answered; ``failed`` of them could not be processed by the detector.
        levels: how often each level was the answer.
        latest_s: how late a message was at most, by the wall clock (real time alone).
        seconds: wall clock from the first message to the last answer.
        broken_off: why it ended before the recording did; empty if it did not.
    """

    sent: int = 0
    messages: int = 0
    answered: int = 0
    failed: int = 0
    levels: Counter[HazardLevel] = field(default_factory=Counter)
    latest_s: float = 0.0
    seconds: float = 0.0
    broken_off: str = ""

    @property
    def unanswered(self) -> int:
        """Images that no status answered."""
        return self.sent - self.answered

    def count(self, answer: Answer) -> None:
        """Note the answer to an image; each image has one."""
        self.answered += 1
        self.levels[answer.report.state.level] += 1
        # A frame that the engine failed on, or that cannot be decoded, is reported without a latency.
        self.failed += answer.report.state.latency_ms is None
