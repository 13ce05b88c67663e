"""Point clouds there and back."""

from __future__ import annotations

import numpy as np
import pytest
from std_msgs.msg import Header

from ros_anomaly.messages.points import point_cloud_message, points_from_message


def test_round_trip():
    points = np.arange(12, dtype=np.float32).reshape(3, 4)
    message = point_cloud_message(points, Header(frame_id="base_link"))
    assert (message.height, message.width, message.row_step, message.header.frame_id) == (1, 3, 48, "base_link")
    assert [(f.name, f.offset) for f in message.fields] == [("x", 0), ("y", 4), ("z", 8), ("intensity", 12)]
    np.testing.assert_array_equal(points_from_message(message), points)


def test_no_points_are_a_cloud_all_the_same():
    message = point_cloud_message(np.zeros((0, 4), np.float32), Header())
    assert (message.width, len(message.data)) == (0, 0)
    assert points_from_message(message).shape == (0, 4)


@pytest.mark.parametrize("points", [np.zeros((2, 3), np.float32), np.zeros((2, 4)), np.zeros(4, np.float32)])
def test_other_arrays_are_refused(points):
    with pytest.raises(ValueError, match=r"expected float32 \[n, 4\], found"):
        point_cloud_message(points, Header())


def test_short_data_is_refused():
    message = point_cloud_message(np.zeros((2, 4), np.float32), Header())
    message.width = 3
    with pytest.raises(ValueError, match="32 bytes for 3 points"):
        points_from_message(message)
