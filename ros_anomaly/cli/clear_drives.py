"""Binds the simulator's anomaly-free drives to calibration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ros_anomaly.cli.street_jobs import library, missing_packages_in_one_line, renderer

if TYPE_CHECKING:
    from ros_anomaly.evaluation.replay import DriveImage

DRIVE_DURATION_S = 60.0
_NS_PER_S = 1_000_000_000


def clear_drive(index: int, size: tuple[int, int], duration_s: float, rate_hz: float) -> Iterator[DriveImage]:
    """Images (H, W) = ``size`` of the ``index``-th anomaly-free drive: a validation town and a weather of its own.

    Stamps start at one second of simulated time, so that the first is not taken for an unset one.
    """
    from ros_anomaly.evaluation.replay import DriveImage
    from ros_anomaly_sim.render.sensor import SensorModel
    from ros_anomaly_sim.street.drive import Drive
    from ros_anomaly_sim.street.splits import TOWN_SEEDS, Split
    from ros_anomaly_sim.street.weather import PRESETS

    towns = TOWN_SEEDS[Split.VALIDATION]
    town = towns[index % len(towns)]
    weather = PRESETS[index % len(PRESETS)]
    with missing_packages_in_one_line():
        drive = Drive(town, library(), duration_s=duration_s, anomalies=False, weather=weather)
        draw = renderer(size)
    rng = np.random.default_rng(town)
    sensor = SensorModel.sample(rng)
    for frame in range(round(duration_s * rate_hz)):
        time_s = frame / rate_hz
        state = drive.state(time_s)
        image = sensor.apply(draw.render(state.scene, state.camera).image, rng)
        stamp_ns = _NS_PER_S + round(time_s * _NS_PER_S)
        yield DriveImage(image, stamp_ns, state.speed_mps, state.yaw_rate_radps)
