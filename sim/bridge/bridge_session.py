"""One session of the bridge with a server: put the scenario on, warm up, drive, publish, take it down."""

from __future__ import annotations

import time
from dataclasses import dataclass

import carla

from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly.messages.lockstep import Lockstep
from ros_anomaly_sim.bridge.bridge_node import BridgePort
from ros_anomaly_sim.bridge.bridge_settings import BridgeSettings
from ros_anomaly_sim.bridge.drive_file import DriveFile, DriveSummary, StreetObject
from ros_anomaly_sim.bridge.lockstep_drive import NobodyListens, await_answer
from ros_anomaly_sim.bridge.stage import Moment, Stage, StageOptions
from ros_anomaly_sim.street.anomalies import FIRST_INSTANCE_ID
from ros_anomaly_sim.street.drive_anomalies import CORRIDOR_HALF_M

_STATUS_PERIOD_S = 1.0
_WARM_UP_ANSWERS = 30
_ANSWER_PATIENCE_S = 1.0
_NS_PER_S = 1_000_000_000


@dataclass
class Tally:
    """What became of all sessions of a bridge; ``last_stamp_ns`` is the newest that was published."""

    drives: int = 0
    moments: int = 0
    images: int = 0
    missed_images: int = 0
    reconnects: int = 0
    last_stamp_ns: int = 0


class Session:
    """Drives a scenario once on a server that is there."""

    def __init__(self, port: BridgePort, settings: BridgeSettings, lockstep: Lockstep | None, tally: Tally) -> None:
        self._port, self._settings, self._lockstep, self._tally = port, settings, lockstep, tally
        self._status_due_s = 0.0
        self._due_s = 0.0
        self._held: list[Moment] = []

    def run(self, client: carla.Client, first_stamp_ns: int) -> None:
        """Drive to the end of the route or of the scenario's time; everything spawned is destroyed however it ends.

        Raises:
            NobodyListens, DetectorSilent: in lockstep, and there is no detector, or it stopped answering.
            MissingBlueprint, SpawnRefused, NoRouteError: the scenario cannot be put on.
            RuntimeError: the server is gone.
        """
        settings = self._settings
        options = StageOptions(settings.cameras, settings.delta_s, image_timeout_s=settings.connect_timeout_s)
        with Stage(client, settings.scenario, options, first_stamp_ns) as stage:
            try:
                self._drive(stage)
            finally:
                self._tally.missed_images += stage.missed_images
                self._note_end()

    def _drive(self, stage: Stage) -> None:
        moment = stage.warm_up()
        self._due_s = time.monotonic()
        if self._lockstep is not None:
            self._port.say(f"{self._settings.scenario.name} is set up; waiting for the detector")
            moment = self._until_the_detector_is_ready(stage, moment)
        else:
            self._show(stage, moment)
        start_ns = moment.stamp_ns
        self._note_start(stage, start_ns)
        scenario = self._settings.scenario
        self._port.say(f"{scenario.name}: driving {scenario.ego.route_m:g} m on {scenario.map}")
        wanted_mps = scenario.ego.speed_kmh / 3.6
        while moment.stamp_ns - start_ns < scenario.duration_s * _NS_PER_S:
            if self._settings.drives and moment.travelled_m >= scenario.ego.route_m:
                break
            moment = stage.step(stage.scene.driver.control(wanted_mps) if self._settings.drives else None)
            self._go_on(stage, moment)
        self._await_answer()
        self._show_held(stage)
        self._tally.drives += 1

    def _go_on(self, stage: Stage, moment: Moment) -> None:
        """Show a moment and wait for the answer; ``ahead``: wait for the last answer, then show up to this image."""
        self._held.append(moment)
        if not self._settings.ahead:
            self._show_held(stage)
            self._await_answer()
        elif moment.view is not None:
            self._await_answer()
            self._show_held(stage)

    def _show_held(self, stage: Stage) -> None:
        for moment in self._held:
            self._show(stage, moment)
        self._held.clear()

    def _await_answer(self) -> None:
        if self._lockstep is not None:
            await_answer(self._lockstep, self._port.listen)

    def _until_the_detector_is_ready(self, stage: Stage, moment: Moment) -> Moment:
        """Stand and show the view until the detector trusts what it sees, and whoever is waited for says go.

        These images are not counted.
        """
        deadline_s = time.monotonic() + self._settings.startup_timeout_s
        trial = Lockstep(_ANSWER_PATIENCE_S, patience=1_000_000)
        answers, ready = 0, False
        standing = carla.VehicleControl(brake=1.0)
        with self._port.answering(trial):
            while not ready:
                if time.monotonic() > deadline_s:
                    raise NobodyListens(f"within {self._settings.startup_timeout_s:g} s: {self._missing(answers)}")
                if not self._port.listeners:
                    self._port.publish_motion(moment.stamp_ns, moment.motion)
                    self._port.listen(0.1)
                    continue
                before = self._port.last_answer
                self._show(stage, moment)
                if moment.view is not None:
                    await_answer(trial, self._port.listen)
                report = self._port.last_answer
                # A slow detector's answer, too, which comes when another image is out already.
                answers += report is not before
                trusted = bool(answers) and report is not None and report.state.level is not HazardLevel.UNKNOWN
                may_go = self._port.told_to_go or not self._settings.wait_for_go
                ready = may_go and (trusted or answers >= _WARM_UP_ANSWERS)
                if not ready:
                    moment = stage.step(standing)
        return moment

    def _missing(self, answers: int) -> str:
        """What the drive has not begun for."""
        if not self._port.listeners:
            return "the detector does not listen"
        return "nobody said go" if answers else "the detector did not answer"

    def _note_start(self, stage: Stage, start_ns: int) -> None:
        """Write what is driven through; the first image that counts is the next one."""
        if self._settings.notes is None:
            return
        tick_s, scenario = self._settings.cameras.tick_s, self._settings.scenario
        objects = tuple(
            StreetObject(FIRST_INSTANCE_ID + number, placed.name, placed.middle, placed.reaches_into(CORRIDOR_HALF_M))
            for number, placed in enumerate(stage.anomalies)
        )
        first_ns = start_ns + round(tick_s * _NS_PER_S)
        DriveFile(scenario.name, scenario.map, scenario.duration_s, 1 / tick_s, first_ns, objects).save(
            self._settings.notes
        )

    def _note_end(self) -> None:
        if self._settings.notes is not None and self._lockstep is not None:
            DriveSummary(self._lockstep.sent, tuple(self._lockstep.unanswered)).save(self._settings.notes)

    def _show(self, stage: Stage, moment: Moment) -> None:
        """Publish a moment when it is due."""
        self._listen_until(self._due_s)
        self._port.publish_moment(moment)
        self._tally.moments += 1
        self._tally.images += moment.view is not None
        self._tally.last_stamp_ns = moment.stamp_ns
        now_s = time.monotonic()
        if self._settings.speed:
            # Time that was lost is not made up for: a burst of images would be worth nothing.
            self._due_s = max(self._due_s, now_s - 0.5) + self._settings.delta_s / self._settings.speed
        if now_s >= self._status_due_s:
            self._status_due_s = now_s + _STATUS_PERIOD_S
            self._port.publish_status(moment.stamp_ns, True, "driving", self._values(stage, moment))

    def _listen_until(self, due_s: float) -> None:
        self._port.listen(0.0)
        while (left_s := due_s - time.monotonic()) > 0:
            self._port.listen(left_s)

    def _values(self, stage: Stage, moment: Moment) -> dict[str, object]:
        return {
            "scenario": self._settings.scenario.name,
            "map": self._settings.scenario.map,
            "travelled_m": moment.travelled_m,
            "drives": self._tally.drives,
            "images": self._tally.images,
            "missed_images": self._tally.missed_images + stage.missed_images,
            "unanswered": None if self._lockstep is None else len(self._lockstep.unanswered),
            "reconnects": self._tally.reconnects,
        }
