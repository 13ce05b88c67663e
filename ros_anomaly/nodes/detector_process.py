"""The detector's process: ROS on one thread, signals on the main one, and an orderly end."""

from __future__ import annotations

import signal
import threading
import traceback
from queue import SimpleQueue
from types import FrameType

from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from ros_anomaly.nodes.detector_node import DetectorNode
from ros_anomaly.nodes.graph import on_graph


class End:
    """Why and when the process is to end; the first reason counts."""

    def __init__(self) -> None:
        self.failure: str | None = None
        self._is_asked = False
        # A signal may arrive in the handler of another. This queue is made for that; an Event would wait for itself.
        self._asked: SimpleQueue[None] = SimpleQueue()

    def ask(self) -> None:
        """End in good order. From any thread, and from handlers of signals."""
        self._is_asked = True
        self._asked.put(None)

    def fail(self, reason: str) -> None:
        """End with ``reason``. From any thread."""
        if not self._is_asked:
            self.failure = reason
        self.ask()

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Handler of SIGINT and SIGTERM."""
        self.ask()

    def wait(self) -> None:
        """Wait for the first of these; only one thread may."""
        self._asked.get()


def run_detector(arguments: list[str]) -> str | None:
    """Run the detector node until SIGINT, SIGTERM or a failure; return why it failed, None after an orderly end.

    Args:
        arguments: ROS arguments, ``--ros-args`` first.

    Raises:
        ValueError: ROS arguments or a parameter file that cannot be read, or a bad value of a parameter that can be
            set at start alone.
    """
    end = End()
    # Our own handlers: rclpy's end the context at once, and the node could not say that it goes.
    previous = {number: signal.signal(number, end.on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with on_graph(arguments):
            _run_node(DetectorNode(end.fail), end)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return end.failure


def _run_node(node: DetectorNode, end: End) -> None:
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    spinning = threading.Thread(target=_spin, args=(executor, end), name="executor")
    spinning.start()
    try:
        if node.autostart:
            executor.create_task(node.start_by_itself)
        end.wait()
    finally:
        node.begin_stop()
        executor.shutdown()
        spinning.join()
        node.end()


def _spin(executor: SingleThreadedExecutor, end: End) -> None:
    try:
        executor.spin()
    except ExternalShutdownException:
        end.ask()
    except Exception as error:  # without its executor the process must not live on
        traceback.print_exception(error)
        end.fail(f"a callback failed: {error!r}")
