"""Everything that is counted of one engine over the frames of a source; it can be saved after any frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ros_anomaly.data.frames import Frame
from ros_anomaly.data.labels import ANOMALY_ID, NUM_INLIER_CLASSES, anomaly_labels
from ros_anomaly.evaluation.conventions import Convention
from ros_anomaly.evaluation.labelled.checkpoint import State, prefixed, text_array, text_of, without_prefix
from ros_anomaly.evaluation.labelled.kept_frames import KeptFrames
from ros_anomaly.evaluation.labelled.picture import frame_picture
from ros_anomaly.evaluation.labelled.score_maps import ScoredImage
from ros_anomaly.evaluation.labelled.timing import Stopwatch
from ros_anomaly.evaluation.metrics import ConfusionMatrix
from ros_anomaly.evaluation.score_figures import ScoreFigures, frame_figures, normal_tail
from ros_anomaly.evaluation.strata import stratify


@dataclass(frozen=True)
class FrameRecord:
    """One frame on its own.

    Attributes:
        name: of the frame.
        anomalous_px: pixels of anomalies in it.
        ap: by score; None without anomalies.
        normal_tail: by score, what one in a thousand normal pixels scores or more; None without normal pixels.
    """

    name: str
    anomalous_px: int
    ap: Mapping[str, float | None]
    normal_tail: Mapping[str, float | None]


class Tally:
    """Accumulates the frames of a source for one engine and its scores; pictures are of the first score.

    Args:
        scores: names.
        convention: whose figures are counted too; None for none.
        worst: how many misses, and how many false flags, are kept.
    """

    def __init__(self, scores: Sequence[str], convention: Convention | None = None, worst: int = 10) -> None:
        self.by_convention = {} if convention is None else {name: convention.accumulator() for name in scores}
        self.scores = {name: ScoreFigures() for name in scores}
        self.confusion = ConfusionMatrix(NUM_INLIER_CLASSES)
        self.records: list[FrameRecord] = []
        self.misses, self.false_flags = KeptFrames(worst), KeptFrames(worst)
        self.engine_time, self.scores_time = Stopwatch(), Stopwatch()

    def add(self, frame: Frame, scored: ScoredImage) -> None:
        """Count one frame."""
        self.engine_time.add(scored.engine_s)
        self.scores_time.add(scored.scores_s)
        self.confusion.add(frame.class_ids, scored.class_ids)
        strata = stratify(frame)
        weather = str(frame.info.get("weather", ""))
        ap: dict[str, float | None] = {}
        tail: dict[str, float | None] = {}
        anomalous_px, labels = 0, anomaly_labels(frame.class_ids)
        for (name, figures), score in zip(self.scores.items(), scored.maps, strict=True):
            bins = figures.add(score, strata, weather)
            own = frame_figures(bins)
            if name in self.by_convention:
                self.by_convention[name].add(score, labels)
            ap[name], tail[name], anomalous_px = own.ap, normal_tail(bins), own.anomalous_px
        self._keep(frame, scored.maps[0], FrameRecord(frame.name, anomalous_px, ap, tail))

    def _keep(self, frame: Frame, score: np.ndarray, record: FrameRecord) -> None:
        number, first = len(self.records), next(iter(self.scores))
        self.records.append(record)
        is_anomaly = frame.class_ids == ANOMALY_ID
        facts = {"ap": record.ap[first], "anomalous_px": record.anomalous_px, "normal_tail": record.normal_tail[first]}

        def draw() -> bytes:
            return frame_picture(frame.image, is_anomaly, score)

        if (own_ap := record.ap[first]) is not None:
            self.misses.offer(frame.name, number, own_ap, facts, draw)
        if (own_tail := record.normal_tail[first]) is not None:
            self.false_flags.offer(frame.name, number, -own_tail, facts, draw)

    def state(self) -> State:
        """Arrays that ``from_state`` takes."""
        state: State = {
            "records": text_array([asdict(record) for record in self.records]),
            "engine_s": self.engine_time.seconds(),
            "scores_s": self.scores_time.seconds(),
        }
        for name, figures in self.scores.items():
            state |= prefixed(f"score_{name}", figures.state())
        for name, own in self.by_convention.items():
            state |= prefixed(f"convention_{name}", own.state())
        state |= prefixed("confusion", self.confusion.state())
        return state | prefixed("misses", self.misses.state()) | prefixed("false_flags", self.false_flags.state())

    @classmethod
    def from_state(cls, scores: Sequence[str], convention: Convention | None, worst: int, state: State) -> Tally:
        """Go on where ``state`` was taken: the figures will be those of a run without a break."""
        tally = cls(scores, convention, worst)
        tally.records = [FrameRecord(**plain) for plain in text_of(state["records"])]
        tally.confusion = ConfusionMatrix.from_state(without_prefix("confusion", state))
        for name, own in tally.by_convention.items():
            own.load(without_prefix(f"convention_{name}", state))
        tally.engine_time, tally.scores_time = Stopwatch(state["engine_s"]), Stopwatch(state["scores_s"])
        tally.scores = {name: ScoreFigures.from_state(without_prefix(f"score_{name}", state)) for name in scores}
        tally.misses = KeptFrames.from_state(worst, without_prefix("misses", state))
        tally.false_flags = KeptFrames.from_state(worst, without_prefix("false_flags", state))
        return tally
