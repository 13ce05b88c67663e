"""A recorded drive through the detector and the hazard monitor, on the recording's own clock, as the node does it live.

Every image is answered, at the moment it was recorded. The heartbeat runs on that clock, too, and beats once more just
before every image: whatever a pause does to trust shows at its end at the latest, at whichever phase the node's own
heartbeat would have been.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ros_anomaly.bags.reader_events import CameraInfoEvent, DriveEvent, ImageEvent, LabelEvent
from ros_anomaly.detector import Detector
from ros_anomaly.hazard.camera_geometry import CameraGeometry
from ros_anomaly.hazard.config import HazardConfig
from ros_anomaly.hazard.ego_motion import EgoMotion
from ros_anomaly.hazard.freshness import Now
from ros_anomaly.hazard.image_health import inspect_image
from ros_anomaly.hazard.monitor import HazardMonitor, Observation
from ros_anomaly.hazard.types import Assessment, HazardState
from ros_anomaly.messages.odometry import Motion
from ros_anomaly.runtime.errors import EngineError, WorkerError

_NS_PER_S = 1_000_000_000
_NS_PER_MS = 1_000_000


@dataclass(frozen=True)
class DrivePolicy:
    """What of the node's settings decides about states; fields as its parameters of these names."""

    hazard: HazardConfig = HazardConfig()
    horizontal_fov_rad: float = 0.0
    heartbeat_hz: float = 10.0
    lockstep: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.heartbeat_hz <= 1000:
            raise ValueError(f"heartbeat_hz: expected above 0 and at most 1000, found {self.heartbeat_hz}")


@dataclass(frozen=True)
class Beat:
    """What the heartbeat says at a time of the drive's clock."""

    time_ns: int
    state: HazardState


@dataclass(frozen=True)
class Answer:
    """What came of one image.

    Attributes:
        time_ns: when it was answered, on the drive's clock.
        event: the image.
        state: after it; ``latency_ms`` is None, as it is no property of the drive.
        assessment: None where the image could not be read or the engine failed.
        problem: ``bad image``, ``engine`` or empty; the state's reason says more.
    """

    time_ns: int
    event: ImageEvent
    state: HazardState
    assessment: Assessment | None
    problem: str = ""


@dataclass(frozen=True)
class WithoutGround:
    """How many images were answered without a projection to the ground, and why the first of them."""

    images: int
    reason: str


class DriveRun:
    """All cameras of a drive, each with a monitor of its own, and one detector.

    All are activated at the first event of the drive, whatever it is: a camera that is silent from then on is UNKNOWN.
    """

    def __init__(self, detector: Detector, policy: DrivePolicy, cameras: int) -> None:
        self._cameras = [CameraRun(detector, policy) for _ in range(cameras)]
        self._now_ns: int | None = None

    def take(self, event: DriveEvent) -> Iterator[tuple[int, Beat | Answer]]:
        """What the cameras say up to an event and of it, with their numbers."""
        if self._now_ns is None:
            for number, camera in enumerate(self._cameras):
                yield number, camera.start(event.recorded_ns)
        self._now_ns = max(event.recorded_ns, self._now_ns or 0)
        for number in event.cameras:
            for said in self._cameras[number].take(event):
                yield number, said

    def finish(self) -> Iterator[tuple[int, Beat]]:
        """What the heartbeats say from a camera's last image to the last event of all."""
        if self._now_ns is not None:
            for number, camera in enumerate(self._cameras):
                for beat in camera.advance(self._now_ns):
                    yield number, beat

    def without_ground(self, camera: int) -> WithoutGround | None:
        """Of the images of a camera; None where all of them had a projection."""
        return self._cameras[camera].without_ground


class CameraRun:
    """One camera of a drive: everything that the node would remember of it. ``start`` comes first.

    Attributes:
        without_ground: images whose regions could not be projected; None where there are none.
    """

    def __init__(self, detector: Detector, policy: DrivePolicy) -> None:
        self._detector = detector
        self._policy = policy
        self._monitor = HazardMonitor(policy.hazard, policy.lockstep)
        self._geometry = CameraGeometry()
        self._motion = EgoMotion()
        self._period_ns = round(_NS_PER_S / policy.heartbeat_hz)
        fresh = policy.hazard.fresh
        # However long a silence lasts, it says nothing new once both limits are behind it.
        self._settled_ns = round(max(fresh.max_frame_age_ms, fresh.watchdog_ms) * _NS_PER_MS) + 10 * self._period_ns
        self._next_beat_ns = 0
        self._last_beat_ns = 0
        self._last_ns = 0  # of the last image, before that of the start
        self.without_ground: WithoutGround | None = None

    def start(self, time_ns: int) -> Beat:
        """The node is activated."""
        self._next_beat_ns = self._last_ns = time_ns
        return self._beat(time_ns)

    def take(self, drive_event: DriveEvent) -> Iterator[Beat | Answer]:
        """The heartbeats up to an event, and the answer if it is an image."""
        event, time_ns = drive_event.event, drive_event.recorded_ns
        if isinstance(event, LabelEvent):
            return
        yield from self.advance(time_ns)
        if isinstance(event, CameraInfoEvent):
            if event.intrinsics is not None:
                self._geometry.take(event.intrinsics)
            else:
                self._geometry.refuse(event.problem)
        elif isinstance(event, Motion):
            self._motion.take(*event)
        else:
            if time_ns > max(self._last_ns, self._last_beat_ns):
                yield self._beat(time_ns)
            yield self._answer(event, time_ns)

    def advance(self, time_ns: int) -> Iterator[Beat]:
        """The heartbeats up to a time."""
        while self._next_beat_ns <= time_ns:
            if self._next_beat_ns - self._last_ns > self._settled_ns:
                self._next_beat_ns += (time_ns - self._next_beat_ns) // self._period_ns * self._period_ns
            if self._next_beat_ns > self._last_ns:
                yield self._beat(self._next_beat_ns)
            self._next_beat_ns += self._period_ns

    def _beat(self, time_ns: int) -> Beat:
        self._last_beat_ns = time_ns
        return Beat(time_ns, _without_timing(self._monitor.step(None, Now(time_ns, time_ns))))

    def _answer(self, event: ImageEvent, time_ns: int) -> Answer:
        self._last_ns = max(self._last_ns, time_ns)
        now = Now(time_ns, time_ns)
        if event.image is None:
            return self._fault(event, event.problem, now, "bad image")
        size = (event.image.shape[0], event.image.shape[1])
        hazard = self._policy.hazard
        ground = self._geometry.ground(size, hazard.camera, self._policy.horizontal_fov_rad)
        if ground is None:
            before = self.without_ground or WithoutGround(0, self._geometry.problem)
            self.without_ground = replace(before, images=before.images + 1)
        try:
            corridor = self._motion.corridor(event.stamp_ns, hazard.corridor)
            assessment = self._detector.infer(event.image, ground, corridor)
        except (WorkerError, EngineError) as error:
            return self._fault(event, str(error), now, "engine")
        state = self._monitor.step(Observation(assessment, event.stamp_ns, inspect_image(event.image)), now)
        return Answer(time_ns, event, _without_timing(state), assessment)

    def _fault(self, event: ImageEvent, reason: str, now: Now, problem: str) -> Answer:
        state = self._monitor.fault(reason, now, event.stamp_ns)
        return Answer(now.ros_ns, event, _without_timing(state), None, problem)


def _without_timing(state: HazardState) -> HazardState:
    return replace(state, latency_ms=None)
