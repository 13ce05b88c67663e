"""What camera, weather and compression do to a picture, one function each; training and evaluation share them.

All take and return uint8 [H, W, 3] RGB and leave their input as it is.
"""

from __future__ import annotations

import cv2
import numpy as np

CONTRAST_AT_VISIBILITY = 0.02
"""Koschmieder's definition of visibility: the distance at which 2 per cent of an object's contrast is left."""


def exposure(image: np.ndarray, factor: float) -> np.ndarray:
    """All channels times ``factor``, clipped."""
    return _by_table(image, np.arange(256) * factor)


def contrast(image: np.ndarray, factor: float) -> np.ndarray:
    """Distances from the mean grey times ``factor``, clipped."""
    middle = float(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).mean())
    return _by_table(image, middle + (np.arange(256) - middle) * factor)


def gaussian_noise(image: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Independent noise in every channel of every pixel; ``sigma`` in grey levels."""
    noise = rng.standard_normal(image.shape, np.float32)
    noise *= np.float32(sigma)
    noise += image
    return _rounded(noise)


def gaussian_blur(image: np.ndarray, sigma_px: float) -> np.ndarray:
    """A lens out of focus; ``sigma_px`` above 0."""
    return cv2.GaussianBlur(image, (0, 0), sigma_px)


def motion_blur(image: np.ndarray, length_px: float, angle_rad: float) -> np.ndarray:
    """The mean along a straight line of ``length_px``; angle 0 is level, rising anticlockwise."""
    return cv2.filter2D(image, -1, _line_kernel(length_px, angle_rad), borderType=cv2.BORDER_REPLICATE)


def jpeg_round_trip(image: np.ndarray, quality: int) -> np.ndarray:
    """The picture after JPEG coding at ``quality`` (1..100)."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None, "OpenCV could not read the JPEG it wrote"
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)


def fog(
    image: np.ndarray,
    visibility_m: float,
    colour: tuple[float, float, float],
    horizon: float = 0.5,
    focal: float = 0.5,
    camera_height_m: float = 1.6,
    farthest_m: float = np.inf,
) -> np.ndarray:
    """Fog where no depth is known: every row is as far away as flat ground there; see :func:`fog_over`.

    Args:
        horizon, focal, camera_height_m: of :func:`ground_distance_m`.
        farthest_m: rows farther than this count as this far, which stands for what rises above the horizon.
    """
    rows = ground_distance_m(image.shape[0], image.shape[1], horizon, focal, camera_height_m)
    return fog_over(image, np.minimum(rows, farthest_m)[:, None], visibility_m, colour)


def fog_over(
    image: np.ndarray, distance_m: np.ndarray, visibility_m: float, colour: tuple[float, float, float]
) -> np.ndarray:
    """Koschmieder: ``I t + A (1 - t)`` with ``t = exp(ln(0.02) d / visibility)``.

    Args:
        distance_m: broadcastable to [H, W]; may hold inf.
        visibility_m: above 0. colour: RGB of the fog, 0..255.
    """
    left = np.exp(np.log(CONTRAST_AT_VISIBILITY) / visibility_m * distance_m).astype(np.float32)[..., None]
    veil = (1 - left) * np.asarray(colour, np.float32)
    return _rounded(image * left + veil)


def ground_distance_m(
    height: int, width: int, horizon: float = 0.5, focal: float = 0.5, camera_height_m: float = 1.6
) -> np.ndarray:
    """Distance along the optical axis of flat ground in every row of a level camera; inf on and above the horizon.

    Args:
        horizon: its row as a share of the height. focal: focal length as a share of the width.

    Returns:
        float32 [height].
    """
    below = np.arange(height) + 0.5 - horizon * height
    with np.errstate(divide="ignore"):
        distance = focal * width * camera_height_m / below
    return np.where(below > 0, distance, np.inf).astype(np.float32)


def _line_kernel(length_px: float, angle_rad: float) -> np.ndarray:
    """float32 [n, n] with sum 1, n odd; each point of the line is shared by its four neighbours."""
    half = max(0.0, length_px - 1) / 2
    radius = int(np.ceil(half))
    kernel = np.zeros((2 * radius + 2, 2 * radius + 2))
    along = np.linspace(-half, half, 4 * radius + 1)
    x, y = radius + along * np.cos(angle_rad), radius - along * np.sin(angle_rad)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right_share, bottom_share = x - left, y - top
    for dx, dy, share in (
        (0, 0, (1 - right_share) * (1 - bottom_share)),
        (1, 0, right_share * (1 - bottom_share)),
        (0, 1, (1 - right_share) * bottom_share),
        (1, 1, right_share * bottom_share),
    ):
        np.add.at(kernel, (top + dy, left + dx), share)
    kernel = kernel[:-1, :-1]  # the last row and column only ever get shares of 0
    return (kernel / kernel.sum()).astype(np.float32)


def _by_table(image: np.ndarray, curve: np.ndarray) -> np.ndarray:
    return cv2.LUT(image, np.clip(np.rint(curve), 0, 255).astype(np.uint8))


def _rounded(pixels: np.ndarray) -> np.ndarray:
    """uint8 of float pixels, which are changed: in place, since copies of whole pictures are what this costs."""
    np.clip(pixels, 0, 255, out=pixels)
    pixels += np.float32(0.5)
    return pixels.astype(np.uint8)
