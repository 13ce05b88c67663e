"""Numbers of the sensors in the stream headers: the order of the client's SensorRegistry (0.9.16)."""

from __future__ import annotations

from enum import IntEnum


class SensorType(IntEnum):
    """First field of a stream header."""

    COLLISION = 0
    DEPTH_CAMERA = 1
    GNSS = 4
    IMU = 5
    RGB_CAMERA = 13
    SEMANTIC_CAMERA = 14
    INSTANCE_CAMERA = 15
    WORLD_STATE = 17


SENSOR_OF_BLUEPRINT: dict[str, SensorType] = {
    "sensor.other.collision": SensorType.COLLISION,
    "sensor.camera.depth": SensorType.DEPTH_CAMERA,
    "sensor.other.gnss": SensorType.GNSS,
    "sensor.other.imu": SensorType.IMU,
    "sensor.camera.rgb": SensorType.RGB_CAMERA,
    "sensor.camera.semantic_segmentation": SensorType.SEMANTIC_CAMERA,
    "sensor.camera.instance_segmentation": SensorType.INSTANCE_CAMERA,
}
CAMERAS = frozenset(
    {
        SensorType.RGB_CAMERA,
        SensorType.SEMANTIC_CAMERA,
        SensorType.INSTANCE_CAMERA,
        SensorType.DEPTH_CAMERA,
    }
)
