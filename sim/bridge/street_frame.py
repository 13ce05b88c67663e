"""What is published of a street, whoever drove and drew it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

FIRST_STAMP_NS = 10_000_000_000
"""Simulated time at which a drive begins: a stamp of zero means "no time" in ROS."""


class Motion(Protocol):
    """Where the ego vehicle is and how it moves; ``sim.street.drive.DriveState`` is one."""

    @property
    def ego(self) -> tuple[float, float, float]:
        """base_link: x east, y north in metres, yaw in radians counter-clockwise from north."""
        ...

    @property
    def speed_mps(self) -> float:
        """Forward speed."""
        ...

    @property
    def yaw_rate_radps(self) -> float:
        """Positive to the left."""
        ...


class LabelledImage(Protocol):
    """A camera image with its ground truth, None where that is not known; ``sim.render.renderer.Rendered`` is one."""

    @property
    def image(self) -> np.ndarray:
        """uint8 [H, W, 3] RGB."""
        ...

    @property
    def class_ids(self) -> np.ndarray | None:
        """uint8 [H, W]."""
        ...

    @property
    def instance_ids(self) -> np.ndarray | None:
        """uint16 [H, W]."""
        ...


@dataclass(frozen=True)
class StreetFrame:
    """One moment of a drive and its simulated time."""

    stamp_ns: int
    motion: Motion
    view: LabelledImage
