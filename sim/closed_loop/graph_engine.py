"""Which engine a detector node on the graph runs, as its diagnostics tell."""

from __future__ import annotations

from collections.abc import Callable

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node

from ros_anomaly.messages.diagnostics import values_of
from ros_anomaly.messages.hazard import STATUS_SUFFIX

_ENGINE_SUFFIX = ": engine"
_STEP_S = 0.1


def engine_on_graph(node: Node, status_topic: str, listen: Callable[[float], None], timeout_s: float) -> str | None:
    """The engine of the detector that speaks on ``status_topic``, in words that differ where engines do.

    Args:
        node: hears the topics while this lasts.
        listen: takes in messages for so many seconds.

    Returns:
        None where no such words came within ``timeout_s``.
    """
    names: set[str] = set()
    engines: dict[str, str] = {}

    def hear_status(message: DiagnosticArray) -> None:
        names.update(s.name.removesuffix(STATUS_SUFFIX) for s in message.status if s.name.endswith(STATUS_SUFFIX))

    def hear_diagnostics(message: DiagnosticArray) -> None:
        for status in message.status:
            values = values_of(status)
            if status.name.endswith(_ENGINE_SUFFIX) and values.get("fingerprint"):
                engines[status.name.removesuffix(_ENGINE_SUFFIX)] = _words(values)

    heard = [
        node.create_subscription(DiagnosticArray, status_topic, hear_status, 10),
        node.create_subscription(DiagnosticArray, "/diagnostics", hear_diagnostics, 10),
    ]
    try:
        for _ in range(round(timeout_s / _STEP_S)):
            listen(_STEP_S)
            if told := names & engines.keys():
                return engines[min(told)]
        return None
    finally:
        for subscription in heard:
            node.destroy_subscription(subscription)


def _words(values: dict[str, str]) -> str:
    backend = values.get("backend") or "not told"
    return (
        f"engine {values.get('engine', '')} ({values['fingerprint'][:12]}), threshold {values.get('threshold', '')}, "
        f"backend {backend}"
    )
