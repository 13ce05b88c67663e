"""A detector node at the wheel: images go out over ROS, the drive waits for the hazard status of each."""

from __future__ import annotations

from collections.abc import Mapping

from rclpy.node import Node

from ros_anomaly.messages.hazard import HazardReport
from ros_anomaly.messages.lockstep import Lockstep
from ros_anomaly_sim.bridge.camera_rig import CameraPlan
from ros_anomaly_sim.bridge.lockstep_drive import await_answer
from ros_anomaly_sim.bridge.projection import PixelBox
from ros_anomaly_sim.bridge.stage import Moment
from ros_anomaly_sim.bridge.street_frame import StreetFrame
from ros_anomaly_sim.bridge.street_node import StreetPort
from ros_anomaly_sim.closed_loop.course import Course
from ros_anomaly_sim.closed_loop.drivers import Verdict, verdict_of
from ros_anomaly_sim.closed_loop.graph_engine import engine_on_graph

_BETWEEN_DRIVES_NS = 1_000_000_000


class GraphDriver:
    """A ``Driver`` whose verdicts come from a detector node in lockstep. An image that is not answered gives none.

    Simulated time goes on from drive to drive, as every listener on the graph expects it to.
    """

    name, sees = "detector", True

    def __init__(self, node: Node, plan: CameraPlan, lockstep: Lockstep, status_topic: str) -> None:
        self._node, self._lockstep, self._status_topic = node, lockstep, status_topic
        self._port = StreetPort(node, plan.fov_rad, lockstep, status_topic)
        self._shift_ns = 0
        self._last_ns = 0

    def begin(self, course: Course) -> None:
        self._shift_ns = self._last_ns + _BETWEEN_DRIVES_NS if self._last_ns else 0

    def judge(self, moment: Moment) -> Verdict | None:
        self._last_ns = moment.stamp_ns + self._shift_ns
        if moment.view is None:
            self._port.publish_motion(self._last_ns, moment.motion)
            return None
        self._port.publish(StreetFrame(self._last_ns, moment.motion, moment.view))
        if not await_answer(self._lockstep, self._port.listen):
            return None
        report = self._port.last_answer
        return None if report is None else _verdict(report, moment.view.boxes)

    def wait_for_listeners(self, timeout_s: float) -> bool:
        """Whether somebody listens to the images, waited for so long."""
        waited_s = 0.0
        while not self._port.listeners and waited_s < timeout_s:
            self._port.listen(0.1)
            waited_s += 0.1
        return self._port.listeners > 0

    def engine(self, timeout_s: float) -> str | None:
        """Which engine the node runs, in words; None where it did not tell within so long."""
        return engine_on_graph(self._node, self._status_topic, self._port.listen, timeout_s)

    def close(self) -> None:
        """Take the node off the graph."""
        self._port.close()


def _verdict(report: HazardReport, boxes: Mapping[int, PixelBox]) -> Verdict:
    return verdict_of(report.state, boxes, report.state.latency_ms)
