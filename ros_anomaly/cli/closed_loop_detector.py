"""The detector at the wheel of a closed-loop drive: image to state within this process, as the node does it."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from ros_anomaly.detector import ManifestEngine
    from ros_anomaly.hazard.config import HazardConfig
    from ros_anomaly.hazard.corridor import Corridor
    from ros_anomaly.hazard.types import Assessment
    from ros_anomaly_sim.bridge.camera_rig import CameraPlan
    from ros_anomaly_sim.bridge.stage import Moment
    from ros_anomaly_sim.closed_loop.course import Course
    from ros_anomaly_sim.closed_loop.drivers import Verdict

_REMEMBERED = 200  # of some 0.7 MB; drives of the suite have fewer images


class DetectorDriver:
    """``Detector`` and ``HazardMonitor`` on the images of a drive; a ``closed_loop.drivers.Driver``.

    What was made of an image is remembered: the same drive at another latency begins with the same images.

    Attributes:
        doubt: what the engine's calibration does not promise here, one line; empty where it keeps its promises.
    """

    name, sees = "detector", True

    def __init__(
        self, engine: ManifestEngine, config: HazardConfig, plan: CameraPlan, threshold: float | None = None
    ) -> None:
        from dataclasses import replace

        from ros_anomaly.detector import Detector, DetectorConfig
        from ros_anomaly.hazard.ground import GroundProjection

        mount = replace(config.camera, x_m=plan.x_m, z_m=plan.z_m)
        # A car that stands in a world without noise sees the same image again and again.
        self._config = replace(config, camera=mount, image=replace(config.image, frozen_frames=0))
        self._detector = Detector(engine, DetectorConfig(threshold, config.region))
        self._ground = GroundProjection.from_fov(plan.size, plan.fov_rad, mount)
        self._remembered: OrderedDict[tuple[bytes, Corridor], Assessment] = OrderedDict()
        self.threshold = self._detector.threshold
        self.doubt = self._detector.doubt(self._config)

    def begin(self, course: Course) -> None:
        from ros_anomaly.hazard.monitor import HazardMonitor

        self._monitor = HazardMonitor(self._config, lockstep=True)

    def judge(self, moment: Moment) -> Verdict | None:
        from ros_anomaly.hazard.corridor import Corridor
        from ros_anomaly.hazard.image_health import inspect_image
        from ros_anomaly.hazard.monitor import Now, Observation
        from ros_anomaly_sim.closed_loop.drivers import verdict_of

        view = moment.view
        if view is None:
            return None
        motion = moment.motion
        corridor = Corridor.from_motion(self._config.corridor, motion.speed_mps, motion.yaw_rate_radps)
        assessment = self._assess(view.image, corridor)
        observation = Observation(assessment, moment.stamp_ns, inspect_image(view.image))
        state = self._monitor.step(observation, Now(moment.stamp_ns, moment.stamp_ns))
        return verdict_of(state, view.boxes, assessment.latency_ms, assessment.mask, assessment.score)

    def _assess(self, image: np.ndarray, corridor: Corridor) -> Assessment:
        from hashlib import blake2b

        import numpy as np

        key = (blake2b(np.ascontiguousarray(image).data, digest_size=16).digest(), corridor)
        if key not in self._remembered:
            self._remembered[key] = self._detector.infer(image, self._ground, corridor)
            while len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return self._remembered[key]
