"""One scenario driven by one driver, tick by tick; the same result for the same scenario, driver and latency."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import carla

from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly_sim.bridge.camera_rig import CameraKind, CameraPlan
from ros_anomaly_sim.bridge.stage import Contact, Moment, Stage, StageOptions
from ros_anomaly_sim.closed_loop.drivers import Driver, Verdict
from ros_anomaly_sim.closed_loop.latency import Arrival, LateJudge
from ros_anomaly_sim.closed_loop.policy import Pedals, Policy
from ros_anomaly_sim.closed_loop.result import DriveResult, End, TrackPoint
from ros_anomaly_sim.closed_loop.scoring import Scores
from ros_anomaly_sim.scenarios.schema import Scenario

DETECTOR_CAMERAS = CameraPlan(kinds=(CameraKind.RGB,))
_NS_PER_S = 1_000_000_000
# Standing at the start, a detector gets the images that it needs before it says anything; everybody waits as long.
_STANDING_S = 0.6
_AFTER_COLLISION_S = 1.0
_LAST_EVENTS_S = 0.05


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


def drive(client: carla.Client, scenario: Scenario, driver: Driver, options: DriveOptions) -> DriveResult:
    """Drive a scenario to its end; everything spawned for it is destroyed.

    Raises:
        MissingBlueprint: the server has not what the scenario needs.
        SpawnRefused, NoRouteError: it cannot be put on.
        RuntimeError: the server is gone.
    """
    cameras = options.cameras if driver.sees else None
    with Stage(client, scenario, StageOptions(cameras, options.delta_s, options.fresh)) as stage:
        return _Drive(stage, scenario, driver, options).run()


class _Drive:
    def __init__(self, stage: Stage, scenario: Scenario, driver: Driver, options: DriveOptions) -> None:
        self._stage, self._scenario, self._driver, self._options = stage, scenario, driver, options
        self._judge = LateJudge(driver, round(options.latency_ms * 1e6))
        self._pedals = Pedals(options.policy)
        self._newest: Arrival | None = None
        self._contacts: list[Contact] = []
        self._start_ns = 0
        self._images = 0
        self._standing_since_s: float | None = None
        self._scores = Scores(stage, options.policy)

    def run(self) -> DriveResult:
        stage, scenario = self._stage, self._scenario
        self._driver.begin(stage)
        moment = stage.warm_up()
        self._start_ns = moment.stamp_ns + round(_STANDING_S * _NS_PER_S)
        self._take(moment)
        standing = carla.VehicleControl(brake=1.0)
        while moment.stamp_ns < self._start_ns:
            moment = stage.step(standing)
            self._take(moment)
        end = None
        while end is None:
            braking = self._decide(moment)
            self._scores.add(self._point(moment, braking), self._verdict(moment))
            wanted_mps = scenario.ego.speed_kmh / 3.6
            control = stage.scene.driver.control(wanted_mps, self._options.policy.brake if braking else None)
            moment = stage.step(control)
            self._take(moment)
            end = self._end(moment, braking)
        self._scores.add(self._point(moment, self._decide(moment)), self._verdict(moment))
        # The server tells of contacts in its own time; the last ones get a tick more.
        stage.step(standing)
        time.sleep(_LAST_EVENTS_S)
        self._contacts += stage.contacts()
        return self._result(end)

    def _take(self, moment: Moment) -> None:
        for arrival in self._judge.offer(moment):
            self._newest = arrival
            self._images += arrival.moment.view is not None
            self._scores.told(arrival, self._seconds(arrival.at_ns))
        self._contacts += self._stage.contacts()

    def _decide(self, moment: Moment) -> bool:
        now_s = self._seconds(moment.stamp_ns)
        if self._newest is None:
            return self._pedals.braking(True, 0.0, now_s)
        age_s = (moment.stamp_ns - self._newest.at_ns) / _NS_PER_S
        return self._pedals.braking(self._newest.verdict.level.flag, age_s, now_s)

    def _verdict(self, moment: Moment) -> Verdict:
        if self._newest is None:
            return Verdict(HazardLevel.UNKNOWN, "no verdict yet")
        age_s = (moment.stamp_ns - self._newest.at_ns) / _NS_PER_S
        if age_s > self._options.policy.silence_s:
            return Verdict(HazardLevel.UNKNOWN, f"no verdict for {age_s:.1f} s")
        return self._newest.verdict

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

    def _point(self, moment: Moment, braking: bool) -> TrackPoint:
        return TrackPoint(
            round(self._seconds(moment.stamp_ns), 6),
            moment.travelled_m,
            moment.motion.speed_mps,
            self._verdict(moment).level.value,
            braking,
        )

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
            latency_ms=self._options.latency_ms if self._driver.sees else 0.0,
            end=end,
            duration_s=last.at_s,
            travelled_m=last.travelled_m,
            mean_speed_mps=last.travelled_m / last.at_s if last.at_s else 0.0,
            collisions=self._scores.collisions(touched),
            anomalies=self._scores.outcomes(touched),
            brakings=self._scores.brakings(),
            images=self._images,
            dropped=self._judge.dropped,
            late=self._judge.late,
            missed=self._stage.missed_images,
            track=track,
        )
