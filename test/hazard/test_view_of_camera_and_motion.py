"""What goes with an image: the camera's geometry and the vehicle's motion."""

from __future__ import annotations

import numpy as np
import pytest
from nav_msgs.msg import Odometry

from ros_anomaly.hazard.camera_geometry import CameraGeometry
from ros_anomaly.hazard.config import CameraMount, CorridorConfig
from ros_anomaly.hazard.ego_motion import EgoMotion
from ros_anomaly.messages.camera import Intrinsics
from ros_anomaly.messages.odometry import motion_from_odometry
from ros_anomaly.messages.stamps import ns_to_stamp


def test_geometry_comes_from_camera_info_of_the_same_size():
    geometry, mount = CameraGeometry(), CameraMount()
    assert geometry.ground((360, 640), mount, 0.0) is None and "no camera_info" in geometry.problem
    by_angle = geometry.ground((360, 640), mount, np.pi / 2)
    assert by_angle is not None and by_angle.fx == pytest.approx(320)

    geometry.take(Intrinsics(400.0, 400.0, 319.5, 179.5, 360, 640))
    ground = geometry.ground((360, 640), mount, 0.0)
    assert ground is not None and ground.fx == 400.0 and geometry.problem == ""
    assert geometry.ground((360, 640), mount, 0.0) is ground, "made once"
    assert geometry.ground((360, 640), CameraMount(z_m=2.0), 0.0).mount.z_m == 2.0

    assert geometry.ground((720, 1280), mount, 0.0) is None and "camera_info is for 640x360" in geometry.problem
    geometry.refuse("not calibrated")
    assert geometry.ground((360, 640), mount, 0.0) is None and geometry.problem == "not calibrated"


def test_corridor_bends_with_odometry_that_is_close_in_time():
    motion, config = EgoMotion(), CorridorConfig()
    assert motion.corridor(10**9, config).curvature_per_m == 0.0
    odometry = Odometry()
    odometry.header.stamp = ns_to_stamp(10**9)
    odometry.twist.twist.linear.x, odometry.twist.twist.angular.z = 10.0, 0.5
    motion.take(*motion_from_odometry(odometry))
    assert motion.corridor(1_400_000_000, config).curvature_per_m == pytest.approx(0.05)
    assert motion.corridor(1_600_000_000, config).curvature_per_m == 0.0, "too old"
