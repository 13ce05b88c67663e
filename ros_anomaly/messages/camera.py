"""CameraInfo to the pinhole intrinsics of the image that is published with it, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole camera of a (``height``, ``width``) image, pixels; integers are pixel centres."""

    fx: float
    fy: float
    cx: float
    cy: float
    height: int
    width: int

    @classmethod
    def from_fov(cls, image_size: tuple[int, int], horizontal_fov_rad: float) -> Intrinsics:
        """Ideal camera with square pixels and the principal point in the middle of a (H, W) image."""
        height, width = image_size
        focal = width / (2 * math.tan(horizontal_fov_rad / 2))
        return cls(focal, focal, (width - 1) / 2, (height - 1) / 2, height, width)


def intrinsics_from_camera_info(message: CameraInfo) -> Intrinsics:
    """Intrinsics of the published image: the projection matrix P where it is set (rectified images), else K.

    Both matrices speak of the full sensor; a region of interest and binning are applied.

    Raises:
        ValueError: an uncalibrated camera (zeros), or values that are not finite.
    """
    if message.p[0] != 0.0:
        fx, cx, fy, cy = message.p[0], message.p[2], message.p[5], message.p[6]
    else:
        fx, cx, fy, cy = message.k[0], message.k[2], message.k[4], message.k[5]
    if not (all(map(math.isfinite, (fx, fy, cx, cy))) and fx > 0 and fy > 0 and message.width and message.height):
        raise ValueError(
            "camera_info: expected a calibrated camera (positive focal lengths and size), "
            f"found fx={fx}, fy={fy}, cx={cx}, cy={cy}, {message.width}x{message.height}"
        )
    bin_x, bin_y, roi = max(message.binning_x, 1), max(message.binning_y, 1), message.roi
    return Intrinsics(
        fx=fx / bin_x,
        fy=fy / bin_y,
        cx=(cx - roi.x_offset + 0.5) / bin_x - 0.5,
        cy=(cy - roi.y_offset + 0.5) / bin_y - 0.5,
        height=(roi.height or message.height) // bin_y,
        width=(roi.width or message.width) // bin_x,
    )


def camera_info_message(intrinsics: Intrinsics, header: Header) -> CameraInfo:
    """CameraInfo of a camera without distortion."""
    fx, fy, cx, cy = intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy
    return CameraInfo(
        header=header,
        height=intrinsics.height,
        width=intrinsics.width,
        distortion_model="plumb_bob",
        d=[0.0] * 5,
        k=[fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    )
