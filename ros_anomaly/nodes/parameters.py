"""The table of settings as ROS parameters: declared with descriptors, changes checked before they are taken."""

from __future__ import annotations

from collections.abc import Callable

from rcl_interfaces.msg import ParameterDescriptor, SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

from ros_anomaly.messages.parameter import Changeable, Parameter, Value
from ros_anomaly.messages.parameter_descriptor import descriptor_of
from ros_anomaly.nodes.settings import BY_NAME, PARAMETERS, Settings


class ParameterServer:
    """Declares every parameter of the table on a node and keeps ``settings`` in step with their values.

    A bad value given at start does not end the process: ``settings`` raises it, so that configuring fails and says
    why, until a good value is set. Only where none can be set later, making the server raises the ValueError.

    Args:
        is_unconfigured: whether parameters that shape the engine and the topics may be changed now.
        check: raises ValueError where new settings do not go with what the node has (its engine).
        on_change: called with the new settings after a change was accepted.
    """

    def __init__(
        self,
        node: Node,
        is_unconfigured: Callable[[], bool],
        check: Callable[[Settings], None],
        on_change: Callable[[Settings], None],
    ) -> None:
        self._is_unconfigured = is_unconfigured
        self._check = check
        self._on_change = on_change
        self._values: dict[str, Value] = {}
        self._rejected: dict[str, str] = {}
        for parameter in PARAMETERS:
            self._declare(node, parameter)
        node.add_on_set_parameters_callback(self._check_change)
        node.add_post_set_parameters_callback(self._take_change)

    @property
    def settings(self) -> Settings:
        """Settings of the present values; ValueError where a value given at start was bad or values contradict."""
        for reason in self._rejected.values():
            raise ValueError(reason)
        return Settings.from_values(self._values)

    def value(self, name: str) -> Value:
        """Value of one parameter; the default where a bad one was given."""
        return self._values[name]

    def _declare(self, node: Node, parameter: Parameter) -> None:
        # Declared without type and range first: what was given is then ours to judge, not rclpy's to raise.
        given = node.declare_parameter(
            parameter.name, parameter.default, ParameterDescriptor(dynamic_typing=True)
        ).value
        node.undeclare_parameter(parameter.name)
        value: Value = parameter.default
        try:
            value = parameter.checked(given)
        except ValueError as error:
            if parameter.changeable is Changeable.AT_START:
                raise
            self._rejected[parameter.name] = str(error)
        node.declare_parameter(parameter.name, value, descriptor_of(parameter), ignore_override=True)
        self._values[parameter.name] = value

    def _check_change(self, changes: list[RosParameter]) -> SetParametersResult:
        ours = {change.name: change.value for change in changes if change.name in BY_NAME}
        try:
            for name in ours:
                self._check_moment(BY_NAME[name])
            self._check(Settings.from_values({**self._values, **ours}))
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _check_moment(self, parameter: Parameter) -> None:
        allowed = parameter.changeable is Changeable.ALWAYS or (
            parameter.changeable is Changeable.UNCONFIGURED and self._is_unconfigured()
        )
        if not allowed:
            raise ValueError(f"parameter {parameter.name} can be set {parameter.changeable.value}")

    def _take_change(self, changes: list[RosParameter]) -> None:
        ours = {change.name: change.value for change in changes if change.name in BY_NAME}
        if not ours:
            return
        self._values.update(ours)
        for name in ours:
            self._rejected.pop(name, None)
        if not self._rejected:
            self._on_change(self.settings)
