"""What the catalogue says about one object."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ros_anomaly.choice import Choice
from ros_anomaly.data.labels import StreetClass
from ros_anomaly_sim.street.splits import Split


class ObjectKind(str, Choice):
    """What an object is for: a part of the street, or an anomaly of one of the three splits."""

    CAR = "car"
    PERSON = "person"
    TREE = "tree"
    HEDGE = "hedge"
    STREET_FURNITURE = "street_furniture"
    LAMP = "lamp"
    NEGATIVE = "negative"
    VALIDATION_ANOMALY = "validation_anomaly"
    RESERVED = "reserved"


CLASS_OF_KIND: dict[ObjectKind, StreetClass] = {
    ObjectKind.CAR: StreetClass.CAR,
    ObjectKind.PERSON: StreetClass.PEDESTRIAN,
    ObjectKind.TREE: StreetClass.VEGETATION,
    ObjectKind.HEDGE: StreetClass.VEGETATION,
    ObjectKind.STREET_FURNITURE: StreetClass.OTHER,
    ObjectKind.LAMP: StreetClass.POLE,
    ObjectKind.NEGATIVE: StreetClass.ANOMALY,
    ObjectKind.VALIDATION_ANOMALY: StreetClass.ANOMALY,
    ObjectKind.RESERVED: StreetClass.ANOMALY,
}

SPLIT_OF_ANOMALIES: dict[ObjectKind, Split] = {
    ObjectKind.NEGATIVE: Split.TRAIN,
    ObjectKind.VALIDATION_ANOMALY: Split.VALIDATION,
    ObjectKind.RESERVED: Split.TEST,
}

SHAPE_PREFIX = "shape:"


@dataclass(frozen=True)
class ObjectSpec:
    """One row of the object table.

    ``source`` is a furniture catalogue id (``"Scopia#bus"``) or ``"shape:<name>:<seed>"`` for a computed one.
    ``length_m`` is the longest side of the bounding box; None keeps the catalogue's own size.
    ``yaw_deg`` turns the model counter-clockwise, after which its front looks along +y.
    ``paint`` names the materials that take a placement's paint; ``leaves`` those that are foliage.
    ``form`` tells apart what a kind holds ("van", "bench").
    """

    name: str
    source: str
    kind: ObjectKind
    split: Split
    form: str
    length_m: float | None = None
    yaw_deg: float = 0.0
    paint: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise ValueError(f"object name {self.name!r}: expected lower case letters, digits and underscores")
        if "#" not in self.source and not self.source.startswith(SHAPE_PREFIX):
            raise ValueError(f"object {self.name}: source {self.source!r} is neither a catalogue id nor a shape")
        if self.length_m is not None and not 0.25 <= self.length_m <= 30.0:
            raise ValueError(f"object {self.name}: expected length_m in 0.25..30, found {self.length_m}")
        expected = SPLIT_OF_ANOMALIES.get(self.kind, self.split)
        if self.split != expected:
            belongs = f"{self.kind.value} belongs to {expected.value}"
            raise ValueError(f"object {self.name}: {belongs}, not {self.split.value}")

    @property
    def class_id(self) -> int:
        """Class of the object in ground truth: 13 for every anomaly."""
        return int(CLASS_OF_KIND[self.kind])

    @property
    def is_anomaly(self) -> bool:
        return self.kind in SPLIT_OF_ANOMALIES

    @property
    def is_computed(self) -> bool:
        return self.source.startswith(SHAPE_PREFIX)
