"""What a real camera adds to a rendered image: exposure, colour cast, softness, vignetting, noise, compression."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ros_anomaly.limits import check_within

_GAMMA = 2.2
_NOISE_TILE = 1024
_TARGET_LUMINANCE = 0.20
_GAIN_LIMITS = (0.45, 2.2)
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)

_RANGES: dict[str, tuple[float, float]] = {
    "exposure_strength": (0.0, 1.0),
    "gain_error_stops": (-2.0, 2.0),
    "red_gain": (0.5, 2.0),
    "blue_gain": (0.5, 2.0),
    "vignetting": (0.0, 0.9),
    "blur_px": (0.0, 3.0),
    "chromatic_blur_px": (0.0, 3.0),
    "shot_noise": (0.0, 0.2),
    "read_noise": (0.0, 0.2),
}


@dataclass(frozen=True)
class SensorModel:
    """One camera. Noise is in units of full scale in linear light: variance = read² + shot² · signal.

    ``exposure_strength`` is the share (in stops) of the way to middle grey that auto-exposure goes,
    ``gain_error_stops`` what it is off; ``vignetting`` the light lost in the corners; blurs are standard
    deviations, the chromatic one is added on red and blue; ``jpeg_quality`` None leaves the image uncompressed.
    """

    exposure_strength: float = 0.5
    gain_error_stops: float = 0.0
    red_gain: float = 1.0
    blue_gain: float = 1.0
    vignetting: float = 0.15
    blur_px: float = 0.45
    chromatic_blur_px: float = 0.35
    shot_noise: float = 0.016
    read_noise: float = 0.004
    jpeg_quality: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            check_within(name, getattr(self, name), low, high)
        if self.jpeg_quality is not None and not 1 <= self.jpeg_quality <= 100:
            raise ValueError(f"jpeg_quality: expected 1 to 100 or None, found {self.jpeg_quality}")

    @staticmethod
    def preset(name: str) -> SensorModel:
        """A named camera; KeyError lists the known ones."""
        if name not in SENSOR_PRESETS:
            raise KeyError(f"no sensor {name!r}; presets are {list(SENSOR_PRESETS)}")
        return SENSOR_PRESETS[name]

    @staticmethod
    def sample(rng: np.random.Generator) -> SensorModel:
        """A random camera between good and poor, for training and evaluation frames."""
        return SensorModel(
            exposure_strength=float(rng.uniform(0.25, 0.8)),
            gain_error_stops=float(np.clip(rng.normal(0.0, 0.22), -0.6, 0.6)),
            red_gain=float(np.clip(rng.normal(1.0, 0.035), 0.88, 1.12)),
            blue_gain=float(np.clip(rng.normal(1.0, 0.045), 0.86, 1.14)),
            vignetting=float(rng.uniform(0.0, 0.35)),
            blur_px=float(rng.uniform(0.3, 0.8)),
            chromatic_blur_px=float(rng.uniform(0.0, 0.6)),
            shot_noise=float(np.exp(rng.uniform(np.log(0.006), np.log(0.035)))),
            read_noise=float(np.exp(rng.uniform(np.log(0.001), np.log(0.010)))),
            jpeg_quality=int(rng.integers(70, 97)) if rng.random() < 0.35 else None,
            seed=int(rng.integers(2**31)),
        )

    def apply(self, image: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """The image uint8 [H, W, 3] RGB as this camera records it, same shape.

        Without ``rng`` the noise follows from ``seed`` and the image. Raises ValueError for other types or shapes.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"image: expected uint8 [H, W, 3], found {image.dtype} {list(image.shape)}")
        if rng is None:
            rng = np.random.default_rng([self.seed, zlib.crc32(np.ascontiguousarray(image[::4, ::4]).tobytes())])
        exposed = cv2.LUT(self._soften(image), self._response(image))
        signal: np.ndarray = exposed.astype(np.float32)
        if self.vignetting > 0:
            signal = np.multiply(signal, _vignette(image.shape[0], image.shape[1], round(self.vignetting, 3)))
        if self.shot_noise > 0 or self.read_noise > 0:
            deviation = cv2.LUT(exposed, self._noise_deviation())
            signal = signal + deviation * _noise(image.shape[0], image.shape[1], rng)
        # The half makes the truncating conversion round.
        recorded = np.clip(signal + np.float32(0.5), 0.0, 255.0).astype(np.uint8)
        return recorded if self.jpeg_quality is None else _through_jpeg(recorded, self.jpeg_quality)

    def _soften(self, image: np.ndarray) -> np.ndarray:
        soft = cv2.GaussianBlur(image, (0, 0), self.blur_px) if self.blur_px > 0.05 else image
        if self.chromatic_blur_px <= 0.05:
            return soft
        red, green, blue = cv2.split(soft)
        red = cv2.GaussianBlur(red, (0, 0), self.chromatic_blur_px)
        blue = cv2.GaussianBlur(blue, (0, 0), self.chromatic_blur_px)
        return cv2.merge([red, green, blue])

    def _response(self, image: np.ndarray) -> np.ndarray:
        linear = (np.arange(256, dtype=np.float32) / 255) ** _GAMMA
        luminance = float((linear[image[::8, ::8]] @ _LUMINANCE).mean())
        gain = (_TARGET_LUMINANCE / max(luminance, 1e-3)) ** self.exposure_strength
        gain = float(np.clip(gain, *_GAIN_LIMITS)) * 2.0**self.gain_error_stops
        gains = gain * np.array([self.red_gain, 1.0, self.blue_gain], np.float32)
        exposed = linear[:, None] * gains
        # A shoulder instead of a hard limit, the wider the more the gain pushes into white.
        width = 0.2 * float(np.clip((gains.max() - 1) / 0.25, 1e-3, 1.0))
        over = np.maximum(exposed - (1 - width), 0.0)
        exposed = np.minimum(exposed, 1 - width) + width * (1 - np.exp(-over / width))
        return np.round(255 * exposed ** (1 / _GAMMA)).astype(np.uint8).reshape(256, 1, 3)

    def _noise_deviation(self) -> np.ndarray:
        linear = (np.arange(256, dtype=np.float32) / 255) ** _GAMMA
        deviation = np.sqrt(self.read_noise**2 + self.shot_noise**2 * linear)
        # d(x^(1/g))/dx; the limit stands for the linear foot that real tone curves have near black.
        slope = np.maximum(linear, 0.015) ** (1 / _GAMMA - 1) / _GAMMA
        return np.repeat((255 * deviation * slope).astype(np.float32)[:, None], 3, 1).reshape(256, 1, 3)


SENSOR_PRESETS: dict[str, SensorModel] = {
    "ideal": SensorModel(0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    "good": SensorModel(vignetting=0.08, blur_px=0.35, chromatic_blur_px=0.2, shot_noise=0.008, read_noise=0.0015),
    "ordinary": SensorModel(),
    "poor": SensorModel(
        gain_error_stops=0.25,
        red_gain=1.06,
        blue_gain=0.94,
        vignetting=0.35,
        blur_px=0.8,
        chromatic_blur_px=0.6,
        shot_noise=0.035,
        read_noise=0.010,
        jpeg_quality=70,
    ),
}


@lru_cache(maxsize=8)
def _vignette(height: int, width: int, loss: float) -> np.ndarray:
    y = (np.arange(height, dtype=np.float32) - (height - 1) / 2)[:, None]
    x = (np.arange(width, dtype=np.float32) - (width - 1) / 2)[None]
    radius2 = (x * x + y * y) / (height * height + width * width) * 4
    factor = (1 - loss * radius2**1.5) ** (1 / _GAMMA)
    return np.ascontiguousarray(np.repeat(factor[..., None], 3, 2))


@lru_cache(maxsize=1)
def _noise_tile() -> np.ndarray:
    noise = np.random.default_rng(7).standard_normal((_NOISE_TILE, _NOISE_TILE, 3), dtype=np.float32)
    # Demosaicing correlates neighbours a little.
    correlated = np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.45, borderType=cv2.BORDER_REFLECT))
    return correlated / correlated.std()


def _noise(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Unit noise float32 [H, W, 3]: a random window of a fixed tile, far cheaper than fresh normal numbers."""
    tile = _noise_tile()
    top, left = rng.integers(0, _NOISE_TILE, 2)
    rows = (top + np.arange(height)) % _NOISE_TILE
    columns = (left + np.arange(width)) % _NOISE_TILE
    sign = np.float32(rng.choice((-1.0, 1.0)))
    return sign * tile.take(rows, 0).take(columns, 1)


def _through_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    done, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise RuntimeError(f"JPEG encoding of an image {list(image.shape)} failed")
    return np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1])
