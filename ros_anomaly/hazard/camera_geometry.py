"""From a camera's intrinsics (or a given field of view) to the ground projection of the images at hand."""

from __future__ import annotations

from typing import Protocol

from ros_anomaly.hazard.config import CameraMount
from ros_anomaly.hazard.ground import GroundProjection
from ros_anomaly.hazard.pinhole import Pinhole


class PinholeCamera(Pinhole, Protocol):
    """Intrinsics in pixels of a (``height``, ``width``) image; ``messages.camera.Intrinsics`` is one."""

    @property
    def height(self) -> int: ...

    @property
    def width(self) -> int: ...


class CameraGeometry:
    """The newest intrinsics, and the ground projection for images of one size.

    Attributes:
        problem: why there is no projection (or none from camera_info), in words; empty where all is well.
    """

    def __init__(self) -> None:
        self._info_problem = self.problem = "no camera_info yet"
        self._intrinsics: PinholeCamera | None = None
        self._made_for: tuple[object, ...] | None = None
        self._ground: GroundProjection | None = None

    def take(self, intrinsics: PinholeCamera) -> None:
        """Take what a camera_info says."""
        self._intrinsics, self._info_problem = intrinsics, ""
        self.problem = ""

    def refuse(self, problem: str) -> None:
        """A camera_info came that is not usable: it takes the projection away."""
        self._intrinsics, self._info_problem = None, problem
        self.problem = problem

    def ground(
        self, image_size: tuple[int, int], mount: CameraMount, horizontal_fov_rad: float
    ) -> GroundProjection | None:
        """Projection for (H, W) images, or None: then every anomaly counts as in the corridor.

        camera_info of another size than the images says nothing of them. ``horizontal_fov_rad`` above 0 serves where
        no usable camera_info has come.
        """
        intrinsics, self.problem = self._intrinsics, self._info_problem
        if intrinsics is not None and (intrinsics.height, intrinsics.width) != image_size:
            self.problem = (
                f"camera_info is for {intrinsics.width}x{intrinsics.height}, "
                f"images are {image_size[1]}x{image_size[0]}: not used"
            )
            intrinsics = None
        made_for = (intrinsics, image_size, mount, horizontal_fov_rad)
        if made_for != self._made_for:
            self._ground = None
            if intrinsics is not None:
                self._ground = GroundProjection(intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy, mount)
            elif horizontal_fov_rad > 0:
                self._ground = GroundProjection.from_fov(image_size, horizontal_fov_rad, mount)
            self._made_for = made_for
        return self._ground
