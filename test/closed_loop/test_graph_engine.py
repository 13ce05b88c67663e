"""Which engine a node runs, as heard on the graph."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray

from ros_anomaly.messages.diagnostics import DiagnosticLevel, diagnostic_array, diagnostic_status
from ros_anomaly_sim.closed_loop.graph_engine import engine_on_graph

STATUS = "/front/hazard_status"


class Graph:
    """Gives what was said on its topics to those who subscribed, one message each time that somebody listens."""

    def __init__(self, *said: tuple[str, DiagnosticArray]) -> None:
        self._said = list(said)
        self.heard: dict[str, object] = {}

    def create_subscription(self, kind: type, topic: str, callback, depth: int):
        self.heard[topic] = callback
        return topic

    def destroy_subscription(self, topic: str) -> None:
        del self.heard[topic]

    def listen(self, duration_s: float) -> None:
        if self._said:
            topic, message = self._said.pop(0)
            self.heard[topic](message)


def told(name: str, values: dict[str, str]) -> DiagnosticArray:
    return diagnostic_array([diagnostic_status(name, DiagnosticLevel.OK, "", values)], Time())


def engine(name: str, fingerprint: str) -> tuple[str, DiagnosticArray]:
    values = {"engine": "default", "fingerprint": fingerprint, "threshold": "0.25", "backend": "openvino:cpu"}
    return "/diagnostics", told(f"{name}: engine", values)


def words(*said: tuple[str, DiagnosticArray]) -> str | None:
    graph = Graph(*said)
    found = engine_on_graph(graph, STATUS, graph.listen, timeout_s=1.0)  # type: ignore[arg-type]
    assert graph.heard == {}
    return found


def test_the_engine_of_the_node_on_the_topic_is_told():
    speaks = (STATUS, told("front: hazard", {}))
    found = words(engine("rear", "9" * 64), speaks, engine("front", "1234567890abcdef"))
    assert found == "engine default (1234567890ab), threshold 0.25, backend openvino:cpu"
    assert words(engine("front", "1234567890abcdef"), speaks) == found
    assert words(speaks, engine("front", "0" * 64)) != found


def test_nothing_is_made_up_where_nothing_is_told():
    speaks = (STATUS, told("front: hazard", {}))
    assert words() is None
    assert words(speaks, engine("rear", "9" * 64)) is None
    assert words(speaks, ("/diagnostics", told("front: engine", {}))) is None
