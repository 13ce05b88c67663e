"""Everything that is counted of one camera over a drive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ros_anomaly.bags.reader_events import LabelEvent
from ros_anomaly.evaluation.drives.labels import LabelFormat, StampMatcher, truth_of
from ros_anomaly.evaluation.drives.levels import LevelTrack
from ros_anomaly.evaluation.drives.rows import FrameRow
from ros_anomaly.evaluation.drives.run import Answer, Beat
from ros_anomaly.evaluation.drives.truth import DriveTruth, ScoredFrame
from ros_anomaly.evaluation.replay import count_hazards
from ros_anomaly.hazard.types import HazardLevel, HazardState

_NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class JudgedFrame:
    """A frame with its label, as pictures of it need them; ``truth`` uint8 [H, W] with 0, 1 and 255 for void."""

    row: FrameRow
    image: np.ndarray
    scored: ScoredFrame
    truth: np.ndarray


@dataclass(frozen=True)
class _Waiting:
    row: int
    image: np.ndarray
    scored: ScoredFrame


class CameraTally:
    """Takes what one camera says and the labels of its images.

    Attributes:
        rows: one for each image.
        levels: states over time.
        truth: None where the drive is not labelled.
        bad_labels: label messages that could not be used; the first reason is in ``label_problem``.
        dropped: images that were not processed, for whatever reason.
        engine_ms, latency_ms: measured, one a processed image; they are no property of the drive.
    """

    def __init__(
        self,
        label_format: LabelFormat | None = None,
        on_judged: Callable[[JudgedFrame], None] | None = None,
        judges_classes: bool = True,
    ) -> None:
        self.rows: list[FrameRow] = []
        self.levels = LevelTrack()
        self.truth = None if label_format is None else DriveTruth()
        self.matcher: StampMatcher[_Waiting, np.ndarray] = StampMatcher()
        self.bad_labels, self.label_problem = 0, ""
        self.dropped = 0
        self.engine_ms: list[float] = []
        self.latency_ms: list[float] = []
        self._format = label_format
        self._judges_classes = judges_classes and label_format is LabelFormat.CLASS_IDS
        self._on_judged = on_judged

    @property
    def alarms(self) -> int:
        """Hazards by the rule of calibration: each rise, and again as long as it lasts."""
        states = (HazardState(row.level, row.reason, row.stamp_ns) for row in self.rows)
        return count_hazards(states, np.array([row.time_ns for row in self.rows], np.int64))

    def saw(self, said: Beat | Answer) -> bool:
        """Take a state; returns whether the level changed."""
        changed = self.levels.add(said)
        if isinstance(said, Answer):
            self.rows.append(FrameRow.of(len(self.rows), said))
            assessment = said.assessment
            self.dropped += bool(said.problem)
            if assessment is not None and said.event.image is not None:
                self.engine_ms.append(assessment.engine_ms or 0.0)
                self.latency_ms.append(assessment.latency_ms)
                if self.truth is not None:
                    waiting = _Waiting(len(self.rows) - 1, said.event.image, ScoredFrame.of(assessment))
                    self._judge(self.matcher.add_frame(said.event.stamp_ns, waiting))
        return changed

    def label(self, event: LabelEvent) -> None:
        """Take a label image."""
        if event.plane is None:
            self._bad_label(event.problem)
        else:
            self._judge(self.matcher.add_label(event.stamp_ns, event.plane))

    def finish(self, time_ns: int) -> None:
        """The drive ends at this time."""
        self.levels.finish(time_ns)
        self.matcher.finish()

    def _judge(self, pair: tuple[_Waiting, np.ndarray] | None) -> None:
        if pair is None or self.truth is None or self._format is None:
            return
        frame, plane = pair
        try:
            frame.scored.check_size((plane.shape[0], plane.shape[1]))
            truth = truth_of(plane, self._format)
        except ValueError as error:
            self._bad_label(str(error))
            return
        found = self.truth.add(frame.scored, truth, plane if self._judges_classes else None)
        self.rows[frame.row] = row = self.rows[frame.row].labelled(found)
        if self._on_judged is not None:
            self._on_judged(JudgedFrame(row, frame.image, frame.scored, truth))

    def _bad_label(self, problem: str) -> None:
        self.bad_labels += 1
        self.label_problem = self.label_problem or problem


@dataclass(frozen=True)
class StampFacts:
    """Of the images' stamps: rate and irregularities; None where there are too few images.

    ``gaps`` are longer than both twice the usual period and ``max_gap_ms`` of the hazard monitor.
    """

    first_ns: int | None
    last_ns: int | None
    period_ms: float | None
    longest_gap_ms: float | None
    gaps: int
    not_ascending: int

    @classmethod
    def of(cls, stamps_ns: list[int], max_gap_ms: float) -> StampFacts:
        """Facts of stamps in the order of arrival."""
        if not stamps_ns:
            return cls(None, None, None, None, 0, 0)
        steps = np.diff(np.array(stamps_ns, np.int64))
        forward = steps[steps > 0].astype(np.float64) / _NS_PER_MS
        usual = float(np.median(forward)) if len(forward) else None
        return cls(
            first_ns=min(stamps_ns),
            last_ns=max(stamps_ns),
            period_ms=usual,
            longest_gap_ms=float(forward.max()) if len(forward) else None,
            gaps=int((forward > max(max_gap_ms, 2 * (usual or 0.0))).sum()),
            not_ascending=int((steps <= 0).sum()),
        )


def rows_by_level(rows: list[FrameRow]) -> dict[HazardLevel, int]:
    """How many images were answered with each level."""
    counts = dict.fromkeys(HazardLevel, 0)
    for row in rows:
        counts[row.level] += 1
    return counts
