"""GNSS and IMU: measurements of a sensor's motion, in CARLA's conventions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ros_anomaly_sim.server.actors import Actor
from ros_anomaly_sim.server.dynamics import GRAVITY_MPS2
from ros_anomaly_sim.server.geometry import Vec3
from ros_anomaly_sim.server.sensor_spec import SensorSpec
from ros_anomaly_sim.street.network.opendrive import LATITUDE_DEG, LONGITUDE_DEG

_RADIUS_M = 6378137.0 * 0.9996


def geolocation(location: Vec3) -> tuple[float, float, float]:
    """(latitude, longitude, altitude), degrees and metres, of a location.

    The inverse of the transverse Mercator projection on a sphere (J. P. Snyder, Map Projections: A Working Manual,
    eqs. 8-6 and 8-7) with the radius, the scale and the axes of ``carla.Map.transform_to_geolocation`` in 0.9.16,
    to which +x is east and +y north: the two have to agree.
    """
    x, y, z = location
    d = y / _RADIUS_M + math.radians(LATITUDE_DEG)
    latitude = math.asin(math.sin(d) / math.cosh(x / _RADIUS_M))
    longitude = math.atan2(math.sinh(x / _RADIUS_M), math.cos(d))
    return math.degrees(latitude), LONGITUDE_DEG + math.degrees(longitude), z


def gnss_reading(sensor: Actor, spec: SensorSpec, rng: np.random.Generator) -> list[float]:
    """[latitude, longitude, altitude] with the asked-for bias and noise."""
    noise = dict(spec.noise)
    values = geolocation(sensor.world_transform().location)
    return [
        value + noise[f"noise_{axis}_bias"] + _normal(rng, noise[f"noise_{axis}_stddev"])
        for axis, value in zip(("lat", "lon", "alt"), values, strict=True)
    ]


def imu_reading(sensor: Actor, spec: SensorSpec, rng: np.random.Generator) -> list[Any]:
    """[accelerometer m/s² with gravity, gyroscope rad/s, compass rad], in the sensor's axes."""
    noise = dict(spec.noise)
    body = sensor.family()
    to_sensor = sensor.world_transform().matrix().T
    felt = to_sensor @ (np.asarray(body.acceleration) + (0.0, 0.0, GRAVITY_MPS2))
    turned = to_sensor @ np.radians(np.asarray(body.angular_velocity))
    accelerometer = [
        float(v) + _normal(rng, noise[f"noise_accel_stddev_{a}"]) for a, v in zip("xyz", felt, strict=True)
    ]
    gyroscope = [
        float(v) + noise[f"noise_gyro_bias_{a}"] + _normal(rng, noise[f"noise_gyro_stddev_{a}"])
        for a, v in zip("xyz", turned, strict=True)
    ]
    # North is against +y: a yaw of -90° looks north.
    compass = math.radians(sensor.world_transform().yaw_deg + 90.0) % (2 * math.pi)
    return [accelerometer, gyroscope, compass]


def _normal(rng: np.random.Generator, deviation: float) -> float:
    return float(rng.normal(0.0, deviation)) if deviation > 0.0 else 0.0
