"""Message classes of rclpy by the names that bags have for them."""

from __future__ import annotations

import importlib


def message_class(name: str) -> type:
    """Class of ``sensor_msgs/msg/Image``; ValueError where that is no such name, or is not installed here."""
    package, middle, kind = (name.split("/") + ["", ""])[:3]
    if middle != "msg" or not package.isidentifier() or not kind.isidentifier():
        raise ValueError(f"message type: expected a name such as sensor_msgs/msg/Image, found {name!r}")
    try:
        return getattr(importlib.import_module(f"{package}.msg"), kind)
    except (ImportError, AttributeError):
        raise ValueError(f"message type {name} is not installed here") from None
