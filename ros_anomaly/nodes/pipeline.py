"""What a configured node holds: engine, subscriptions, the loop between them, and the way of one frame through it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from nav_msgs.msg import Odometry
from rclpy.event_handler import QoSRequestedIncompatibleQoSInfo, SubscriptionEventCallbacks
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSPolicyKind, qos_profile_sensor_data
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from ros_anomaly.detector import Detector, DetectorConfig
from ros_anomaly.hazard.camera_geometry import CameraGeometry
from ros_anomaly.hazard.ego_motion import EgoMotion
from ros_anomaly.hazard.image_health import inspect_image
from ros_anomaly.hazard.monitor import Observation
from ros_anomaly.hazard.types import Assessment
from ros_anomaly.messages.camera import intrinsics_from_camera_info
from ros_anomaly.messages.hazard import FrameStages
from ros_anomaly.messages.images import ImageError, rgb_from_message
from ros_anomaly.messages.odometry import motion_from_odometry
from ros_anomaly.messages.stamps import stamp_to_ns
from ros_anomaly.nodes.counters import FrameCounters
from ros_anomaly.nodes.frame_outputs import FrameOutputs
from ros_anomaly.nodes.hazard_reporter import HazardReporter
from ros_anomaly.nodes.inference_loop import InferenceLoop
from ros_anomaly.nodes.settings import Settings
from ros_anomaly.nodes.start_engine import start_engine
from ros_anomaly.runtime.errors import EngineError, WorkerError
from ros_anomaly.runtime.runner import RunnerState


@dataclass(frozen=True)
class _Arrival:
    """An image message and when it came, steady seconds."""

    message: Image | CompressedImage
    at_s: float


class Pipeline:
    """Made by configuring, running while active. Only ``problem`` and ``status`` may be used from other threads.

    Attributes:
        doubt: what the engine's calibration does not promise here, one line; empty where it keeps its promises.

    Raises:
        EngineError, OSError, ValueError: the engine cannot be had; nothing is left behind.
    """

    def __init__(
        self,
        node: LifecycleNode,
        settings: Settings,
        reporter: HazardReporter,
        counters: FrameCounters,
        stopping: threading.Event,
    ) -> None:
        self._node = node
        self._reporter = reporter
        self._counters = counters
        self._subscriptions: list[Subscription] = []
        self._loop: InferenceLoop[_Arrival] | None = None
        self.geometry = CameraGeometry()
        self._motion = EgoMotion()
        self.qos_problem = ""
        self._told: set[str] = set()
        self._changes = threading.Lock()
        self.runner = start_engine(settings, stopping)
        try:
            self.apply(settings)
            self._outputs = FrameOutputs(node)
        except BaseException:
            self.runner.close()
            raise

    def apply(self, settings: Settings) -> None:
        """Take settings that may change at run time. ValueError if there is no threshold at all."""
        with self._changes:
            self._apply(settings)

    def _apply(self, settings: Settings) -> None:
        manifest = self.runner.manifest
        detector = self._detector_of(settings)
        self.doubt = detector.doubt(settings.hazard)
        if self.doubt and self._is_news(self.doubt):
            self._node.get_logger().warning(self.doubt)
        # One assignment, so that a frame under way sees all of the old settings or all of the new.
        self._policy = (settings, detector, manifest)

    def check(self, settings: Settings) -> None:
        """ValueError where ``apply`` would raise it; nothing is changed."""
        self._detector_of(settings)

    @property
    def threshold(self) -> float:
        """Threshold in use, whether from the parameter or from the engine's manifest."""
        return self._policy[1].threshold

    def _detector_of(self, settings: Settings) -> Detector:
        return Detector(self.runner, DetectorConfig(settings.threshold, settings.hazard.region))

    def problem(self) -> str | None:
        """Why the engine gives nothing at present, or None; looks after it and never waits."""
        status = self.runner.poll()
        if status.final and self._is_news(status.reason):
            self._node.get_logger().error(status.reason)
        if status.state is RunnerState.READY:
            return None
        building = status.state is RunnerState.BUILDING
        return status.reason if building else f"engine {status.state.value}: {status.reason}"

    def activate(self) -> None:
        """Listen to images."""
        self._loop = InferenceLoop(self._process, self._on_crash, lambda: self._counters.count("superseded"))
        self._loop.start()
        compressed = self._policy[0].image_transport == "compressed"
        topics: list[tuple[type, str, Callable[..., None]]] = [
            (CameraInfo, "camera_info", self._on_camera_info),
            (Odometry, "odometry", self._on_odometry),
            (CompressedImage, "image/compressed", self._on_image) if compressed else (Image, "image", self._on_image),
        ]
        for kind, topic, callback in topics:
            self._subscriptions.append(
                self._node.create_subscription(
                    kind,
                    topic,
                    callback,
                    qos_profile_sensor_data,
                    event_callbacks=SubscriptionEventCallbacks(incompatible_qos=partial(self._on_mismatch, topic)),
                    qos_overriding_options=QoSOverridingOptions.with_default_policies(),
                )
            )

    def deactivate(self) -> None:
        """Stop listening; waits for the frame under way."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions.clear()
        if self._loop is not None:
            self._loop.stop()
            self._loop = None

    def close(self) -> None:
        """Release everything; ends an inference that is under way."""
        self.runner.close()
        self.deactivate()
        self._outputs.destroy()

    def _on_camera_info(self, message: CameraInfo) -> None:
        try:
            self.geometry.take(intrinsics_from_camera_info(message))
        except ValueError as error:
            self.geometry.refuse(str(error))

    def _on_odometry(self, message: Odometry) -> None:
        self._motion.take(*motion_from_odometry(message))

    def _on_image(self, message: Image | CompressedImage) -> None:
        self._counters.count("received")
        if self._loop is not None:
            self._loop.submit(_Arrival(message, time.monotonic()))

    def _on_mismatch(self, topic: str, event: QoSRequestedIncompatibleQoSInfo) -> None:
        policy = QoSPolicyKind(event.last_policy_kind).name.lower()
        self.qos_problem = f"a publisher of {topic} offers an incompatible {policy}: nothing is received from it"
        self._node.get_logger().warning(self.qos_problem)

    def _process(self, arrival: _Arrival) -> None:
        began_s = time.monotonic()
        message, (settings, detector, manifest) = arrival.message, self._policy
        stamp_ns = stamp_to_ns(message.header.stamp)
        try:
            image = rgb_from_message(message)
        except ImageError as error:
            self._fail("bad_images", str(error), arrival)
            return
        converted_s = time.monotonic()
        size = (image.shape[0], image.shape[1])
        ground = self.geometry.ground(size, settings.hazard.camera, settings.horizontal_fov_rad)
        try:
            corridor = self._motion.corridor(stamp_ns, settings.hazard.corridor)
            assessment = detector.infer(image, ground, corridor)
        except (WorkerError, EngineError) as error:
            self._fail("engine_failures", str(error), arrival)
            return
        if self.runner.manifest is not manifest:
            self._take_built(arrival)
            return
        assessed_s = time.monotonic()
        observation = Observation(assessment, stamp_ns, inspect_image(image))
        stages = _stages(arrival.at_s, began_s, converted_s, assessed_s, assessment)
        # Counted first, so that whoever has the answer to a frame finds it in the counts.
        self._counters.count("processed")
        state = self._reporter.frame(observation, message.header, stages)
        self._counters.took(assessment.engine_ms or 0.0, 1e3 * (time.monotonic() - arrival.at_s))
        if state is not None:
            self._outputs.publish(image, assessment, state, message.header, ground, settings)

    def _take_built(self, arrival: _Arrival) -> None:
        """The engine was built meanwhile: this frame was judged by the threshold that it was only planned to have."""
        reason = "the engine is built, from the next frame on its own threshold counts"
        try:
            with self._changes:
                self._apply(self._policy[0])
        except ValueError as error:
            reason = str(error)
        self._fail("engine_failures", reason, arrival)

    def _is_news(self, text: str) -> bool:
        """Whether it was never asked of this text before, so that logs say it once."""
        known = text in self._told
        self._told.add(text)
        return not known

    def _fail(self, kind: str, reason: str, arrival: _Arrival) -> None:
        self._counters.count(kind, reason)
        self._reporter.frame_failed(reason, arrival.message.header)

    def _on_crash(self, error: Exception) -> None:
        self._node.get_logger().error(f"a frame could not be processed: {error!r}")
        self._counters.count("engine_failures", repr(error))
        self._reporter.distrust(f"fault in the detector: {error!r}")


def _stages(
    arrived_s: float, began_s: float, converted_s: float, assessed_s: float, assessment: Assessment
) -> FrameStages:
    """Where the time of a frame went until now."""
    engine_ms, resize_ms = assessment.engine_ms or 0.0, assessment.resize_ms or 0.0
    return FrameStages(
        wait_ms=1e3 * (began_s - arrived_s),
        convert_ms=1e3 * (converted_s - began_s),
        resize_ms=resize_ms,
        engine_ms=engine_ms,
        regions_ms=max(assessment.latency_ms - engine_ms - resize_ms, 0.0),
        health_ms=1e3 * (time.monotonic() - assessed_s),
    )
