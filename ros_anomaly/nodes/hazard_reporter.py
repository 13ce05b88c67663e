"""Everything that is said of the road: the monitor behind one lock, and the publishers that speak in every state."""

from __future__ import annotations

import threading
import time

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import LivelinessPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from std_msgs.msg import Bool, Header

from ros_anomaly.hazard.config import HazardConfig
from ros_anomaly.hazard.monitor import HazardMonitor, Now, Observation
from ros_anomaly.hazard.types import HazardState
from ros_anomaly.messages.hazard import FrameStages, hazard_message
from ros_anomaly.messages.stamps import stamp_to_ns
from ros_anomaly.nodes.counters import FrameCounters

# A subscriber that asks for a deadline or a lease at least this long learns of a silent node from the middleware.
_DEADLINE_BEATS = 5
_LEASE_BEATS = 10


class HazardReporter:
    """Steps the monitor and publishes each state as ``~/hazard`` and ``~/hazard_status``; thread-safe.

    Messages leave in the order of the states. While muted (any lifecycle state but active) results of frames still
    under way are ignored and the reason for silence is what every heartbeat says.
    """

    def __init__(self, node: Node, heartbeat_hz: float, counters: FrameCounters) -> None:
        self._node = node
        self._counters = counters
        self._lock = threading.Lock()
        self._monitor = HazardMonitor()
        self._config, self._lockstep = HazardConfig(), False
        self._muted: str | None = "starting"
        self._ended = False
        self._frame_id = ""
        self._state: HazardState | None = None
        qos = speaking_qos(1.0 / heartbeat_hz)
        overriding = QoSOverridingOptions.with_default_policies()
        self._hazard = node.create_publisher(Bool, "~/hazard", qos, qos_overriding_options=overriding)
        self._status = node.create_publisher(DiagnosticArray, "~/hazard_status", qos, qos_overriding_options=overriding)

    @property
    def state(self) -> HazardState | None:
        """The state last published."""
        return self._state

    def mute(self, reason: str, for_good: bool = False) -> None:
        """From now on UNKNOWN with ``reason``, whatever frames still arrive; ``for_good`` nothing ends it any more."""
        with self._lock:
            if not self._ended:
                self._muted, self._ended = reason, for_good
                self._say(self._monitor.fault(reason, self._now()))

    def start_afresh(self, config: HazardConfig, lockstep: bool) -> None:
        """Forget everything and listen to frames, unless muted for good: UNKNOWN until enough of them are good."""
        with self._lock:
            if self._ended:
                return
            self._config, self._lockstep = config, lockstep
            self._monitor = HazardMonitor(config, lockstep)
            self._muted = None
            self._say(self._monitor.step(None, self._now()))

    def reconfigure(self, config: HazardConfig) -> None:
        """Take a new policy. What concerns the monitor's memory starts it afresh, so that no old vote counts anew."""
        with self._lock:
            remembered = (self._config.confirm, self._config.fresh, self._config.image)
            if (config.confirm, config.fresh, config.image) != remembered:
                self._monitor = HazardMonitor(config, self._lockstep)
                self._say(self._monitor.fault(self._muted or "parameters changed", self._now()))
            self._config = config

    def heartbeat(self) -> None:
        """Publish the present state."""
        with self._lock:
            now = self._now()
            self._say(self._monitor.fault(self._muted, now) if self._muted else self._monitor.step(None, now))

    def distrust(self, reason: str) -> None:
        """UNKNOWN with ``reason`` until good frames return: the engine is gone."""
        with self._lock:
            self._say(self._monitor.fault(self._muted or reason, self._now()))

    def frame(self, observation: Observation, header: Header, stages: FrameStages | None = None) -> HazardState | None:
        """Publish the state after a processed frame, under its header; None and silence while muted."""
        with self._lock:
            if self._muted:
                return None
            self._frame_id = header.frame_id
            state = self._monitor.step(observation, self._now())
            self._say(state, header, stages)
            return state

    def frame_failed(self, reason: str, header: Header) -> None:
        """Publish UNKNOWN for an image that could not be read or inferred, under its header."""
        with self._lock:
            if not self._muted:
                self._say(self._monitor.fault(reason, self._now(), stamp_to_ns(header.stamp)), header)

    def _say(self, state: HazardState, header: Header | None = None, stages: FrameStages | None = None) -> None:
        self._state = state
        stamp = header.stamp if header else self._node.get_clock().now().to_msg()
        frame_id = header.frame_id if header else self._frame_id
        dropped = self._counters.counts.dropped
        self._hazard.publish(Bool(data=state.level.flag))
        self._status.publish(hazard_message(state, dropped, stamp, frame_id, self._node.get_name(), stages))

    def _now(self) -> Now:
        return Now(self._node.get_clock().now().nanoseconds, time.monotonic_ns())


def speaking_qos(period_s: float) -> QoSProfile:
    """Reliable, with a deadline and a liveliness that only publishing itself asserts, both a few periods long."""
    return QoSProfile(
        depth=10,
        reliability=ReliabilityPolicy.RELIABLE,
        deadline=Duration(seconds=_DEADLINE_BEATS * period_s),
        liveliness=LivelinessPolicy.MANUAL_BY_TOPIC,
        liveliness_lease_duration=Duration(seconds=_LEASE_BEATS * period_s),
    )
