"""Everything that is counted of one engine over the frames of a source; it can be saved after any frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ros_anomaly.data.frames import Frame
from ros_anomaly.data.labels import ANOMALY_ID, NUM_INLIER_CLASSES, VOID_ID, anomaly_labels
from ros_anomaly.evaluation.conventions import Convention
from ros_anomaly.evaluation.labelled.checkpoint import State, prefixed, text_array, text_of, without_prefix
from ros_anomaly.evaluation.labelled.deployment import Deployment
from ros_anomaly.evaluation.labelled.kept_frames import KeptFrames
from ros_anomaly.evaluation.labelled.picture import frame_picture
from ros_anomaly.evaluation.labelled.score_maps import ScoredImage
from ros_anomaly.evaluation.labelled.timing import Stopwatch
from ros_anomaly.evaluation.metrics import ConfusionMatrix
from ros_anomaly.evaluation.pearson import PearsonSums
from ros_anomaly.evaluation.score_figures import ScoreFigures
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


UNO_PARTS = ("unc", "objectness")
"""UNO's two parts: their correlation says how much the one adds to the other."""


class Tally:
    """Accumulates the frames of a source for one engine and its scores; pictures are of the first score.

    Args:
        scores: names.
        convention: whose figures are counted too; None for none.
        worst: how many misses, and how many false flags, are kept.
        deployment: at what thresholds objects are looked for and scenes judged; None for not at all.
    """

    def __init__(
        self,
        scores: Sequence[str],
        convention: Convention | None = None,
        worst: int = 10,
        deployment: Deployment | None = None,
    ) -> None:
        self.by_convention = {} if convention is None else {name: convention.accumulator() for name in scores}
        self.scores = {name: ScoreFigures() for name in scores}
        self.confusion = ConfusionMatrix(NUM_INLIER_CLASSES)
        self.records: list[FrameRecord] = []
        self.misses, self.false_flags = KeptFrames(worst), KeptFrames(worst)
        self._worst = worst
        self.engine_time, self.scores_time = Stopwatch(), Stopwatch()
        self.correlation = {"all": PearsonSums(), "anomalous": PearsonSums()} if set(UNO_PARTS) <= set(scores) else {}
        self._deployment = deployment
        self.unfamiliar = {name: 0 for name in scores if deployment and deployment.judges_scenes(name)}
        self._thresholds = {} if deployment is None else deployment.thresholds_of(scores)
        self.recall = {name: deployment.recall_count() for name in self._thresholds} if deployment else {}

    def add(self, frame: Frame, scored: ScoredImage) -> None:
        """Count one frame."""
        self.engine_time.add(scored.engine_s)
        self.scores_time.add(scored.scores_s)
        if scored.class_ids is not None:
            self.confusion.add(frame.class_ids, scored.class_ids)
        strata = stratify(frame)
        weather = str(frame.info.get("weather", ""))
        ap: dict[str, float | None] = {}
        tail: dict[str, float | None] = {}
        anomalous_px, labels = 0, anomaly_labels(frame.class_ids)
        for (name, figures), score in zip(self.scores.items(), scored.maps, strict=True):
            bins = figures.add(score, strata, weather)
            own = bins.figures()
            if name in self.by_convention:
                self.by_convention[name].add(score, labels)
            ap[name], tail[name], anomalous_px = own.ap, bins.normal_tail(), own.anomalous_px
        self._correlate(frame.class_ids, dict(zip(self.scores, scored.maps, strict=True)))
        for name, native in zip(self.scores, scored.native, strict=True):
            if name in self.recall:
                self.recall[name].add(frame, native, self._thresholds[name])
            if self._deployment and name in self.unfamiliar:
                self.unfamiliar[name] += self._deployment.is_unfamiliar(name, native)
        self._keep(frame, scored.maps[0], FrameRecord(frame.name, anomalous_px, ap, tail))

    def _correlate(self, class_ids: np.ndarray, maps: Mapping[str, np.ndarray]) -> None:
        for pixels, sums in self.correlation.items():
            chosen = class_ids == ANOMALY_ID if pixels == "anomalous" else class_ids != VOID_ID
            sums.add(*(maps[part][chosen] for part in UNO_PARTS))

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
        for pixels, sums in self.correlation.items():
            state |= prefixed(f"correlation_{pixels}", sums.state())
        state["recall"] = text_array({name: count.plain() for name, count in self.recall.items()})
        state["unfamiliar"] = text_array(self.unfamiliar)
        state |= prefixed("confusion", self.confusion.state())
        return state | prefixed("misses", self.misses.state()) | prefixed("false_flags", self.false_flags.state())

    def take_up(self, state: State) -> None:
        """Go on where ``state`` was taken: the figures will be those of a run without a break.

        ``state`` is used up: what has been taken is removed from it, so that the two never lie in memory together.
        """
        self.records = [FrameRecord(**plain) for plain in text_of(state["records"])]
        self.confusion = ConfusionMatrix.from_state(_taken("confusion", state))
        for name, own in self.by_convention.items():
            own.load(_taken(f"convention_{name}", state))
        self.engine_time, self.scores_time = Stopwatch(state["engine_s"]), Stopwatch(state["scores_s"])
        for name in self.scores:
            self.scores[name] = ScoreFigures.from_state(_taken(f"score_{name}", state))
        for pixels in self.correlation:
            self.correlation[pixels] = PearsonSums.from_state(_taken(f"correlation_{pixels}", state))
        for name, plain in text_of(state["recall"]).items():
            self.recall[name].count_from(plain)
        self.unfamiliar = dict(text_of(state["unfamiliar"]))
        self.misses = KeptFrames.from_state(self._worst, _taken("misses", state))
        self.false_flags = KeptFrames.from_state(self._worst, _taken("false_flags", state))


def _taken(prefix: str, state: State) -> State:
    """The part of ``state`` under ``prefix``, which is removed from it."""
    part = without_prefix(prefix, state)
    for name in part:
        del state[f"{prefix}/{name}"]
    return part
