"""camera_info to intrinsics: which matrix, region of interest, binning, and what is refused."""

from __future__ import annotations

import math

import pytest
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from ros_anomaly.messages.camera import Intrinsics, camera_info_message, intrinsics_from_camera_info


def info(**changes) -> CameraInfo:
    message = camera_info_message(Intrinsics(300.0, 310.0, 319.5, 179.5, 360, 640), Header())
    for name, value in changes.items():
        setattr(message, name, value)
    return message


def test_there_and_back():
    intrinsics = Intrinsics.from_fov((360, 640), math.pi / 2)
    assert (intrinsics.fx, intrinsics.cx, intrinsics.cy) == (pytest.approx(320), 319.5, 179.5)
    assert intrinsics_from_camera_info(camera_info_message(intrinsics, Header())) == intrinsics


def test_projection_matrix_goes_before_the_camera_matrix():
    projection = [200.0, 0.0, 100.0, 0.0, 0.0, 210.0, 90.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    assert intrinsics_from_camera_info(info(p=projection)) == Intrinsics(200.0, 210.0, 100.0, 90.0, 360, 640)
    assert intrinsics_from_camera_info(info(p=[0.0] * 12)).fx == 300.0


def test_region_of_interest_and_binning():
    message = info(binning_x=2, binning_y=2)
    message.roi.x_offset, message.roi.y_offset = 100, 60
    message.roi.width, message.roi.height = 400, 240
    found = intrinsics_from_camera_info(message)
    # Pixel centre 319.5 of the sensor is 219.5 of the region; two pixels become one.
    assert found == Intrinsics(150.0, 155.0, 109.5, 59.5, 120, 200)


@pytest.mark.parametrize(
    "changes",
    [
        {"k": [0.0] * 9, "p": [0.0] * 12},
        {"width": 0},
        {"p": [math.nan] * 12},
        {"p": [-300.0] + [1.0] * 11},
    ],
)
def test_uncalibrated_cameras_are_refused(changes):
    with pytest.raises(ValueError, match="camera_info: expected a calibrated camera .* found"):
        intrinsics_from_camera_info(info(**changes))
