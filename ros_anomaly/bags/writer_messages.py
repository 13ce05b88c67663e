"""ROS messages of rclpy as the bytes (CDR) that a bag holds, without rclpy's serialiser and so without a graph."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_typestore

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore


@lru_cache(maxsize=1)
def standard_types() -> Typestore:
    """The message definitions of ROS 2's common interfaces; they are embedded in every bag that is written."""
    return get_typestore(Stores.ROS2_JAZZY)


def type_name(message: Any) -> str:
    """``sensor_msgs/msg/Image`` of a message of rclpy or of rosbags; ValueError for anything that bags do not know."""
    kind = type(message)
    name = getattr(message, "__msgtype__", None) or f"{kind.__module__.split('.')[0]}/msg/{kind.__name__}"
    if name not in standard_types().types:
        raise ValueError(f"message: expected a type of ROS 2's common interfaces, found {name}")
    return str(name)


def cdr_bytes(message: Any) -> bytes:
    """Serialised ``message``, the same bytes for the same content. ValueError as ``type_name``."""
    name = type_name(message)
    return bytes(standard_types().serialize_cdr(_as_rosbags(message, name), name))


def _as_rosbags(message: Any, name: str) -> Any:
    if hasattr(message, "__msgtype__"):
        return message
    fields = standard_types().fielddefs[name][1]
    return standard_types().types[name](**{field: _value(getattr(message, field), kind) for field, kind in fields})


def _value(value: Any, kind: tuple[Nodetype, Any]) -> Any:
    node, detail = kind
    if node is Nodetype.NAME:
        return _as_rosbags(value, detail)
    if node is Nodetype.BASE:
        # rclpy keeps a `byte` as bytes of length one, rosbags as a number.
        return value[0] if isinstance(value, bytes) else value
    return _sequence(value, *detail[0])


def _sequence(values: Sequence[Any] | array[Any] | np.ndarray, node: Nodetype, detail: Any) -> Any:
    if node is Nodetype.NAME:
        return [_as_rosbags(value, detail) for value in values]
    kind = detail[0]
    if kind in ("string", "wstring"):
        return list(values)
    if isinstance(values, Sequence) and values and isinstance(values[0], bytes):
        return np.frombuffer(b"".join(values), np.uint8)
    dtype = np.dtype({"bool": "bool", "byte": "uint8", "octet": "uint8", "char": "uint8"}.get(kind, kind))
    return np.frombuffer(values, dtype) if isinstance(values, array) else np.asarray(values, dtype)
