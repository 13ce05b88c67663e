"""How the scores and masks of a drive compare with its labels; sums that several drives can be added up to."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from ros_anomaly.data.labels import NUM_INLIER_CLASSES, VOID_ID
from ros_anomaly.evaluation.metrics import ConfusionMatrix, PixelRanking, ScoreCounts, best_f1, ranking_figures
from ros_anomaly.hazard.types import Assessment

Box = tuple[int, int, int, int]
"""Left, top, right and bottom as ``hazard.types.Region`` has them."""


@dataclass(frozen=True)
class FrameTruth:
    """Pixels of one labelled frame, of the label's size; ``hit_px`` and ``false_px`` are the mask's. AP of its own.

    ``corridor_hit_px`` are those of the hits that lie in the box of a region in the corridor.
    """

    anomaly_px: int
    void_px: int
    hit_px: int
    false_px: int
    corridor_hit_px: int
    ap: float | None


@dataclass
class DriveTruth:
    """Sums over labelled frames. Scores are brought bilinearly to the label's size, masks and classes by the nearest.

    Attributes:
        anomalous, normal: scores of the two populations of pixels.
        confusion: of the known classes; stays empty where labels are masks.
        hit_px, missed_px, false_px: of the mask as deployed, at the threshold in use.
        frames: labelled ones; ``with_anomaly`` of them show one, of which ``found`` have a pixel of it in the mask;
            ``false_alarms`` are frames without anomaly and with a mask.
    """

    anomalous: ScoreCounts = field(default_factory=ScoreCounts)
    normal: ScoreCounts = field(default_factory=ScoreCounts)
    confusion: ConfusionMatrix = field(default_factory=lambda: ConfusionMatrix(NUM_INLIER_CLASSES))
    hit_px: int = 0
    missed_px: int = 0
    false_px: int = 0
    frames: int = 0
    with_anomaly: int = 0
    found: int = 0
    false_alarms: int = 0

    def add(self, scored: ScoredFrame, truth: np.ndarray, class_ids: np.ndarray | None = None) -> FrameTruth:
        """Count a frame.

        Args:
            truth: uint8 [H, W], 0 normal, 1 anomalous, 255 void.
            class_ids: uint8 [H, W], where the label knows classes.
        """
        size = (int(truth.shape[0]), int(truth.shape[1]))
        score, flagged = scored.score_at(size), scored.mask_at(size)
        is_anomaly, valid = truth == 1, truth != VOID_ID
        own = PixelRanking()
        own.add(score, is_anomaly, valid)
        self.anomalous.add_bins(*own.anomalous.bins())
        self.normal.add_bins(*own.normal.bins())
        if class_ids is not None:
            self.confusion.add(class_ids, scored.classes_at(size))
        hits = flagged & is_anomaly
        frame = FrameTruth(
            anomaly_px=int(is_anomaly.sum()),
            void_px=int((~valid).sum()),
            hit_px=int(hits.sum()),
            false_px=int((flagged & valid & ~is_anomaly).sum()),
            corridor_hit_px=int((hits & scored.in_corridor_at(size)).sum()),
            ap=own.figures().ap,
        )
        self.hit_px += frame.hit_px
        self.missed_px += frame.anomaly_px - frame.hit_px
        self.false_px += frame.false_px
        self.frames += 1
        self.with_anomaly += frame.anomaly_px > 0
        self.found += frame.hit_px > 0
        self.false_alarms += frame.anomaly_px == 0 and frame.false_px > 0
        return frame

    def __add__(self, other: DriveTruth) -> DriveTruth:
        both = DriveTruth(self.anomalous + other.anomalous, self.normal + other.normal)
        both.confusion.counts = self.confusion.counts + other.confusion.counts
        for name in ("hit_px", "missed_px", "false_px", "frames", "with_anomaly", "found", "false_alarms"):
            setattr(both, name, getattr(self, name) + getattr(other, name))
        return both

    def figures(self) -> dict[str, float | int | None]:
        """Fractions and counts by name; None where there is nothing to divide by."""
        ranking, best = ranking_figures(self.anomalous, self.normal), best_f1(self.anomalous, self.normal)
        return {
            "frames": self.frames,
            "frames_with_anomaly": self.with_anomaly,
            "frames_found": self.found,
            "frames_without_anomaly": self.frames - self.with_anomaly,
            "frames_falsely_flagged": self.false_alarms,
            "anomaly_pixels": ranking.anomalous_px,
            "normal_pixels": ranking.normal_px,
            "ap": ranking.ap,
            "auroc": ranking.auroc,
            "fpr95": ranking.fpr95,
            "best_f1": None if best is None else best[0],
            "best_f1_threshold": None if best is None else best[1],
            "precision": _share(self.hit_px, self.hit_px + self.false_px),
            "recall": _share(self.hit_px, self.hit_px + self.missed_px),
            "iou": _share(self.hit_px, self.hit_px + self.missed_px + self.false_px),
            "miou": self.confusion.mean_iou(),
        }


@dataclass(frozen=True)
class ScoredFrame:
    """What is kept of a frame until its label comes; ``corridor_boxes`` of the regions in the corridor, as theirs."""

    score: np.ndarray
    mask: np.ndarray
    class_ids: np.ndarray
    corridor_boxes: tuple[Box, ...] = ()

    @classmethod
    def of(cls, assessment: Assessment) -> ScoredFrame:
        boxes = tuple(region.box for region in assessment.regions if region.in_corridor)
        return cls(assessment.score, assessment.mask, assessment.class_ids, boxes)

    def check_size(self, size: tuple[int, int]) -> None:
        """ValueError unless a label of (H, W) can belong to this image: the same shape up to scale."""
        height, width = self.mask.shape
        if abs(size[1] * height - size[0] * width) > max(size[1], width):  # more than a row or column apart
            raise ValueError(
                f"label: expected the shape of its image, {width}x{height} up to scale, found {size[1]}x{size[0]}"
            )

    def score_at(self, size: tuple[int, int]) -> np.ndarray:
        """float32 [H, W]."""
        return _resized(self.score, size, cv2.INTER_LINEAR)

    def mask_at(self, size: tuple[int, int]) -> np.ndarray:
        """bool [H, W]."""
        return _resized(self.mask, size, cv2.INTER_NEAREST) > 0

    def in_corridor_at(self, size: tuple[int, int]) -> np.ndarray:
        """bool [H, W], True in the boxes of regions in the corridor."""
        inside = np.zeros(size, bool)
        for box in self.corridor_boxes:
            inside[window_of(box, (self.mask.shape[0], self.mask.shape[1]), size)] = True
        return inside

    def classes_at(self, size: tuple[int, int]) -> np.ndarray:
        """uint8 [H, W]."""
        return _resized(self.class_ids, size, cv2.INTER_NEAREST)


def window_of(box: Box, image_size: tuple[int, int], size: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns that a box in pixels of an image touches in a plane of ``size``; both sizes are (H, W)."""
    left, top, right, bottom = box
    (image_height, image_width), (height, width) = image_size, size
    rows = slice(top * height // image_height, -(-bottom * height // image_height))
    return rows, slice(left * width // image_width, -(-right * width // image_width))


def _resized(plane: np.ndarray, size: tuple[int, int], how: int) -> np.ndarray:
    return plane if plane.shape == size else cv2.resize(plane, size[::-1], interpolation=how)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
