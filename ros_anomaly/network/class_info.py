"""The classes of a network in the ``info`` of its weights: names and colours in the order of their ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ros_anomaly.data.labels import STREET_CLASSES, ClassSet

KEY = "classes"


def classes_to_info(classes: ClassSet) -> list[dict[str, Any]]:
    """What ``info["classes"]`` holds: a name and an RGB colour a class; JSON-serialisable."""
    return [{"name": name, "colour": list(colour)} for name, colour in zip(classes.names, classes.colours, strict=True)]


def classes_from_info(info: Mapping[str, Any], inlier_classes: int) -> ClassSet | None:
    """The K classes that ``info`` names; without any the street's, if K is theirs, else None.

    Raises:
        ValueError: entries without name or colour, or another number of them than K.
    """
    entries = info.get(KEY)
    if entries is None:
        return STREET_CLASSES if inlier_classes == STREET_CLASSES.count else None
    try:
        names = tuple(str(entry["name"]) for entry in entries)
        colours = tuple((int(red), int(green), int(blue)) for red, green, blue in (e["colour"] for e in entries))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"info classes: expected a name and an RGB colour each, found {entries!r}") from error
    if len(names) != inlier_classes:
        raise ValueError(f"info classes: expected {inlier_classes}, found {len(names)}")
    return ClassSet("own", names, colours)
