"""A process on the graph: it ends with its block, and bad arguments are told in a line."""

from __future__ import annotations

import pytest
import rclpy

from ros_anomaly.nodes.graph import on_graph


def test_rclpy_ends_with_the_block_also_when_it_fails(monkeypatch):
    with pytest.raises(KeyError), on_graph([]):
        assert rclpy.ok()
        raise KeyError("x")
    assert not rclpy.ok()


def test_bad_arguments_are_told_without_the_layers_of_rcl():
    message = "ROS cannot start with these arguments and this environment: "
    with pytest.raises(ValueError, match=message) as error, on_graph(["--ros-args", "-r", "nonsense"]):
        raise AssertionError("began")
    assert ", at " not in str(error.value) and not rclpy.ok()
