"""Keeps pictures of a drive for its report: the worst misses and false flags, or hazards where none is labelled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ros_anomaly.bags.reader_cameras import CameraTopics
from ros_anomaly.data.labels import VOID_ID
from ros_anomaly.detector import fit_image
from ros_anomaly.evaluation.drives.run import Answer, Beat
from ros_anomaly.evaluation.drives.tally import CameraTally, JudgedFrame
from ros_anomaly.evaluation.report import pictures
from ros_anomaly.evaluation.report.blocks import FilmStrip, Still
from ros_anomaly.evaluation.report.mistakes import FilmRoll, LabelledFrame, MistakeReel
from ros_anomaly.hazard.types import HazardLevel

_NS_PER_S = 1_000_000_000
_WIDTH_PX = 640
_GROUP_FRAMES = 20
"""Of so many successive frames one picture is kept: they show the same."""


class DrivePictures:
    """Sees a drive and keeps a bounded number of small pictures of it."""

    def __init__(self, cameras: Sequence[CameraTopics], most: int = 6) -> None:
        self._names = [camera.image for camera in cameras]
        self._reels = [MistakeReel(most=most) for _ in cameras]
        self._hazards = [FilmRoll(most=most) for _ in cameras]
        self._start_ns: int | None = None

    def strips(self, camera: int, labelled: bool) -> list[FilmStrip]:
        """Film strips of one camera."""
        if labelled:
            return [self._reels[camera].misses(), self._reels[camera].false_flags()]
        stills = self._hazards[camera].stills()
        return [FilmStrip(stills, "Hazards, highest score first", "Red: flagged.", "No hazard was seen.")]

    def said(self, camera: int, said: Beat | Answer, changed: bool, tally: CameraTally) -> None:
        self._start_ns = said.time_ns if self._start_ns is None else self._start_ns
        if not isinstance(said, Answer) or said.state.level is not HazardLevel.HAZARD:
            return
        image, assessment = said.event.image, said.assessment
        if image is None or assessment is None or not assessment.regions:
            return
        second = (said.time_ns - self._start_ns) / _NS_PER_S
        near = "" if said.state.nearest_m is None else f", {said.state.nearest_m:.1f} m ahead"
        caption = f"frame {len(tally.rows) - 1}, {second:.1f} s: score {assessment.max_score:.3f}{near}"
        self._hazards[camera].offer(
            assessment.max_score,
            lambda: _still(image, assessment.mask, caption),
            group=len(tally.levels.hazards),
        )

    def judged(self, camera: int, frame: JudgedFrame) -> None:
        truth = frame.truth
        size = (int(truth.shape[0]), int(truth.shape[1]))
        self._reels[camera].add(
            LabelledFrame(
                name=f"frame {frame.row.frame}",
                image=fit_image(frame.image, size),
                score=frame.scored.score_at(size),
                flagged=frame.scored.mask_at(size),
                is_anomaly=truth == 1,
                valid=truth != VOID_ID,
            ),
            group=frame.row.frame // _GROUP_FRAMES,
        )


def _still(image: np.ndarray, mask: np.ndarray, caption: str) -> Still:
    return Still(pictures.jpeg(pictures.at_most(pictures.painted(image, mask), _WIDTH_PX), alt=caption), caption)
