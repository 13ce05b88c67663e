"""One scenario driven by one driver, tick by tick; the same result for the same scenario, driver and latency."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import carla

from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly_sim.bridge.camera_rig import CameraKind, CameraPlan
from ros_anomaly_sim.bridge.stage import Contact, Moment, Stage, StageOptions
from ros_anomaly_sim.closed_loop.course import Course, LiveCourse, Tape, TapedCourse, TapingCourse
from ros_anomaly_sim.closed_loop.drivers import Driver, Verdict
from ros_anomaly_sim.closed_loop.latency import Arrival, LateJudge
from ros_anomaly_sim.closed_loop.policy import Pedals, Policy
from ros_anomaly_sim.closed_loop.result import DriveResult, End, TrackPoint
from ros_anomaly_sim.closed_loop.scoring import Scores
from ros_anomaly_sim.closed_loop.seen import Seen
from ros_anomaly_sim.scenarios.schema import Scenario

DETECTOR_CAMERAS = CameraPlan(kinds=(CameraKind.RGB,))
_NS_PER_S = 1_000_000_000
# Standing at the start, a detector gets the images that it needs before it says anything; everybody waits as long.
_STANDING_S = 0.6
_AFTER_COLLISION_S = 1.0


class Audience(Protocol):
    """Watches a drive."""

    def begin(self, course: Course) -> None:
        """A drive begins on this course."""
        ...

    def judged(self, moment: Moment, verdict: Verdict) -> None:
        """The driver has made something of an image."""
        ...

    def ticked(self, moment: Moment, point: TrackPoint, acted_on: Verdict) -> None:
        """A tick of the drive, and the verdict that it acts on."""
        ...


@dataclass(frozen=True)
class DriveOptions:
    """How to drive.

    Attributes:
        latency_ms: simulated time from an image to the reaction to it.
        cameras: of drivers that see.
        fresh: load the map anew.
    """

    policy: Policy = Policy()
    latency_ms: float = 0.0
    cameras: CameraPlan = DETECTOR_CAMERAS
    delta_s: float = 0.05
    fresh: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.latency_ms) and 0 <= self.latency_ms <= 10_000):
            raise ValueError(f"latency_ms: expected 0 to 10000, found {self.latency_ms}")


def drive(
    client: carla.Client,
    scenario: Scenario,
    driver: Driver,
    options: DriveOptions,
    audience: Audience | None = None,
    tape: Tape | None = None,
) -> DriveResult:
    """Drive a scenario to its end; everything spawned for it is destroyed.

    Args:
        tape: an empty one, on which the drive is then.

    Raises:
        MissingBlueprint: the server has not what the scenario needs.
        SpawnRefused, NoRouteError: it cannot be put on.
        RuntimeError: the server is gone.
    """
    cameras = options.cameras if driver.sees else None
    with Stage(client, scenario, StageOptions(cameras, options.delta_s, options.fresh)) as stage:
        course: Course = LiveCourse(stage, scenario.ego.speed_kmh / 3.6)
        if tape is not None:
            course = TapingCourse(course, tape)
        return _Drive(course, scenario, driver, options, audience).run()


def drive_taped(
    tape: Tape, scenario: Scenario, driver: Driver, options: DriveOptions, audience: Audience | None = None
) -> DriveResult:
    """What ``drive`` gives, from the tape of a drive of the same scenario.

    Raises:
        Diverged: this drive is another than the taped one, and needs a world.
    """
    return _Drive(TapedCourse(tape), scenario, driver, options, audience).run()


class _Drive:
    def __init__(
        self, course: Course, scenario: Scenario, driver: Driver, options: DriveOptions, audience: Audience | None
    ) -> None:
        self._course, self._scenario, self._driver, self._options = course, scenario, driver, options
        self._audience = audience
        self._latency_ms = options.latency_ms if driver.sees else 0.0
        self._pedals = Pedals(options.policy, self._latency_ms / 1e3)
        self._seen = Seen()
        self._newest: Arrival | None = None
        self._contacts: list[Contact] = []
        self._standing_since_s: float | None = None
        self._scores = Scores(course, options.policy)

    def run(self) -> DriveResult:
        course = self._course
        self._driver.begin(course)
        if self._audience is not None:
            self._audience.begin(course)
        moment = course.start()
        self._start_ns = moment.stamp_ns + round(_STANDING_S * _NS_PER_S)
        self._judge = LateJudge(self._driver, round(self._latency_ms * 1e6), self._start_ns, self._judged)
        self._take(moment)
        while moment.stamp_ns < self._start_ns:
            moment = course.step(1.0)
            self._take(moment)
        end = None
        while end is None:
            braking = self._decide(moment)
            self._show(moment, braking)
            moment = course.step(self._options.policy.brake if braking else None)
            self._take(moment)
            end = self._end(moment, braking)
        self._show(moment, self._decide(moment))
        self._contacts += course.last_contacts()
        return self._result(end)

    def _take(self, moment: Moment) -> None:
        for arrival in self._judge.offer(moment):
            self._newest = arrival
            self._scores.told(arrival.verdict, self._seconds(moment.stamp_ns), moment)
        self._contacts += self._course.contacts()

    def _judged(self, moment: Moment, verdict: Verdict) -> None:
        if moment.view is None:
            return
        self._seen.add(moment.view.image, verdict.latency_ms)
        if self._audience is not None:
            self._audience.judged(moment, verdict)

    def _show(self, moment: Moment, braking: bool) -> None:
        verdict = self._verdict(moment)
        point = TrackPoint(
            round(self._seconds(moment.stamp_ns), 6),
            moment.travelled_m,
            moment.motion.speed_mps,
            verdict.level.value,
            braking,
        )
        self._scores.add(point, verdict)
        if self._audience is not None:
            self._audience.ticked(moment, point, verdict)

    def _decide(self, moment: Moment) -> bool:
        now_s = self._seconds(moment.stamp_ns)
        if self._newest is None:
            return self._pedals.braking(True, 0.0, now_s)
        return self._pedals.braking(self._newest.verdict.level.flag, self._age_s(self._newest, moment), now_s)

    def _verdict(self, moment: Moment) -> Verdict:
        if self._newest is None:
            return Verdict(HazardLevel.UNKNOWN, "no verdict yet")
        age_s = self._age_s(self._newest, moment)
        if self._pedals.is_silence(age_s):
            return Verdict(HazardLevel.UNKNOWN, f"no verdict for {age_s:.1f} s")
        return self._newest.verdict

    @staticmethod
    def _age_s(arrival: Arrival, moment: Moment) -> float:
        return (moment.stamp_ns - arrival.at_ns) / _NS_PER_S

    def _end(self, moment: Moment, braking: bool) -> End | None:
        now_s, policy = self._seconds(moment.stamp_ns), self._options.policy
        if self._contacts:
            after_s = now_s - self._seconds(self._contacts[0].stamp_ns)
            return End.COLLIDED if after_s >= _AFTER_COLLISION_S else None
        if moment.travelled_m >= self._scenario.ego.route_m:
            return End.COMPLETED
        if now_s >= self._scenario.duration_s:
            return End.TIME
        stands = braking and moment.motion.speed_mps < policy.standing_mps
        if not stands:
            self._standing_since_s = None
        elif self._standing_since_s is None:
            self._standing_since_s = now_s
        elif now_s - self._standing_since_s >= policy.held_s:
            return End.HELD
        return None

    def _seconds(self, stamp_ns: int) -> float:
        return (stamp_ns - self._start_ns) / _NS_PER_S

    def _result(self, end: End) -> DriveResult:
        touched = [(self._seconds(contact.stamp_ns), contact) for contact in self._contacts]
        if touched:
            end = End.COLLIDED
            # When the news came is the server's affair; the drive is over at the same moment all the same.
            self._scores.cut(touched[0][0] + _AFTER_COLLISION_S)
        track = self._scores.track
        last = track[-1]
        return DriveResult(
            scenario=self._scenario.name,
            driver=self._driver.name,
            latency_ms=self._latency_ms,
            end=end,
            duration_s=last.at_s,
            travelled_m=last.travelled_m,
            mean_speed_mps=last.travelled_m / last.at_s if last.at_s else 0.0,
            collisions=self._scores.collisions(touched),
            anomalies=self._scores.outcomes(touched),
            brakings=self._scores.brakings(touched),
            images=self._seen.images,
            dropped=self._judge.dropped,
            late=self._judge.late,
            unanswered=self._judge.unanswered,
            missed=self._course.missed_images,
            images_digest=self._seen.digest,
            track=track,
            compute=self._seen.compute,
        )
