"""A process on the ROS graph: rclpy begins and ends in good order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import rclpy
from rclpy.signals import SignalHandlerOptions


@contextmanager
def on_graph(arguments: list[str]) -> Iterator[None]:
    """rclpy without handlers of its own: they would end the context at once, and no node could say that it goes.

    Args:
        arguments: ROS arguments, ``--ros-args`` first.

    Raises:
        ValueError: arguments or an environment that rclpy cannot start with.
    """
    try:
        rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    except (RuntimeError, ValueError) as error:
        # rcl appends where in its source it gave up, for every layer.
        words = str(error).split(", at ")[0].strip()
        raise ValueError(f"ROS cannot start with these arguments and this environment: {words}") from error
    try:
        yield
    finally:
        rclpy.try_shutdown()
