"""Traffic signs and signal heads, cut out of the air, one tile each."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from ros_anomaly_sim.street.painting import SIZE, Rgb, cut_out, random_colour, write

_RED: Rgb = (196.0, 22.0, 30.0)
_BLUE: Rgb = (18.0, 72.0, 168.0)
_WHITE: Rgb = (246.0, 246.0, 244.0)
_BLACK: Rgb = (14.0, 14.0, 14.0)
_YELLOW: Rgb = (246.0, 196.0, 28.0)
_GREEN: Rgb = (14.0, 108.0, 62.0)


class _Canvas:
    """Paint and its outline: what is filled on both is visible."""

    def __init__(self) -> None:
        self.image = np.zeros((SIZE, SIZE, 3), np.float32)
        self.alpha = np.zeros((SIZE, SIZE), np.uint8)

    def disc(self, radius: float, colour: Rgb, outline: bool = False) -> None:
        centre = (SIZE // 2, SIZE // 2)
        cv2.circle(self.image, centre, int(radius * SIZE), colour, -1, cv2.LINE_AA)
        if outline:
            cv2.circle(self.alpha, centre, int(radius * SIZE), 255, -1)

    def polygon(self, points: list[tuple[float, float]], colour: Rgb, outline: bool = False) -> None:
        corners = np.round(np.array(points) * (SIZE - 1)).astype(np.int32)
        cv2.fillPoly(self.image, [corners], colour, cv2.LINE_AA)
        if outline:
            cv2.fillPoly(self.alpha, [corners], 255)

    def rectangle(self, box: tuple[float, float, float, float], colour: Rgb, outline: bool = False) -> None:
        left, top, right, bottom = box
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour, outline)

    def text(self, words: str, centre: tuple[float, float], height: float, colour: Rgb) -> None:
        write(self.image, words, (centre[0] * SIZE, centre[1] * SIZE), height * SIZE, colour)

    def done(self) -> np.ndarray:
        """The picture; its colour runs past the outline, so that filtering brings in no dark rim."""
        spread = cv2.dilate(self.image, np.ones((5, 5), np.uint8))
        image = np.where(self.alpha[..., None] > 0, self.image, spread)
        return cut_out(image, self.alpha)


def _limit(rng: np.random.Generator) -> np.ndarray:
    canvas = _Canvas()
    canvas.disc(0.49, _RED, outline=True)
    canvas.disc(0.37, _WHITE)
    canvas.text(str(rng.choice(["20", "30", "40", "50", "60", "70"])), (0.5, 0.5), 0.3, _BLACK)
    return canvas.done()


def _no_entry(rng: np.random.Generator) -> np.ndarray:
    canvas = _Canvas()
    canvas.disc(0.49, _RED, outline=True)
    canvas.rectangle((0.18, 0.42, 0.82, 0.58), _WHITE)
    return canvas.done()


def _no_parking(rng: np.random.Generator) -> np.ndarray:
    canvas = _Canvas()
    canvas.disc(0.49, _RED, outline=True)
    canvas.disc(0.39, _BLUE)
    canvas.polygon([(0.2, 0.26), (0.26, 0.2), (0.8, 0.74), (0.74, 0.8)], _RED)
    if rng.random() < 0.5:
        canvas.polygon([(0.8, 0.26), (0.74, 0.2), (0.2, 0.74), (0.26, 0.8)], _RED)
    return canvas.done()


def _mandatory(rng: np.random.Generator) -> np.ndarray:
    canvas = _Canvas()
    canvas.disc(0.49, _BLUE, outline=True)
    arrow = [(0.44, 0.8), (0.44, 0.45), (0.3, 0.45), (0.5, 0.18), (0.7, 0.45), (0.56, 0.45), (0.56, 0.8)]
    turn = float(rng.choice([0.0, np.pi / 2, -np.pi / 2, np.pi * 0.75]))
    cos, sin = np.cos(turn), np.sin(turn)
    turned = [(0.5 + cos * (x - 0.5) - sin * (y - 0.5), 0.5 + sin * (x - 0.5) + cos * (y - 0.5)) for x, y in arrow]
    canvas.polygon(turned, _WHITE)
    return canvas.done()


def _stop(rng: np.random.Generator) -> np.ndarray:
    canvas = _Canvas()
    for radius, colour, outline in ((0.5, _WHITE, True), (0.46, _RED, False)):
        angles = np.pi / 8 + np.arange(8) * np.pi / 4
        points = [(0.5 + radius * float(np.cos(a)), 0.5 + radius * float(np.sin(a))) for a in angles]
        canvas.polygon(points, colour, outline)
    canvas.text("STOP", (0.5, 0.5), 0.2, _WHITE)
    return canvas.done()


def _warning(rng: np.random.Generator) -> np.ndarray:
    canvas = _Canvas()
    yellow = rng.random() < 0.35
    if yellow:
        canvas.polygon([(0.5, 0.0), (1.0, 0.5), (0.5, 1.0), (0.0, 0.5)], _BLACK, outline=True)
        canvas.polygon([(0.5, 0.05), (0.95, 0.5), (0.5, 0.95), (0.05, 0.5)], _YELLOW)
    else:
        canvas.polygon([(0.5, 0.02), (0.99, 0.92), (0.01, 0.92)], _RED, outline=True)
        canvas.polygon([(0.5, 0.24), (0.8, 0.8), (0.2, 0.8)], _WHITE)
    symbol = int(rng.integers(3))
    if symbol == 0:
        canvas.rectangle((0.46, 0.38, 0.54, 0.62), _BLACK)
        canvas.rectangle((0.46, 0.67, 0.54, 0.74), _BLACK)
    elif symbol == 1:
        canvas.polygon([(0.36, 0.74), (0.5, 0.4), (0.64, 0.74), (0.56, 0.74), (0.5, 0.56), (0.44, 0.74)], _BLACK)
    else:
        canvas.rectangle((0.47, 0.4, 0.53, 0.74), _BLACK)
        canvas.rectangle((0.36, 0.54, 0.64, 0.6), _BLACK)
    return canvas.done()


def _give_way(rng: np.random.Generator) -> np.ndarray:
    canvas = _Canvas()
    canvas.polygon([(0.01, 0.08), (0.99, 0.08), (0.5, 0.98)], _RED, outline=True)
    canvas.polygon([(0.2, 0.2), (0.8, 0.2), (0.5, 0.76)], _WHITE)
    return canvas.done()


def _priority(rng: np.random.Generator) -> np.ndarray:
    canvas = _Canvas()
    for radius, colour, outline in ((0.5, _WHITE, True), (0.36, _YELLOW, False)):
        points = [(0.5, 0.5 - radius), (0.5 + radius, 0.5), (0.5, 0.5 + radius), (0.5 - radius, 0.5)]
        canvas.polygon(points, colour, outline)
    return canvas.done()


def _parking(rng: np.random.Generator) -> np.ndarray:
    canvas = _Canvas()
    canvas.rectangle((0.02, 0.02, 0.98, 0.98), _WHITE, outline=True)
    canvas.rectangle((0.06, 0.06, 0.94, 0.94), _BLUE)
    canvas.text(str(rng.choice(["P", "H", "i"])), (0.5, 0.5), 0.5, _WHITE)
    return canvas.done()


def _crosswalk(rng: np.random.Generator) -> np.ndarray:
    canvas = _Canvas()
    canvas.rectangle((0.02, 0.02, 0.98, 0.98), _BLUE, outline=True)
    canvas.polygon([(0.5, 0.1), (0.92, 0.86), (0.08, 0.86)], _WHITE)
    canvas.disc(0.05, _BLACK)
    canvas.polygon([(0.4, 0.8), (0.47, 0.55), (0.55, 0.55), (0.62, 0.8), (0.55, 0.8), (0.5, 0.66), (0.46, 0.8)], _BLACK)
    return canvas.done()


def _one_way(rng: np.random.Generator) -> np.ndarray:
    canvas = _Canvas()
    canvas.rectangle((0.0, 0.28, 1.0, 0.72), _BLUE if rng.random() < 0.5 else _BLACK, outline=True)
    arrow = [(0.08, 0.46), (0.66, 0.46), (0.66, 0.36), (0.93, 0.5), (0.66, 0.64), (0.66, 0.54), (0.08, 0.54)]
    flip = rng.random() < 0.5
    canvas.polygon([(1 - x, y) for x, y in arrow] if flip else arrow, _WHITE)
    return canvas.done()


def direction_board(rng: np.random.Generator) -> np.ndarray:
    """A large board with place names and arrows."""
    canvas = _Canvas()
    back = [_BLUE, _GREEN, _WHITE, _YELLOW][int(rng.integers(4))]
    ink = _WHITE if back in (_BLUE, _GREEN) else _BLACK
    canvas.rectangle((0.0, 0.0, 1.0, 1.0), ink, outline=True)
    canvas.rectangle((0.03, 0.03, 0.97, 0.97), back)
    names = ["CENTRE", "STATION", "PARK", "HARBOUR", "AIRPORT", "MUSEUM", "NORTH", "SOUTH", "ZOO"]
    for y in (0.22, 0.5, 0.78):
        canvas.text(str(rng.choice(names)), (0.58, y), 0.12, ink)
        canvas.polygon([(0.06, y), (0.16, y - 0.07), (0.16, y + 0.07)], ink)
    return canvas.done()


def street_name(rng: np.random.Generator) -> np.ndarray:
    """A street name plate: the middle third of the tile's height."""
    canvas = _Canvas()
    back = [_BLUE, _GREEN, _WHITE][int(rng.integers(3))]
    canvas.rectangle((0.0, 0.36, 1.0, 0.64), back, outline=True)
    name = str(rng.choice(["OAK ST", "MAIN ST", "HILL RD", "KING AV", "LAKE RD", "MILL LN"]))
    canvas.text(name, (0.5, 0.5), 0.14, _BLACK if back == _WHITE else _WHITE)
    return canvas.done()


def signal_head(rng: np.random.Generator) -> np.ndarray:
    """Face of a traffic light with one of three lamps lit; the middle third of the tile's width."""
    canvas = _Canvas()
    canvas.rectangle((0.33, 0.0, 0.67, 1.0), random_colour(rng, (0, 60), (0.0, 0.3), (0.08, 0.2)), outline=True)
    lit = int(rng.integers(3))
    for i, colour in enumerate(((250.0, 40.0, 30.0), (250.0, 180.0, 30.0), (40.0, 230.0, 110.0))):
        shown = colour if i == lit else tuple(0.2 * c for c in colour)
        centre = (SIZE // 2, int(SIZE * (0.18 + 0.32 * i)))
        cv2.circle(canvas.image, centre, int(SIZE * 0.12), shown, -1, cv2.LINE_AA)
    return canvas.done()


_PLATES: tuple[Callable[[np.random.Generator], np.ndarray], ...] = (
    _limit,
    _no_entry,
    _no_parking,
    _mandatory,
    _stop,
    _warning,
    _give_way,
    _priority,
    _parking,
    _crosswalk,
    _one_way,
)


def plate(rng: np.random.Generator) -> np.ndarray:
    """One of eleven kinds of sign plate."""
    return _PLATES[int(rng.integers(len(_PLATES)))](rng)
