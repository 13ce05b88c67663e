"""``/diagnostics``: how the node, its engine, its camera and its memory are doing."""

from __future__ import annotations

import os

import psutil
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node

from ros_anomaly.hazard.types import HazardLevel, HazardState
from ros_anomaly.messages.diagnostics import DiagnosticLevel, diagnostic_array, diagnostic_status
from ros_anomaly.nodes.counters import FrameCounters
from ros_anomaly.nodes.pipeline import Pipeline
from ros_anomaly.runtime.runner import RunnerState

_BYTES_PER_MB = 1_000_000
_LEVELS = {RunnerState.READY: DiagnosticLevel.OK, RunnerState.BUILDING: DiagnosticLevel.WARN}


class DiagnosticsReporter:
    """Publishes four statuses, named after the node: frames, engine, camera, memory."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)

    def publish(
        self, lifecycle: str, state: HazardState | None, counters: FrameCounters, pipeline: Pipeline | None
    ) -> None:
        """Publish the present; ``lifecycle`` is the node's state in words."""
        name = self._node.get_name()
        statuses = [
            _frames(name, lifecycle, state, counters),
            _engine(name, pipeline),
            _camera(name, pipeline),
            _memory(name, pipeline),
        ]
        self._publisher.publish(diagnostic_array(statuses, self._node.get_clock().now().to_msg()))


def _frames(name: str, lifecycle: str, state: HazardState | None, counters: FrameCounters) -> DiagnosticStatus:
    counts, timing = counters.counts, counters.timing
    unknown = state is None or state.level is HazardLevel.UNKNOWN
    values = {
        "lifecycle": lifecycle,
        "level": state.level.value if state else "",
        "received": counts.received,
        "processed": counts.processed,
        "dropped": counts.dropped,
        "superseded": counts.superseded,
        "bad_images": counts.bad_images,
        "engine_failures": counts.engine_failures,
        "last_problem": counts.last_problem,
        "rate_hz": timing.rate_hz,
        "engine_ms": timing.engine_ms,
        "node_ms": timing.node_ms,
        "node_p99_ms": timing.node_p99_ms,
    }
    level = DiagnosticLevel.WARN if unknown else DiagnosticLevel.OK
    return diagnostic_status(f"{name}: frames", level, state.reason if state else lifecycle, values)


def _engine(name: str, pipeline: Pipeline | None) -> DiagnosticStatus:
    if pipeline is None:
        return diagnostic_status(f"{name}: engine", DiagnosticLevel.STALE, "no engine configured", {})
    manifest, status = pipeline.runner.manifest, pipeline.runner.status
    values = {
        "engine": manifest.name,
        "fingerprint": manifest.fingerprint,
        "backend": pipeline.runner.backend,
        "score": manifest.score,
        "threshold": pipeline.threshold,
        "threshold_inherited_from": manifest.threshold.inherited_from if manifest.threshold else "",
        "threshold_backend": manifest.threshold.backend if manifest.threshold else "",
        "threshold_doubt": pipeline.doubt,
        "precision": manifest.precision.value,
        "input_size": f"{manifest.input_size[1]}x{manifest.input_size[0]}",
        "state": status.state.value,
        "pid": status.pid,
        "restarts": status.restarts,
    }
    level = _LEVELS.get(status.state, DiagnosticLevel.ERROR)
    return diagnostic_status(f"{name}: engine", level, status.reason, values)


def _camera(name: str, pipeline: Pipeline | None) -> DiagnosticStatus:
    if pipeline is None:
        return diagnostic_status(f"{name}: camera", DiagnosticLevel.STALE, "not listening", {})
    problems = [text for text in (pipeline.qos_problem, pipeline.geometry.problem) if text]
    level = DiagnosticLevel.WARN if problems else DiagnosticLevel.OK
    return diagnostic_status(f"{name}: camera", level, "; ".join(problems) or "camera_info is used", {})


def _memory(name: str, pipeline: Pipeline | None) -> DiagnosticStatus:
    pid = pipeline.runner.status.pid if pipeline else None
    values = {"node_mb": _resident_mb(os.getpid()), "engine_mb": _resident_mb(pid) if pid else None}
    return diagnostic_status(f"{name}: memory", DiagnosticLevel.OK, "resident memory", values)


def _resident_mb(pid: int) -> float | None:
    try:
        return psutil.Process(pid).memory_info().rss / _BYTES_PER_MB
    except psutil.Error:
        return None  # the process ended a moment ago
