"""A parameter as ROS tools show it."""

from __future__ import annotations

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

from ros_anomaly.messages.parameter import Changeable, Parameter


def descriptor_of(parameter: Parameter) -> ParameterDescriptor:
    """Descriptor with description, range and read-only flag."""
    descriptor = ParameterDescriptor(
        name=parameter.name,
        description=parameter.description,
        read_only=parameter.changeable is Changeable.AT_START,
        additional_constraints=f"{parameter.expected}; can be set {parameter.changeable.value}",
    )
    low, high = parameter.minimum, parameter.maximum
    if low is not None and high is not None:
        if isinstance(parameter.default, float):
            descriptor.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
        else:
            descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high))]
    return descriptor
