"""Class ids, names and palettes: the street classes (StreetHazards dataset ids), Cityscapes' own, and a user's."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np


class StreetClass(IntEnum):
    """Semantic classes: 0..12 are the K = 13 inlier classes, 13 exists in ground truth only."""

    BACKGROUND = 0
    BUILDING = 1
    FENCE = 2
    OTHER = 3
    PEDESTRIAN = 4
    POLE = 5
    ROAD_LINE = 6
    ROAD = 7
    SIDEWALK = 8
    VEGETATION = 9
    CAR = 10
    WALL = 11
    TRAFFIC_SIGN = 12
    ANOMALY = 13


NUM_INLIER_CLASSES = 13
ANOMALY_ID = int(StreetClass.ANOMALY)
VOID_ID = 255
INLIER_ID = 254
"""Exists in ground truth only: in-distribution, of a class that is not known or has no counterpart among the K."""

CLASS_NAMES: tuple[str, ...] = tuple(c.name.lower() for c in StreetClass if c != StreetClass.ANOMALY)

# Colours follow the Cityscapes palette where a class has a counterpart there.
_COLOURS: dict[StreetClass, tuple[int, int, int]] = {
    StreetClass.BACKGROUND: (70, 130, 180),
    StreetClass.BUILDING: (70, 70, 70),
    StreetClass.FENCE: (190, 153, 153),
    StreetClass.OTHER: (250, 170, 160),
    StreetClass.PEDESTRIAN: (220, 20, 60),
    StreetClass.POLE: (153, 153, 153),
    StreetClass.ROAD_LINE: (157, 234, 50),
    StreetClass.ROAD: (128, 64, 128),
    StreetClass.SIDEWALK: (244, 35, 232),
    StreetClass.VEGETATION: (107, 142, 35),
    StreetClass.CAR: (0, 0, 142),
    StreetClass.WALL: (102, 102, 156),
    StreetClass.TRAFFIC_SIGN: (220, 220, 0),
    StreetClass.ANOMALY: (255, 255, 255),
}


def _palette() -> np.ndarray:
    palette = np.zeros((256, 3), np.uint8)
    for street_class, colour in _COLOURS.items():
        palette[street_class] = colour
    palette[INLIER_ID] = (128, 128, 128)
    return palette


PALETTE: np.ndarray = _palette()
"""uint8 [256, 3] RGB: ``PALETTE[class_ids]`` colours a label map; void is black, an unnamed inlier grey."""


def anomaly_labels(class_ids: np.ndarray) -> np.ndarray:
    """What anomaly metrics compare with: uint8 of the same shape, 1 where anomalous, 255 void, 0 everything else."""
    labels = np.zeros(class_ids.shape, np.uint8)
    labels[class_ids == ANOMALY_ID] = 1
    labels[class_ids == VOID_ID] = VOID_ID
    return labels


@dataclass(frozen=True)
class ClassSet:
    """The K inlier classes that a network is trained on; ids are places in ``names``.

    Training labels hold 0..K-1 and, for anomalies, K (``anomaly_id``, the row of the outlier class); all else is void.

    Attributes:
        name: of the set.
        names: of the classes, in the order of their ids.
        colours: RGB of each.
        ground: ids of what a vehicle or a person may stand on.
        things: ids of what has single objects that can be cut out (no ground, building, sky ...).
    """

    name: str
    names: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    ground: frozenset[int] = frozenset()
    things: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if not 1 <= len(self.names) < INLIER_ID or len(set(self.names)) != len(self.names) or "" in self.names:
            raise ValueError(f"classes: expected 1 to {INLIER_ID - 1} different names, found {list(self.names)}")
        if len(self.colours) != len(self.names):
            raise ValueError(f"classes: expected {len(self.names)} colours, found {len(self.colours)}")
        if not self.ground | self.things <= set(range(self.count)):
            raise ValueError(f"classes: expected ids of ground and things below {self.count}")

    @property
    def count(self) -> int:
        """K."""
        return len(self.names)

    @property
    def anomaly_id(self) -> int:
        """K: the id of anomalies in training labels of these classes."""
        return len(self.names)

    @property
    def palette(self) -> np.ndarray:
        """uint8 [256, 3] RGB: anomalies are white, void is black, an unnamed inlier grey."""
        palette = np.zeros((256, 3), np.uint8)
        palette[: self.count] = self.colours
        palette[self.anomaly_id] = _COLOURS[StreetClass.ANOMALY]
        palette[INLIER_ID] = PALETTE[INLIER_ID]
        return palette

    @classmethod
    def of_names(cls, names: Iterable[str]) -> ClassSet:
        """A user's own classes. Those called as one of the street's or of Cityscapes' have its colour and uses.

        Raises:
            ValueError: no names, or two that are equal.
        """
        names = tuple(names)
        known = {_plain(name): (known, i) for known in KNOWN_CLASSES for i, name in enumerate(known.names)}
        found = [known.get(_plain(name)) for name in names]
        # Colours of unknown classes differ from each other and from black and white by their hue alone.
        spare = [_hue(i / max(1, len(names))) for i in range(len(names))]
        return cls(
            "own",
            names,
            tuple(spare[i] if hit is None else hit[0].colours[hit[1]] for i, hit in enumerate(found)),
            frozenset(i for i, hit in enumerate(found) if hit and hit[1] in hit[0].ground),
            frozenset(i for i, hit in enumerate(found) if hit and hit[1] in hit[0].things),
        )


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", " ").replace("-", " ")


def _hue(share: float) -> tuple[int, int, int]:
    """A clear colour of that hue (0..1) in RGB."""
    red, green, blue = colorsys.hsv_to_rgb(share, 0.65, 0.85)
    return int(255 * red), int(255 * green), int(255 * blue)


STREET_CLASSES = ClassSet(
    "street",
    CLASS_NAMES,
    tuple(_COLOURS[StreetClass(i)] for i in range(NUM_INLIER_CLASSES)),
    ground=frozenset((StreetClass.ROAD, StreetClass.ROAD_LINE, StreetClass.SIDEWALK)),
    things=frozenset((StreetClass.OTHER, StreetClass.PEDESTRIAN, StreetClass.CAR, StreetClass.TRAFFIC_SIGN)),
)
"""The K = 13 classes of StreetHazards and of the rendered streets; its anomaly id is ``ANOMALY_ID``."""

_CITYSCAPES: tuple[tuple[str, tuple[int, int, int]], ...] = (
    ("road", (128, 64, 128)),
    ("sidewalk", (244, 35, 232)),
    ("building", (70, 70, 70)),
    ("wall", (102, 102, 156)),
    ("fence", (190, 153, 153)),
    ("pole", (153, 153, 153)),
    ("traffic light", (250, 170, 30)),
    ("traffic sign", (220, 220, 0)),
    ("vegetation", (107, 142, 35)),
    ("terrain", (152, 251, 152)),
    ("sky", (70, 130, 180)),
    ("person", (220, 20, 60)),
    ("rider", (255, 0, 0)),
    ("car", (0, 0, 142)),
    ("truck", (0, 0, 70)),
    ("bus", (0, 60, 100)),
    ("train", (0, 80, 100)),
    ("motorcycle", (0, 0, 230)),
    ("bicycle", (119, 11, 32)),
)

CITYSCAPES_CLASSES = ClassSet(
    "cityscapes",
    tuple(name for name, _ in _CITYSCAPES),
    tuple(colour for _, colour in _CITYSCAPES),
    ground=frozenset((0, 1)),
    things=frozenset((6, 7, *range(11, 19))),
)
"""The 19 evaluated classes of Cityscapes by train id, with its colours."""

KNOWN_CLASSES: tuple[ClassSet, ...] = (CITYSCAPES_CLASSES, STREET_CLASSES)
