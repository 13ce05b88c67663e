"""The detector at the wheel in this process: what it says of images, and that it looks at each only once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toy_engine import GREY, MAGENTA, make_toy_engine

from ros_anomaly.cli.closed_loop_detector import DetectorDriver
from ros_anomaly.hazard.config import HazardConfig
from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly.runtime.engines import load_engine

pytest.importorskip("carla")

from ros_anomaly_sim.bridge.carla_views import CarlaView  # noqa: E402
from ros_anomaly_sim.bridge.handedness import EgoMotion  # noqa: E402
from ros_anomaly_sim.bridge.projection import PixelBox  # noqa: E402
from ros_anomaly_sim.bridge.stage import Moment  # noqa: E402
from ros_anomaly_sim.closed_loop.run import DETECTOR_CAMERAS  # noqa: E402

BOX = PixelBox(290, 200, 350, 250)


class Counted:
    """An engine that counts."""

    def __init__(self, engine) -> None:
        self._engine, self.looks = engine, 0
        self.manifest, self.backend, self.input_size = engine.manifest, engine.backend, engine.input_size

    def infer(self, image):
        self.looks += 1
        return self._engine.infer(image)

    def close(self) -> None:
        self._engine.close()


@pytest.fixture
def engine(tmp_path: Path):
    counted = Counted(load_engine(str(make_toy_engine(tmp_path))))
    yield counted
    counted.close()


def moment(number: int, anomalous: bool) -> Moment:
    """A grey road, a little brighter from image to image; on it a magenta thing where ``anomalous``."""
    image = np.full((360, 640, 3), GREY, np.uint8)
    image[::8] = 60  # contrast, or nothing of it would be trusted
    image[0, 0] = number
    if anomalous:
        image[BOX.top : BOX.bottom, BOX.left : BOX.right] = MAGENTA
    view = CarlaView(image, None, None, None, {0: BOX} if anomalous else {})
    return Moment((100 + number) * 100_000_000, EgoMotion((0, 0, 0), 8.0, 0.0), 0.8 * number, view)


def test_it_says_hazard_of_what_is_in_the_way_and_remembers_images(engine):
    driver = DetectorDriver(engine, HazardConfig(), DETECTOR_CAMERAS)
    images = [moment(number, anomalous=number >= 5) for number in range(9)]
    drives = []
    for _ in range(2):
        driver.begin(None)
        drives.append([driver.judge(image) for image in images])
    assert drives[0] == drives[1] and engine.looks == len(images)
    assert [verdict.level for verdict in drives[0][2:5]] == [HazardLevel.CLEAR] * 3
    last = drives[0][-1]
    assert last.level is HazardLevel.HAZARD and last.anomalies == {0} and last.latency_ms > 0
    assert last.sight.mask[225, 320] == 255 and last.sight.boxes[0].overlap_px(BOX) > 0.8 * BOX.area_px
    assert drives[0][0].anomalies == frozenset()


def test_without_an_image_it_says_nothing(engine):
    driver = DetectorDriver(engine, HazardConfig(), DETECTOR_CAMERAS)
    driver.begin(None)
    blind = Moment(0, EgoMotion((0, 0, 0), 0.0, 0.0), 0.0, None)
    assert driver.judge(blind) is None and engine.looks == 0


def test_another_speed_or_turn_is_looked_at_anew(engine):
    driver = DetectorDriver(engine, HazardConfig(), DETECTOR_CAMERAS)
    driver.begin(None)
    straight = moment(0, False)
    turning = Moment(straight.stamp_ns + 100_000_000, EgoMotion((0, 0, 0), 8.0, 0.3), 0.0, straight.view)
    driver.judge(straight), driver.judge(turning)
    assert engine.looks == 2
