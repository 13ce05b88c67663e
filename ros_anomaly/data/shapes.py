"""Made-up negatives: bodies with limbs, piles of solids, blobs, under random patterns; and structures of bars.

Objects that can be had as models are household things, boxy and rigid; what runs onto a road is often neither.
"""

from __future__ import annotations

import cv2
import numpy as np

from ros_anomaly.data.cutout_store import Cutout
from ros_anomaly.data.patterns import clouds, random_pattern
from ros_anomaly.data.structure_drawing import draw_structure
from ros_anomaly.data.structures import random_structure

_SIDE_PX = 160
_MIN_SHARE = 0.04
_STRUCTURES = 0.45


class MadeUpShapes:
    """An endless source of negatives; each is drawn anew."""

    def draw(self, rng: np.random.Generator) -> Cutout:
        """A cut-out of unknown height in metres, its longer side about 160 px."""
        if rng.random() < _STRUCTURES:
            rgba = draw_structure(random_structure(rng), _SIDE_PX, rng)
            return Cutout("made_up", rgba, info={"object": "made up"})
        mask = random_silhouette(rng, _SIDE_PX)
        top, bottom, left, right = bounds(mask)
        mask = mask[top:bottom, left:right]
        rgba = np.dstack([_shaded(mask, rng), mask])
        return Cutout("made_up", rgba, info={"object": "made up"})


def random_silhouette(rng: np.random.Generator, side_px: int) -> np.ndarray:
    """A random shape, uint8 [side_px, side_px], 255 inside with soft edges; never empty."""
    while True:
        kind = rng.random()
        # Drawn twice as large and averaged: OpenCV's own soft edges know no filled ellipses.
        canvas = np.zeros((2 * side_px, 2 * side_px), np.uint8)
        if kind < 0.5:
            _creature(canvas, rng)
        elif kind < 0.75:
            _pile(canvas, rng)
        else:
            _blob(canvas, rng)
        mask = np.asarray(cv2.resize(canvas, (side_px, side_px), interpolation=cv2.INTER_AREA), np.uint8)
        if (mask > 127).mean() >= _MIN_SHARE:
            return mask


def bounds(mask: np.ndarray) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of what is not 0 in ``mask`` [H, W]; the ends are exclusive. It must not be empty."""
    left, top, width, height = cv2.boundingRect(mask)
    return top, top + height, left, left + width


def _point(at: np.ndarray) -> tuple[int, int]:
    return round(float(at[0])), round(float(at[1]))


def _limb(canvas: np.ndarray, start: np.ndarray, angle: float, length: float, width: float, bends: int) -> np.ndarray:
    """A chain of tapering strokes from ``start``; returns its end. The angle turns a little at each bend."""
    for number in range(bends):
        end = start + length / bends * np.array([np.cos(angle), np.sin(angle)])
        cv2.line(canvas, _point(start), _point(end), 255, max(2, round(width * (1 - 0.25 * number))))
        start, angle = end, angle + (0.5 if number % 2 else -0.5)
    return start


def _creature(canvas: np.ndarray, rng: np.random.Generator) -> None:
    """A trunk on legs with a neck, a head and perhaps a tail, in any proportions."""
    side = canvas.shape[0]
    length, girth = side * rng.uniform(0.2, 0.5), side * rng.uniform(0.07, 0.22)
    tilt = rng.normal(0, 0.25)
    along = np.array([np.cos(tilt), np.sin(tilt)])
    middle = np.array([side / 2, side * 0.5])
    cv2.ellipse(
        canvas, _point(middle), (round(length / 2 + girth / 3), round(girth / 2 + 1)), np.degrees(tilt), 0, 360, 255, -1
    )
    legs = int(rng.choice((2, 3, 4, 4, 4, 6)))
    leg_length, leg_width = side * rng.uniform(0.1, 0.4), girth * rng.uniform(0.12, 0.4)
    for place in np.linspace(-0.45, 0.45, legs):
        hip = middle + along * place * length
        angle = np.pi / 2 + rng.normal(0, 0.25)
        _limb(canvas, hip, angle, leg_length + girth / 2, leg_width, int(rng.integers(1, 4)))
    shoulder = middle + along * length * 0.45
    neck = rng.uniform(-1.4, 0.3)
    head = _limb(canvas, shoulder, neck, side * rng.uniform(0.05, 0.25), girth * rng.uniform(0.3, 0.7), 1)
    size = girth * rng.uniform(0.25, 0.55)
    cv2.ellipse(
        canvas, _point(head), (round(size * rng.uniform(1, 1.8)), round(size)), rng.uniform(-40, 60), 0, 360, 255, -1
    )
    if rng.random() < 0.6:
        tail = middle - along * length * 0.5
        _limb(canvas, tail, np.pi + rng.normal(0, 0.7), side * rng.uniform(0.05, 0.3), max(2.0, girth * 0.12), 3)


def _pile(canvas: np.ndarray, rng: np.random.Generator) -> None:
    """Two to six boxes, discs and wedges that lean on each other."""
    side = canvas.shape[0]
    middle = np.array([side / 2, side / 2])
    for _ in range(int(rng.integers(2, 7))):
        size = (side * rng.uniform(0.08, 0.45), side * rng.uniform(0.05, 0.35))
        kind = rng.random()
        if kind < 0.55:
            corners = cv2.boxPoints((middle.tolist(), size, float(rng.uniform(0, 180))))
            cv2.fillPoly(canvas, [corners.astype(np.int32)], 255)
        elif kind < 0.8:
            axes = (round(size[0] / 2), round(size[1] / 2))
            cv2.ellipse(canvas, _point(middle), axes, rng.uniform(0, 180), 0, 360, 255, -1)
        else:
            cv2.fillPoly(canvas, [(middle + rng.normal(0, side * 0.15, (3, 2))).astype(np.int32)], 255)
        middle = middle + rng.normal(0, side * 0.13, 2)
        middle = np.clip(middle, side * 0.2, side * 0.8)


def _blob(canvas: np.ndarray, rng: np.random.Generator) -> None:
    """A closed outline whose radius is a sum of a few waves."""
    side = canvas.shape[0]
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    radius = np.ones(72)
    for wave in range(1, 7):
        radius += rng.normal(0, 0.35 / wave) * np.cos(wave * angles + rng.uniform(0, 2 * np.pi))
    radius = np.clip(radius, 0.15, 1.9) * side * rng.uniform(0.14, 0.24)
    stretch = rng.uniform(0.45, 1.0)
    outline = np.stack([np.cos(angles) * radius, np.sin(angles) * radius * stretch], axis=1) + side / 2
    cv2.fillPoly(canvas, [outline.astype(np.int32)], 255)


def _shaded(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A pattern with light from above, darker towards the outline; uint8 [h, w, 3]."""
    height, width = mask.shape
    depth = cv2.distanceTransform((mask > 127).astype(np.uint8), cv2.DIST_L2, 3)
    round_share = rng.uniform(0, 0.5)
    rim = 1 - round_share * np.exp(-depth / (1 + 0.05 * max(height, width)))
    fall = np.linspace(1.0, rng.uniform(0.45, 1.0), height, dtype=np.float32)[:, None]
    grain = 1 + rng.uniform(0, 0.35) * (clouds(height, width, rng) - 0.5)
    light = (rim * fall * grain).astype(np.float32)[..., None]
    return np.clip(random_pattern(height, width, rng) * light, 0, 255).astype(np.uint8)
