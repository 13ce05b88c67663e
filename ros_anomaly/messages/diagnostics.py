"""Diagnostic messages from plain values, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue


class DiagnosticLevel(Enum):
    """Level of a diagnostic status; the values are the message's."""

    OK = DiagnosticStatus.OK
    WARN = DiagnosticStatus.WARN
    ERROR = DiagnosticStatus.ERROR
    STALE = DiagnosticStatus.STALE


def text_of(value: object) -> str:
    """A value as diagnostics show it: floats with at most four decimals, None as the empty string."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    return str(value)


def diagnostic_status(
    name: str, level: DiagnosticLevel, message: str, values: Mapping[str, object], hardware_id: str = ""
) -> DiagnosticStatus:
    """One status; ``values`` in the order given, as text."""
    return DiagnosticStatus(
        name=name,
        level=level.value,
        message=message,
        hardware_id=hardware_id,
        values=[KeyValue(key=key, value=text_of(value)) for key, value in values.items()],
    )


def diagnostic_array(statuses: Iterable[DiagnosticStatus], stamp: Time, frame_id: str = "") -> DiagnosticArray:
    """Statuses under one header."""
    message = DiagnosticArray(status=list(statuses))
    message.header.stamp = stamp
    message.header.frame_id = frame_id
    return message


def values_of(status: DiagnosticStatus) -> dict[str, str]:
    """Keys and values of a status."""
    return {item.key: item.value for item in status.values}
