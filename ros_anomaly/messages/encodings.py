"""Image encodings of sensor_msgs: sample type, samples a pixel, and the OpenCV conversion to RGB."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Encoding:
    """How the bytes of one ``sensor_msgs/Image`` encoding are laid out.

    Attributes:
        sample: dtype of one sample in this machine's byte order.
        channels: samples a pixel.
        to_rgb: OpenCV colour conversion that gives RGB, None where the samples are RGB already.
        rows_per_height: rows of data for each image row (1.5 for planar 4:2:0, whose chroma follows the luma).
    """

    sample: np.dtype
    channels: int
    to_rgb: int | None
    rows_per_height: float = 1.0


_U8, _U16 = np.dtype(np.uint8), np.dtype(np.uint16)


def _bayer(sample: np.dtype) -> dict[str, Encoding]:
    # OpenCV names a Bayer pattern by its second row's second and third pixel, ROS by its first two rows:
    # hence RGGB is "BG" there.
    codes = {
        "rggb": cv2.COLOR_BayerBG2RGB,
        "bggr": cv2.COLOR_BayerRG2RGB,
        "gbrg": cv2.COLOR_BayerGR2RGB,
        "grbg": cv2.COLOR_BayerGB2RGB,
    }
    bits = sample.itemsize * 8
    return {f"bayer_{pattern}{bits}": Encoding(sample, 1, code) for pattern, code in codes.items()}


COLOUR_ENCODINGS: dict[str, Encoding] = {
    "rgb8": Encoding(_U8, 3, None),
    "bgr8": Encoding(_U8, 3, cv2.COLOR_BGR2RGB),
    "rgba8": Encoding(_U8, 4, cv2.COLOR_RGBA2RGB),
    "bgra8": Encoding(_U8, 4, cv2.COLOR_BGRA2RGB),
    "mono8": Encoding(_U8, 1, cv2.COLOR_GRAY2RGB),
    # The generic OpenCV types carry no colour order; OpenCV's own is BGR.
    "8UC1": Encoding(_U8, 1, cv2.COLOR_GRAY2RGB),
    "8UC3": Encoding(_U8, 3, cv2.COLOR_BGR2RGB),
    "8UC4": Encoding(_U8, 4, cv2.COLOR_BGRA2RGB),
    "mono16": Encoding(_U16, 1, cv2.COLOR_GRAY2RGB),
    "rgb16": Encoding(_U16, 3, None),
    "bgr16": Encoding(_U16, 3, cv2.COLOR_BGR2RGB),
    "rgba16": Encoding(_U16, 4, cv2.COLOR_RGBA2RGB),
    "bgra16": Encoding(_U16, 4, cv2.COLOR_BGRA2RGB),
    "uyvy": Encoding(_U8, 2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422": Encoding(_U8, 2, cv2.COLOR_YUV2RGB_UYVY),
    "yuyv": Encoding(_U8, 2, cv2.COLOR_YUV2RGB_YUY2),
    "yuv422_yuy2": Encoding(_U8, 2, cv2.COLOR_YUV2RGB_YUY2),
    "nv12": Encoding(_U8, 1, cv2.COLOR_YUV2RGB_NV12, rows_per_height=1.5),
    "nv21": Encoding(_U8, 1, cv2.COLOR_YUV2RGB_NV21, rows_per_height=1.5),
    **_bayer(_U8),
    **_bayer(_U16),
}
"""Every encoding that can be turned into RGB."""

PLANE_ENCODINGS: dict[str, Encoding] = {
    "mono8": Encoding(_U8, 1, None),
    "8UC1": Encoding(_U8, 1, None),
    "mono16": Encoding(_U16, 1, None),
    "16UC1": Encoding(_U16, 1, None),
    "32FC1": Encoding(np.dtype(np.float32), 1, None),
}
"""Single planes whose samples are values, not colours: masks, ids, scores."""
