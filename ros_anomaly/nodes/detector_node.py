"""The detector as a lifecycle node: transitions, heartbeat and parameters; the work itself is the pipeline's."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from functools import wraps

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from ros_anomaly.nodes.counters import FrameCounters
from ros_anomaly.nodes.diagnostics_reporter import DiagnosticsReporter
from ros_anomaly.nodes.hazard_reporter import HazardReporter
from ros_anomaly.nodes.parameters import ParameterServer
from ros_anomaly.nodes.periodic import Periodic
from ros_anomaly.nodes.pipeline import Pipeline
from ros_anomaly.nodes.settings import Settings
from ros_anomaly.nodes.transition_requests import refuse_illegal_transitions
from ros_anomaly.runtime.errors import EngineError

NODE_NAME = "detector"

_SUCCESS, _FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE

_Transition = Callable[["DetectorNode", LifecycleState], TransitionCallbackReturn]


def _faults_shown(transition: _Transition) -> _Transition:
    """``transition`` with its exceptions printed: rclpy turns them into an error transition without a word."""

    @wraps(transition)
    def shown(node: DetectorNode, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return transition(node, state)
        except Exception:
            traceback.print_exc()
            raise

    return shown


class DetectorNode(LifecycleNode):
    """Lifecycle node ``detector``. It says UNKNOWN, with the reason, from the moment it is made.

    Args:
        on_fatal: called, from any thread, with the reason why the process cannot go on.
    """

    def __init__(self, on_fatal: Callable[[str], None]) -> None:
        super().__init__(NODE_NAME)
        refuse_illegal_transitions(self)
        self._on_fatal = on_fatal
        self._phase = "unconfigured"
        self._stopping = threading.Event()
        self._pipeline: Pipeline | None = None
        self._parameter_server = ParameterServer(
            self, lambda: self._phase == "unconfigured", self._check_settings, self._take_settings
        )
        self._counters = FrameCounters()
        heartbeat_hz = float(self._parameter_server.value("heartbeat_hz"))
        self._reporter = HazardReporter(self, heartbeat_hz, self._counters)
        self._reporter.mute(self._why_unconfigured())
        self._diagnostics = DiagnosticsReporter(self)
        diagnostics_hz = float(self._parameter_server.value("diagnostics_hz"))
        self._beats = [
            Periodic(1.0 / heartbeat_hz, self._beat, self._on_beat_crash, "heartbeat"),
            Periodic(1.0 / diagnostics_hz, self._diagnose, self._on_beat_crash, "diagnostics"),
        ]
        for beat in self._beats:
            beat.start()

    @property
    def autostart(self) -> bool:
        """Whether the node is to go through its transitions by itself."""
        return bool(self._parameter_server.value("autostart"))

    def start_by_itself(self) -> None:
        """Configure and activate; what fails is fatal. To be called on the executor's thread."""
        for name, trigger in (("configure", self.trigger_configure), ("activate", self.trigger_activate)):
            if (result := trigger()) != _SUCCESS:
                # A refusal with its own reason was told before; the first reason counts.
                self._on_fatal(f"{name}: expected success, found {result.name.lower()}; the fault is shown above")
                return

    @_faults_shown
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._enter("configuring", "configuring: the engine is being loaded")
        try:
            settings = self._parameter_server.settings
            self._pipeline = Pipeline(self, settings, self._reporter, self._counters, self._stopping)
        except (ValueError, EngineError, OSError) as error:
            return self._refuse(" ".join(str(error).split()))
        self._enter("inactive", "inactive")
        return super().on_configure(state)

    @_faults_shown
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        assert self._pipeline is not None
        settings = self._parameter_server.settings
        result = super().on_activate(state)
        self._counters.reset()
        self._pipeline.activate()
        self._phase = "active"
        self._reporter.start_afresh(settings.hazard, settings.lockstep)
        return result

    @_faults_shown
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._enter("inactive", "inactive")
        if self._pipeline is not None:
            self._pipeline.deactivate()
        return super().on_deactivate(state)

    @_faults_shown
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._enter("unconfigured", self._why_unconfigured())
        result = super().on_cleanup(state)
        self._close_pipeline()
        return result

    @_faults_shown
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._enter("finalized", "finalized")
        result = super().on_shutdown(state)
        self._close_pipeline()
        return result

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._enter("unconfigured", f"unconfigured: fault in a transition from {state.label}")
        self._close_pipeline()
        return _SUCCESS

    def begin_stop(self) -> None:
        """Say that the end is near, and give up what waits: the executor comes free soon. From any thread."""
        self._stopping.set()
        self._reporter.mute("shutting down", for_good=True)

    def end(self) -> None:
        """Release everything, last of all the publishers. The executor must not spin any more."""
        self._close_pipeline()
        for beat in self._beats:
            beat.stop()
        self.destroy_node()

    def _enter(self, phase: str, reason: str) -> None:
        self._phase = phase
        self._reporter.mute(reason)

    def _why_unconfigured(self) -> str:
        try:
            _ = self._parameter_server.settings
        except ValueError as error:
            return f"unconfigured: {error}"
        return "unconfigured"

    def _refuse(self, reason: str) -> TransitionCallbackReturn:
        self._enter("unconfigured", f"unconfigured: {reason}")
        if self.autostart:
            self._on_fatal(reason)
        else:
            self.get_logger().error(f"not configured: {reason}")
        return _FAILURE

    def _close_pipeline(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.close()

    def _beat(self) -> None:
        pipeline = self._pipeline
        problem = pipeline.problem() if pipeline is not None else None
        if problem:
            self._reporter.distrust(problem)
        else:
            self._reporter.heartbeat()

    def _diagnose(self) -> None:
        self._diagnostics.publish(self._phase, self._reporter.state, self._counters, self._pipeline)

    def _on_beat_crash(self, error: Exception) -> None:
        traceback.print_exception(error)
        self._on_fatal(f"the heartbeat ended: {error!r}")

    def _check_settings(self, settings: Settings) -> None:
        if self._pipeline is not None:
            self._pipeline.check(settings)

    def _take_settings(self, settings: Settings) -> None:
        if self._pipeline is not None:
            self._pipeline.apply(settings)
            self._reporter.reconfigure(settings.hazard)
        elif self._phase == "unconfigured":
            self._reporter.mute("unconfigured")
