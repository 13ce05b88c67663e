"""The bridge's place on the graph: parameters, the street's topics, and how it is doing."""

from __future__ import annotations

from collections.abc import Mapping

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.node import Node

from ros_anomaly.messages.diagnostics import DiagnosticLevel, diagnostic_array, diagnostic_status
from ros_anomaly.messages.lockstep import Lockstep
from ros_anomaly.messages.parameter import Value
from ros_anomaly.messages.parameter_descriptor import descriptor_of
from ros_anomaly.messages.stamps import ns_to_stamp
from ros_anomaly_sim.bridge import topics
from ros_anomaly_sim.bridge.bridge_settings import PARAMETERS, BridgeSettings
from ros_anomaly_sim.bridge.camera_rig import CameraKind
from ros_anomaly_sim.bridge.stage import Moment
from ros_anomaly_sim.bridge.street_frame import StreetFrame
from ros_anomaly_sim.bridge.street_node import StreetPort

NAME = "carla_bridge"


class BridgePort(StreetPort):
    """Publishes moments of a stage."""

    def __init__(self, node: Node, settings: BridgeSettings, lockstep: Lockstep | None) -> None:
        super().__init__(
            node,
            settings.cameras.fov_rad,
            lockstep,
            settings.status_topic,
            with_depth=CameraKind.DEPTH in settings.cameras.kinds,
        )
        self._status = node.create_publisher(DiagnosticArray, topics.STATUS, 10)

    def publish_moment(self, moment: Moment) -> None:
        """Clock and odometry, and where there is an image everything else under the same stamp."""
        if moment.view is None:
            self.publish_motion(moment.stamp_ns, moment.motion)
        else:
            self.publish(StreetFrame(moment.stamp_ns, moment.motion, moment.view), moment.view.depth_m)

    def publish_status(self, stamp_ns: int, ok: bool, message: str, values: Mapping[str, object]) -> None:
        """How the session goes, on ``/carla/status``."""
        level = DiagnosticLevel.OK if ok else DiagnosticLevel.ERROR
        status = diagnostic_status(f"{NAME}: session", level, message, values)
        self._status.publish(diagnostic_array([status], ns_to_stamp(stamp_ns)))

    def say(self, message: str) -> None:
        """Log at level info."""
        self._node.get_logger().info(message)

    def warn(self, message: str) -> None:
        """Log a warning."""
        self._node.get_logger().warning(message)


def declared_values(node: Node) -> dict[str, Value]:
    """Declare every parameter on the node, read-only; their values.

    Raises:
        ValueError: a value that was given has a wrong type or range.
    """
    values: dict[str, Value] = {}
    for parameter in PARAMETERS:
        # Declared without type and range first: what was given is then ours to judge, not rclpy's to raise.
        given = node.declare_parameter(parameter.name, parameter.default, ParameterDescriptor(dynamic_typing=True))
        values[parameter.name] = parameter.checked(given.value)
        node.undeclare_parameter(parameter.name)
        node.declare_parameter(parameter.name, values[parameter.name], descriptor_of(parameter), ignore_override=True)
    return values
