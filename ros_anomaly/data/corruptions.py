"""Corruptions of camera pictures, to measure how much of a network's quality they cost.

Severities 1 to 5 follow ImageNet-C (Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations", ICLR 2019) where it has the corruption; lengths are pixels of the picture as it is:

===========  ==========================  ========================  ==================================================
name         amount                      severities 1 to 5         as in
===========  ==========================  ========================  ==================================================
brightness   factor on all channels      1.2, 1.4, 1.6, 1.8, 2.0   ImageNet-C adds 0.1 to 0.5 of white, to a middle
                                                                   grey the same
fog          visibility in metres        600, 300, 150, 75, 40     three levels as in Foggy Cityscapes, and denser
noise        σ in grey levels            20, 31, 46, 66, 97        ImageNet-C (0.08 to 0.38 of 255)
motion-blur  length of the line, pixels  6, 10, 17, 24, 30         lines as spread out as ImageNet-C's kernels
blur         σ of a Gaussian, pixels     1, 2, 3, 4, 6             ImageNet-C
jpeg         quality                     25, 18, 15, 10, 7         ImageNet-C
===========  ==========================  ========================  ==================================================

ImageNet-C's noise and JPEG are far beyond what a working camera gives; ``noise:10`` or ``jpeg:40`` ask for milder ones.
Everything random (noise, the direction of motion) is a function of seed and frame name, the same at every amount.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from ros_anomaly.data.image_effects import (
    exposure,
    fog_over,
    gaussian_blur,
    gaussian_noise,
    ground_distance_m,
    jpeg_round_trip,
    motion_blur,
)

SEVERITIES: dict[str, tuple[float, ...]] = {
    "brightness": (1.2, 1.4, 1.6, 1.8, 2.0),
    "fog": (600.0, 300.0, 150.0, 75.0, 40.0),
    "noise": (20.0, 31.0, 46.0, 66.0, 97.0),
    "motion-blur": (6.0, 10.0, 17.0, 24.0, 30.0),
    "blur": (1.0, 2.0, 3.0, 4.0, 6.0),
    "jpeg": (25.0, 18.0, 15.0, 10.0, 7.0),
}

_LIMITS: dict[str, tuple[float, float, str]] = {
    "brightness": (0.05, 10.0, "a factor"),
    "fog": (1.0, 100_000.0, "a visibility in metres"),
    "noise": (0.1, 255.0, "grey levels"),
    "motion-blur": (1.0, 200.0, "pixels"),
    "blur": (0.1, 100.0, "pixels"),
    "jpeg": (1.0, 100.0, "a quality"),
}

_FARTHEST_M = 100.0
"""How far away what rises above the horizon is taken to be, where no depth is known."""

_BRIGHTEST = 99.0
"""Percentile of brightness: the fog is as bright as these pixels, so that it neither glows at dusk nor is black."""


@dataclass(frozen=True)
class Corruption:
    """One corruption of a certain amount.

    Attributes:
        name: of ``SEVERITIES``.
        amount: in the unit of the table above.
        severity: 1 to 5, or None for an amount of one's own.
    """

    name: str
    amount: float
    severity: int | None = None

    def __post_init__(self) -> None:
        if self.name not in SEVERITIES:
            raise ValueError(f"corruption: expected one of {', '.join(SEVERITIES)}; found {self.name!r}")
        low, high, unit = _LIMITS[self.name]
        whole = self.name != "jpeg" or float(self.amount).is_integer()
        if not (math.isfinite(self.amount) and low <= self.amount <= high and whole):
            kind = "a whole number, " if self.name == "jpeg" else ""
            raise ValueError(
                f"corruption {self.name}: expected {kind}{unit} from {low:g} to {high:g}, found {self.amount:g}"
            )

    @classmethod
    def of_severity(cls, name: str, severity: int) -> Corruption:
        """ValueError for another name or severity than those of ``SEVERITIES``."""
        amounts = SEVERITIES.get(name, (1.0,))
        if name in SEVERITIES and not 1 <= severity <= len(amounts):
            raise ValueError(f"corruption {name}: expected a severity from 1 to {len(amounts)}, found {severity}")
        return cls(name, amounts[severity - 1] if name in SEVERITIES else 1.0, severity)

    @property
    def label(self) -> str:
        """As ``parse_corruptions`` takes it: ``jpeg:40``, or ``jpeg@2`` for a severity."""
        return f"{self.name}:{self.amount:g}" if self.severity is None else f"{self.name}@{self.severity}"

    def apply(self, image: np.ndarray, frame_name: str, depth_m: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
        """The corrupted picture.

        Args:
            image: uint8 [H, W, 3] RGB; left as it is.
            frame_name, seed: decide everything random.
            depth_m: float [H, W] along the optical axis, for fog; where it is not finite or not above 0 nothing is
                seen through the fog. None: every row is as far away as flat ground in the street's level camera
                (horizon in the middle, 90° wide, 1.6 m high), what rises above the horizon 100 m.

        Returns:
            uint8 [H, W, 3].
        """
        rng = np.random.default_rng([seed, crc32(frame_name.encode()), crc32(self.name.encode())])
        if self.name == "brightness":
            return exposure(image, self.amount)
        if self.name == "fog":
            return fog_over(image, _distance_m(image, depth_m), self.amount, _brightest(image))
        if self.name == "noise":
            return gaussian_noise(image, self.amount, rng)
        if self.name == "motion-blur":
            return motion_blur(image, self.amount, float(rng.uniform(-math.pi / 4, math.pi / 4)))
        if self.name == "blur":
            return gaussian_blur(image, self.amount)
        return jpeg_round_trip(image, int(self.amount))


def parse_corruptions(text: str) -> tuple[Corruption, ...]:
    """What a word on the command line asks for.

    ``NAME:AMOUNT`` is one amount (``jpeg:40``, ``noise:10``, ``blur:2``), ``NAME@SEVERITY`` one severity, ``NAME`` all
    five, ``all`` all five of every corruption. ValueError that says so for anything else.
    """
    if text == "all":
        return tuple(corruption for name in SEVERITIES for corruption in parse_corruptions(name))
    name, colon, amount = text.partition(":")
    name, at, severity = name.partition("@")
    if name not in SEVERITIES or (colon and at):
        raise ValueError(
            f"corruption: expected all, NAME, NAME@SEVERITY or NAME:AMOUNT with a NAME of {', '.join(SEVERITIES)}; "
            f"found {text!r}"
        )
    if at:
        if not severity.isdecimal():
            raise ValueError(f"corruption {text!r}: expected a severity from 1 to 5 after @, found {severity!r}")
        return (Corruption.of_severity(name, int(severity)),)
    if not colon:
        return tuple(Corruption.of_severity(name, i + 1) for i in range(len(SEVERITIES[name])))
    try:
        value = float(amount)
    except ValueError:
        raise ValueError(f"corruption {text!r}: expected a number after the colon, found {amount!r}") from None
    return (Corruption(name, value),)


def _distance_m(image: np.ndarray, depth_m: np.ndarray | None) -> np.ndarray:
    height, width = image.shape[:2]
    if depth_m is None:
        return np.minimum(ground_distance_m(int(height), int(width)), _FARTHEST_M)[:, None]
    if depth_m.shape != (height, width):
        raise ValueError(f"depth: expected the shape of its picture {(height, width)}, found {depth_m.shape}")
    return np.where(np.isfinite(depth_m) & (depth_m > 0), depth_m, np.inf).astype(np.float32)


def _brightest(image: np.ndarray) -> tuple[float, float, float]:
    """Mean colour of the brightest hundredth of the pixels: what the sky lights the fog with."""
    grey = image.mean(axis=2)
    red, green, blue = image[grey >= np.percentile(grey, _BRIGHTEST)].mean(axis=0)
    return float(red), float(green), float(blue)
