"""The images of one camera of a recorded drive, each with what is known of motion and camera at its moment."""

from __future__ import annotations

from collections.abc import Iterator

from ros_anomaly.bags.clock import DriveClock
from ros_anomaly.bags.reader_events import CameraInfoEvent, DriveSource, ImageEvent, events_on_clock
from ros_anomaly.evaluation.score_track import NO_INTRINSICS, NO_MOTION, DriveImage
from ros_anomaly.hazard.camera_geometry import CameraGeometry
from ros_anomaly.hazard.config import CameraMount
from ros_anomaly.hazard.ego_motion import EgoMotion
from ros_anomaly.messages.odometry import Motion


class CameraImages:
    """Iterates over the images of the only camera of ``source`` as a node would receive them.

    Attributes:
        without_intrinsics: images without a usable camera_info and field of view, so far.
    """

    def __init__(self, source: DriveSource, clock: DriveClock, horizontal_fov_rad: float = 0.0) -> None:
        """ValueError unless the drive has one camera."""
        if len(source.cameras) != 1:
            raise ValueError(f"{source.name}: expected one camera, found {len(source.cameras)}")
        self._source, self._clock, self._fov_rad = source, clock, horizontal_fov_rad
        self.without_intrinsics = 0

    def __iter__(self) -> Iterator[DriveImage]:
        """ValueError at an image that cannot be read: a node is UNKNOWN there and for a while after."""
        geometry, motion = CameraGeometry(), EgoMotion()
        self.without_intrinsics = 0
        _, events = events_on_clock(self._source, self._clock)
        for one in events:
            event = one.event
            if isinstance(event, CameraInfoEvent):
                if event.intrinsics is not None:
                    geometry.take(event.intrinsics)
                else:
                    geometry.refuse(event.problem)
            elif isinstance(event, Motion):
                motion.take(*event)
            elif isinstance(event, ImageEvent):
                yield self._image(event, one.recorded_ns, geometry, motion)

    def _image(self, event: ImageEvent, recorded_ns: int, geometry: CameraGeometry, motion: EgoMotion) -> DriveImage:
        if event.image is None:
            raise ValueError(
                f"{self._source.name}: expected images that can all be read, found one at {event.stamp_ns} ns that "
                f"cannot ({event.problem}): cut it out of the recording, or take another"
            )
        # The mount has no part in intrinsics: whoever tells the drive again brings it.
        size = (event.image.shape[0], event.image.shape[1])
        ground = geometry.ground(size, CameraMount(), self._fov_rad)
        self.without_intrinsics += ground is None
        return DriveImage(
            image=event.image,
            stamp_ns=event.stamp_ns,
            recorded_ns=recorded_ns,
            motion=motion.at(event.stamp_ns) or NO_MOTION,
            intrinsics=NO_INTRINSICS if ground is None else (ground.fx, ground.fy, ground.cx, ground.cy),
        )
