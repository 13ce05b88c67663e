"""Everything that is kept of a run, fed frame by frame: figures, timeline, objects, video, pictures."""

from __future__ import annotations

import cv2
import numpy as np

from ros_anomaly.data.labels import ANOMALY_ID, VOID_ID
from ros_anomaly.evaluation.metrics import PixelRanking
from ros_anomaly.evaluation.objects import ObjectReport, ObjectTracker, found_objects
from ros_anomaly.evaluation.report.pictures import painted
from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly_sim.bridge.drive_file import DriveFile
from ros_anomaly_sim.demo.album import Album, Shot
from ros_anomaly_sim.demo.assembly import RecordedFrame
from ros_anomaly_sim.demo.setting import Setting
from ros_anomaly_sim.demo.timeline import Moment
from ros_anomaly_sim.demo.visible import MIN_VISIBLE_PX, VisibleObject, objects_in_the_way, visible_objects
from ros_anomaly_sim.film.pictures import Truth, View, draw
from ros_anomaly_sim.film.video import VideoWriter

_NS_PER_S = 1_000_000_000


class RunRecord:
    """Takes the frames of one run in order. ``video`` gets a picture of each, also of those not processed."""

    def __init__(self, drive: DriveFile, setting: Setting, video: VideoWriter) -> None:
        self.drive, self.setting = drive, setting
        self.moments: list[Moment] = []
        self.ranking = PixelRanking()
        self.album = Album()
        self._tracker = ObjectTracker(min_visible_px=MIN_VISIBLE_PX)
        self._video = video
        self._score_range: tuple[float, float] | None = None

    @property
    def processed(self) -> int:
        """Frames that the detector worked on."""
        return sum(moment.level is not None for moment in self.moments)

    def object_reports(self) -> list[ObjectReport]:
        """What became of every object of the drive, also of those that never came into view."""
        return self._tracker.reports([item.instance_id for item in self.drive.objects])

    def add(self, frame: RecordedFrame) -> None:
        """Record one frame; those of the warm-up and those without image or truth are passed over."""
        if frame.stamp_ns < self.drive.first_stamp_ns:
            return
        if frame.image is None or frame.class_ids is None or frame.instance_ids is None or frame.ego is None:
            return
        time_s = (frame.stamp_ns - self.drive.first_stamp_ns) / _NS_PER_S
        visible = visible_objects(self.drive.objects, frame.instance_ids, frame.ego)
        found = in_the_way = frozenset[int]()
        if frame.processed and frame.mask is not None and frame.report is not None:
            in_the_way = objects_in_the_way(visible, frame.report.state.regions, frame.mask, frame.instance_ids)
            found = self._evaluate(frame, time_s, visible, in_the_way)
        self.moments.append(self._moment(frame, time_s, visible, found, in_the_way))
        picture = draw(self._view(frame, time_s, visible))
        self._video.write(picture)
        stable = {report.instance_id for report in self.object_reports() if not report.missed}
        self.album.consider(Shot(self.moments[-1], painted(frame.image, frame.mask), picture, visible), stable)

    def _evaluate(
        self, frame: RecordedFrame, time_s: float, visible: list[VisibleObject], in_the_way: frozenset[int]
    ) -> frozenset[int]:
        """Add a processed frame to the figures; instance ids of the objects found in it."""
        assert frame.mask is not None and frame.report is not None
        assert frame.instance_ids is not None and frame.class_ids is not None
        hazards = in_the_way if frame.report.state.level is HazardLevel.HAZARD else frozenset[int]()
        distances = {v.object.instance_id: v.ahead_m for v in visible}
        self._tracker.add(time_s, frame.mask, frame.instance_ids, distances, hazards)
        if frame.score is not None:
            self._rank(frame.score, frame.class_ids, frame.instance_ids, visible)
        asked = [v.object.instance_id for v in visible if v.counts]
        return frozenset(i for i, hit in found_objects(frame.mask, frame.instance_ids, asked).items() if hit)

    def _rank(
        self, score: np.ndarray, class_ids: np.ndarray, instance_ids: np.ndarray, visible: list[VisibleObject]
    ) -> None:
        height, width = class_ids.shape
        full = score if score.shape == class_ids.shape else cv2.resize(score, (width, height))
        tiny = [v.object.instance_id for v in visible if not v.counts]
        valid = (class_ids != VOID_ID) & ~np.isin(instance_ids, tiny)
        self.ranking.add(full, class_ids == ANOMALY_ID, valid)

    def _moment(
        self,
        frame: RecordedFrame,
        time_s: float,
        visible: list[VisibleObject],
        found: frozenset[int],
        in_the_way: frozenset[int],
    ) -> Moment:
        state = frame.report.state if frame.processed and frame.report is not None else None
        return Moment(
            time_s=time_s,
            level=state.level if state else None,
            reason=state.reason if state else "not processed",
            nearest_m=state.nearest_m if state else None,
            latency_ms=state.latency_ms if state else None,
            objects_in_view=frozenset(v.object.instance_id for v in visible if v.counts),
            objects_found=found,
            objects_in_the_way=in_the_way,
        )

    def _view(self, frame: RecordedFrame, time_s: float, visible: list[VisibleObject]) -> View:
        assert frame.image is not None
        state = frame.report.state if frame.report is not None else None
        words = [f"{time_s:5.1f} s", state.reason if state else "not processed"]
        if state is not None and state.nearest_m is not None:
            words.append(f"{state.nearest_m:.0f} m")
        return View(
            image=frame.image,
            mask=frame.mask,
            score=frame.score,
            score_range=self._range(frame.score),
            level=state.level if state else HazardLevel.UNKNOWN,
            caption="   ".join(words),
            truths=tuple(Truth(v.box, f"{v.object.label} {v.ahead_m:.0f} m") for v in visible if v.counts),
        )

    def _range(self, score: np.ndarray | None) -> tuple[float, float]:
        """What the score inset spans: from a low percentile of the first frame to the highest score so far."""
        if score is None:
            return self._score_range or (0.0, 1.0)
        low, high = self._score_range or (float(np.percentile(score, 5)), float(score.max()))
        self._score_range = (low, max(high, float(score.max())))
        return self._score_range
