"""Point clouds of x, y, z and intensity."""

from __future__ import annotations

import array
import sys

import numpy as np
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

_FIELDS = ("x", "y", "z", "intensity")


def point_cloud_message(points: np.ndarray, header: Header) -> PointCloud2:
    """Unordered cloud of points float32 [n, 4] (x, y, z in metres, intensity); none is a cloud of width 0.

    Raises:
        ValueError: dtype or shape is not as above.
    """
    if points.dtype != np.float32 or points.ndim != 2 or points.shape[1] != len(_FIELDS):
        raise ValueError(f"points: expected float32 [n, {len(_FIELDS)}], found {points.dtype} {list(points.shape)}")
    step = points.itemsize * len(_FIELDS)
    message = PointCloud2(header=header, height=1, width=len(points), is_dense=True)
    message.fields = [
        PointField(name=name, offset=index * points.itemsize, datatype=PointField.FLOAT32, count=1)
        for index, name in enumerate(_FIELDS)
    ]
    message.is_bigendian = sys.byteorder == "big"
    message.point_step, message.row_step = step, step * len(points)
    message.data = array.array("B", np.ascontiguousarray(points).tobytes())
    return message


def points_from_message(message: PointCloud2) -> np.ndarray:
    """Inverse of ``point_cloud_message``: float32 [n, 4]. ValueError for a cloud of another layout."""
    found = tuple(field.name for field in message.fields)
    count = message.width * message.height
    if found != _FIELDS or message.point_step != 16 or len(message.data) != 16 * count:
        raise ValueError(
            f"point cloud: expected float32 {', '.join(_FIELDS)} in steps of 16 bytes, found {', '.join(found)} "
            f"in steps of {message.point_step} and {len(message.data)} bytes for {count} points"
        )
    return np.frombuffer(message.data, np.float32).reshape(-1, len(_FIELDS))
