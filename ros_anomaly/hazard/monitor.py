"""The hazard monitor: everything that is remembered between frames, and the only place that may say CLEAR.

Confirmation counts frames, not tracks: the corridor held an anomaly in so many of the last processed frames, be
it the same or another. Associating regions from frame to frame would lose exactly the small, near and fast ones,
whose boxes do not overlap, and so err towards silence; the false alarms that it would spare are bounded by
calibration, which runs this very code.

A frame that cannot be trusted is no evidence either way. It neither confirms nor releases, and a hazard once
confirmed outlives UNKNOWN until enough good frames without an anomaly in the corridor were seen.

A frame whose scene is unfamiliar is half of that: that nothing was found in it proves nothing, but an anomaly in the
corridor counts. Something near enough to fill the ground makes any scene unfamiliar.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

from ros_anomaly.hazard.config import HazardConfig
from ros_anomaly.hazard.freshness import Now, elapsed_ms, stamp_fault
from ros_anomaly.hazard.image_health import ImageFacts
from ros_anomaly.hazard.types import Assessment, HazardLevel, HazardState

__all__ = ["HazardMonitor", "Now", "Observation"]


@dataclass(frozen=True)
class Observation:
    """One processed frame: what was inferred, the stamp of its image (ROS time), and the image's own facts.

    ``image`` may be None where images are known to be sound (a data set); it then passes unchecked.
    """

    assessment: Assessment
    stamp_ns: int
    image: ImageFacts | None


class HazardMonitor:
    """State machine over processed frames and clock ticks. Deterministic, no clock of its own; not thread safe.

    Starts UNKNOWN. With ``lockstep`` the steady watchdog is off: simulated time may stand still at will.
    """

    def __init__(self, config: HazardConfig | None = None, lockstep: bool = False) -> None:
        self._config = config or HazardConfig()
        self._lockstep = lockstep
        self._distrust: str | None = "no frame yet"
        self._distrusts_scenes_alone = False
        self._reported = True
        self._good_frames = 0
        self._corridor_hits: deque[bool] = deque(maxlen=self._config.confirm.window)
        self._confirmed = False
        self._frames_without = 0
        self._last_ros_ns: int | None = None
        self._last_inference_ns: int | None = None
        self._last_stamp_ns: int | None = None
        self._last_digest: int | None = None
        self._same_images = 0
        self._state: HazardState | None = None

    def step(self, observation: Observation | None, now: Now) -> HazardState:
        """State after a processed frame, or at a heartbeat (``observation`` None) at which there was none."""
        clock_fault = self._clock_fault(now)
        if observation is None:
            return self._heartbeat(clock_fault, now)
        self._reported = False
        fault = self._frame_fault(observation, now) or clock_fault  # the first is called for its bookkeeping, too
        if fault:
            return self._unknown(fault, now, observation)
        return self._good_frame(observation, now)

    def fault(self, reason: str, now: Now, image_stamp_ns: int | None = None) -> HazardState:
        """Distrust from outside: engine error, worker gone, unreadable image, node inactive.

        UNKNOWN with ``reason`` at once and at every heartbeat until the next frame, and UNKNOWN further until
        ``confirm.recover`` good frames in a row. ``image_stamp_ns`` names the image at fault, if one is.
        """
        self._clock_fault(now)
        self._reported = True
        return replace(self._unknown(reason, now, None), image_stamp_ns=image_stamp_ns)

    def _clock_fault(self, now: Now) -> str | None:
        last, self._last_ros_ns = self._last_ros_ns, now.ros_ns
        if last is None:
            return None
        back_ms = elapsed_ms(now.ros_ns, last)
        if back_ms > self._config.fresh.max_clock_step_back_ms:
            return f"ROS time went back by {back_ms:.0f} ms"
        return None

    def _frame_fault(self, observation: Observation, now: Now) -> str | None:
        previous, self._last_stamp_ns = self._last_stamp_ns, observation.stamp_ns
        self._last_inference_ns = now.steady_ns
        fault = stamp_fault(observation.stamp_ns, previous, now.ros_ns, self._config.fresh)
        if not math.isfinite(observation.assessment.max_score):
            fault = fault or f"score is not finite: {observation.assessment.max_score}"
        return fault if observation.image is None else self._image_fault(observation.image, fault)

    def _image_fault(self, image: ImageFacts, before: str | None) -> str | None:
        self._same_images = self._same_images + 1 if image.digest == self._last_digest else 1
        self._last_digest = image.digest
        limit = self._config.image.frozen_frames
        if limit and self._same_images >= limit:
            before = before or f"frozen image: {self._same_images} identical in a row, limit {limit}"
        return before or image.fault(self._config.image)

    def _scene_fault(self, shift: float | None) -> str | None:
        scene = self._config.scene
        if not scene.is_unfamiliar(shift):
            return None
        told = f"scores of the ground shifted by {shift:.3f} since calibration, limit {scene.max_shift:g}"
        return f"unfamiliar scene: {told}"

    def _heartbeat(self, clock_fault: str | None, now: Now) -> HazardState:
        fault = clock_fault or self._silence(now)
        if fault:
            # Silence follows from what was reported (an engine that died), so the report stays the better reason.
            reported = self._distrust if self._reported else None
            return self._unknown(reported or fault, now, None)
        if self._distrust is not None or self._state is None:
            return HazardState(HazardLevel.UNKNOWN, self._distrust or "no frame yet", None)
        return replace(self._state, frame_age_ms=self._age_ms(self._state.image_stamp_ns, now))

    def _silence(self, now: Now) -> str | None:
        """Why the last frame no longer speaks for the present, or None."""
        fresh = self._config.fresh
        if self._last_inference_ns is not None and not self._lockstep:
            silent_ms = elapsed_ms(self._last_inference_ns, now.steady_ns)
            if silent_ms > fresh.watchdog_ms:
                return f"no finished inference for {silent_ms:.0f} ms, limit {fresh.watchdog_ms:.0f} ms"
        if self._distrust is None and self._last_stamp_ns is not None:
            age_ms = elapsed_ms(self._last_stamp_ns, now.ros_ns)
            if age_ms > fresh.max_frame_age_ms:
                return f"last frame is {age_ms:.0f} ms old, limit {fresh.max_frame_age_ms:.0f} ms"
        return None

    def _unknown(
        self, reason: str, now: Now, observation: Observation | None, for_its_scene: bool = False
    ) -> HazardState:
        self._distrusts_scenes_alone = for_its_scene and (self._distrust is None or self._distrusts_scenes_alone)
        self._distrust = reason
        self._good_frames = 0
        return self._report(HazardLevel.UNKNOWN, reason, now, observation)

    def _good_frame(self, observation: Observation, now: Now) -> HazardState:
        hit = any(region.in_corridor for region in observation.assessment.regions)
        if unfamiliar := self._scene_fault(observation.assessment.scene_shift):
            return self._unfamiliar_frame(unfamiliar, hit, now, observation)
        self._weigh(hit)
        needed = self._config.confirm.recover
        self._good_frames += 1
        if self._distrust is not None and self._good_frames < needed:
            reason = f"{self._good_frames} of {needed} good frames after: {self._distrust}"
            return self._report(HazardLevel.UNKNOWN, reason, now, observation)
        self._distrust = None
        level, reason = self._judge(observation.assessment)
        self._state = self._report(level, reason, now, observation)
        return self._state

    def _unfamiliar_frame(self, reason: str, hit: bool, now: Now, observation: Observation) -> HazardState:
        if hit:
            self._weigh(hit)
        if not (hit and self._confirmed and (self._distrust is None or self._distrusts_scenes_alone)):
            return self._unknown(reason, now, observation, for_its_scene=True)
        # From here to CLEAR it takes ``confirm.release`` familiar frames without an anomaly: nothing is waved through.
        self._distrust = None
        self._state = self._report(HazardLevel.HAZARD, "anomaly in the corridor", now, observation)
        return self._state

    def _weigh(self, hit: bool) -> None:
        confirm = self._config.confirm
        self._corridor_hits.append(hit)
        self._frames_without = 0 if hit else self._frames_without + 1
        if sum(self._corridor_hits) >= confirm.hits:
            self._confirmed = True
        elif self._frames_without >= confirm.release:
            self._confirmed = False

    def _judge(self, assessment: Assessment) -> tuple[HazardLevel, str]:
        hit = self._corridor_hits[-1]
        if self._confirmed and hit:
            return HazardLevel.HAZARD, "anomaly in the corridor"
        if self._confirmed:
            left = self._config.confirm.release - self._frames_without
            return HazardLevel.HAZARD, f"anomaly was in the corridor, released after {left} more frames without"
        if hit:
            return HazardLevel.CAUTION, "anomaly in the corridor, not yet confirmed"
        if assessment.regions:
            return HazardLevel.CAUTION, "anomaly off the corridor"
        return HazardLevel.CLEAR, "nothing found"

    def _report(self, level: HazardLevel, reason: str, now: Now, observation: Observation | None) -> HazardState:
        if observation is None:
            return HazardState(level, reason, None)
        assessment = observation.assessment
        in_the_way = [region for region in assessment.regions if region.in_corridor] or assessment.regions
        distances = [region.distance_m for region in in_the_way if region.distance_m is not None]
        return HazardState(
            level=level,
            reason=reason,
            image_stamp_ns=observation.stamp_ns,
            regions=assessment.regions,
            nearest_m=min(distances, default=None),
            max_score=assessment.max_score,
            latency_ms=assessment.latency_ms,
            frame_age_ms=self._age_ms(observation.stamp_ns, now),
            scene_shift=assessment.scene_shift,
        )

    @staticmethod
    def _age_ms(stamp_ns: int | None, now: Now) -> float | None:
        return None if stamp_ns is None else elapsed_ms(stamp_ns, now.ros_ns)
