"""Score maps of a recorded drive on disk, with all that the hazard monitor needs to tell the drive again.

Layout: ``<name>.npz`` holds what is known of every frame, ``<name>.scores`` the maps, 16 bits a cell. The first is
written last: a track without it is unfinished. Maps are read as they are needed, so a drive may be long.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ros_anomaly.detector import at_most, check_image, fit_image
from ros_anomaly.hazard.config import CameraMount
from ros_anomaly.hazard.ground import GroundProjection
from ros_anomaly.hazard.image_health import ImageFacts, inspect_image
from ros_anomaly.hazard.scene import usual_score
from ros_anomaly.runtime.contract import Engine
from ros_anomaly.runtime.files import write_atomically

LEVELS = 65535
"""A map is kept in so many steps between its lowest and its highest score: 3e-5 where these are -1 and 1."""

NO_INTRINSICS = (np.nan, np.nan, np.nan, np.nan)
NO_MOTION = (np.nan, np.nan)


@dataclass(frozen=True)
class DriveImage:
    """A camera image of a drive.

    Attributes:
        image: uint8 [H, W, 3] RGB.
        stamp_ns: of the image.
        recorded_ns: when it was received, on the drive's clock.
        motion: speed in m/s and yaw rate in rad/s (left positive); NaN where unknown.
        intrinsics: fx, fy, cx, cy in pixels of the image; NaN where unknown.
    """

    image: np.ndarray
    stamp_ns: int
    recorded_ns: int
    motion: tuple[float, float] = NO_MOTION
    intrinsics: tuple[float, float, float, float] = NO_INTRINSICS


@dataclass(frozen=True)
class FrameFacts:
    """What is known of every frame of a track, arrays of one length n.

    Attributes:
        stamps_ns, recorded_ns: int64 [n].
        motion: float64 [n, 2].
        intrinsics: float64 [n, 4].
        lowest, highest: float32 [n], of each score map.
        digests: int64 [n]; contrast: float64 [n]; dark_share, bright_share: float64 [n]: see ``ImageFacts``.
    """

    stamps_ns: np.ndarray
    recorded_ns: np.ndarray
    motion: np.ndarray
    intrinsics: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    digests: np.ndarray
    contrast: np.ndarray
    dark_share: np.ndarray
    bright_share: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.stamps_ns)
        shapes = {name: array.shape for name, array in vars(self).items()}
        wanted = {name: (n,) for name in shapes} | {"motion": (n, 2), "intrinsics": (n, 4)}
        if n == 0 or shapes != wanted:
            raise ValueError(f"score track: expected arrays {wanted} of at least one frame, found {shapes}")
        if (np.diff(self.recorded_ns) < 0).any():
            raise ValueError("score track: expected times that never go back, found some that do")


@dataclass(frozen=True)
class ScoreTrack:
    """Score maps of one camera over one drive.

    Attributes:
        cells: uint16 [n, h, w]; 0 is the lowest score of its map, ``LEVELS`` the highest.
        frames: everything else that is known of them.
        image_size: (H, W) of the images.
    """

    cells: np.ndarray
    frames: FrameFacts
    image_size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.frames.stamps_ns)

    def score(self, index: int) -> np.ndarray:
        """float32 [h, w]; off by at most half a step of ``LEVELS``."""
        low, high = self.frames.lowest[index], self.frames.highest[index]
        return (low + self.cells[index].astype(np.float32) * ((high - low) / np.float32(LEVELS))).astype(np.float32)

    @cached_property
    def usual_scores(self) -> np.ndarray:
        """float64 [n]: ``usual_score`` of every map. Reads all of them, once."""
        return np.array([usual_score(self.score(index)) for index in range(len(self))])

    def ground(self, index: int, mount: CameraMount) -> GroundProjection | None:
        """Projection of a frame's camera on its mount; None where its intrinsics are unknown."""
        fx, fy, cx, cy = (float(value) for value in self.frames.intrinsics[index])
        return None if np.isnan(fx) else GroundProjection(fx, fy, cx, cy, mount)

    def image_facts(self, index: int) -> ImageFacts:
        """What the image itself says of its health."""
        own = self.frames
        return ImageFacts(
            int(own.digests[index]),
            float(own.contrast[index]),
            float(own.dark_share[index]),
            float(own.bright_share[index]),
        )

    @property
    def fingerprint(self) -> str:
        """Eight hexadecimal digits that tell one drive's images from another's."""
        return f"{zlib.crc32(np.ascontiguousarray(self.frames.digests).tobytes()):08x}"

    @classmethod
    def load(cls, path: Path) -> ScoreTrack:
        """Open what ``record`` wrote at this path (``.npz``). ValueError, naming what is wrong, for anything else."""
        scores = path.with_suffix(".scores")
        try:
            with np.load(path) as stored:
                frames = FrameFacts(**{field.name: stored[field.name] for field in fields(FrameFacts)})
                height, width, rows, columns = (int(side) for side in stored["sizes"])
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path}: expected a score track, found {error}") from error
        shape = (len(frames.stamps_ns), rows, columns)
        expected, found = 2 * rows * columns * shape[0], scores.stat().st_size if scores.is_file() else 0
        if expected != found:
            raise ValueError(f"{scores}: expected {expected} bytes for score maps {list(shape)}, found {found}")
        return cls(np.memmap(scores, np.uint16, "r", shape=shape), frames, (height, width))


def record(engine: Engine, images: Iterable[DriveImage], path: Path) -> ScoreTrack:
    """Run a fused engine once on every image, as the detector does, and keep the score maps at ``path`` (``.npz``).

    Raises:
        ValueError: no image, or images of several sizes.
    """
    scores_path = path.with_suffix(".scores")
    unfinished = scores_path.with_name(f".{scores_path.name}.tmp")
    try:
        with unfinished.open("wb") as file:
            frames, sizes = _write_maps(engine, images, file)
        unfinished.replace(scores_path)
    finally:
        unfinished.unlink(missing_ok=True)
    held = io.BytesIO()
    np.savez(held, sizes=np.array(sizes), **vars(frames))
    write_atomically(path, held.getvalue())
    return ScoreTrack.load(path)


def _write_maps(
    engine: Engine, images: Iterable[DriveImage], file: BinaryIO
) -> tuple[FrameFacts, tuple[int, int, int, int]]:
    """(what is known of every frame, height and width of its image and of its map)."""
    rows: list[tuple[object, ...]] = []
    sizes: tuple[int, int, int, int] | None = None
    for one in images:
        check_image(one.image)
        size = (int(one.image.shape[0]), int(one.image.shape[1]))
        score = at_most(engine.infer(fit_image(one.image, engine.input_size)).score, size)
        own = (*size, int(score.shape[0]), int(score.shape[1]))
        if sizes not in (None, own):
            raise ValueError(f"drive: expected images of one size, found {sizes} and {own} (image, score map)")
        sizes = own
        low, high = np.float32(score.min()), np.float32(score.max())
        file.write(_quantised(score, low, high).tobytes())
        facts = inspect_image(one.image)
        rows.append(
            (one.stamp_ns, one.recorded_ns, one.motion, one.intrinsics, low, high)
            + (facts.digest, facts.contrast, facts.dark_share, facts.bright_share)
        )
    if sizes is None:
        raise ValueError("drive: expected at least one image, found none")
    kinds = (np.int64, np.int64, np.float64, np.float64, np.float32, np.float32, np.int64, *[np.float64] * 3)
    columns = [np.array(column, kind) for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
    return FrameFacts(*columns), sizes


def _quantised(score: np.ndarray, low: np.float32, high: np.float32) -> np.ndarray:
    if high == low:
        return np.zeros(score.shape, np.uint16)
    return np.rint((score - low) * (np.float32(LEVELS) / (high - low))).astype(np.uint16)
