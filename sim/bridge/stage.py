"""A scenario on a CARLA server, tick by tick: what the ego does, what its cameras see, what it runs into."""

from __future__ import annotations

import queue
from dataclasses import dataclass
from typing import Any

import carla

from ros_anomaly.limits import check_within
from ros_anomaly_sim.bridge.camera_rig import CameraImages, CameraPlan, CameraRig, CameraSilent
from ros_anomaly_sim.bridge.carla_scene import CarlaScene, PlacedAnomaly
from ros_anomaly_sim.bridge.carla_views import CarlaView, ViewMaker
from ros_anomaly_sim.bridge.handedness import EgoMotion, ego_motion
from ros_anomaly_sim.bridge.street_frame import FIRST_STAMP_NS
from ros_anomaly_sim.bridge.world_hold import WorldHold
from ros_anomaly_sim.scenarios.schema import Scenario

_NS_PER_S = 1_000_000_000


@dataclass(frozen=True)
class StageOptions:
    """How a scenario is put on.

    Attributes:
        cameras: None for a drive that nobody sees.
        delta_s: simulated time of a tick.
        fresh: load the map even where it is there.
        image_timeout_s: how long an image that is due is waited for.
    """

    cameras: CameraPlan | None
    delta_s: float = 0.05
    fresh: bool = False
    image_timeout_s: float = 20.0

    def __post_init__(self) -> None:
        check_within("delta_s", self.delta_s, 0.001, 0.1)


@dataclass(frozen=True)
class Moment:
    """The world after one tick.

    Attributes:
        stamp_ns: simulated time.
        motion: of the ego, right-handed.
        travelled_m: along the route.
        view: None where no image was due, or it did not come.
    """

    stamp_ns: int
    motion: EgoMotion
    travelled_m: float
    view: CarlaView | None


@dataclass(frozen=True)
class Contact:
    """The ego touched something.

    Attributes:
        stamp_ns: of the tick in which it did.
        other: type of the other's blueprint.
        anomaly: number in the scenario of the anomaly that it was, or None.
    """

    stamp_ns: int
    other: str
    anomaly: int | None


class Stage:
    """Puts a scenario on and takes it down again; use as a context manager.

    Args:
        first_stamp_ns: stamp of the first moment; what was there before a lost server must not come again.

    Raises:
        MissingBlueprint, SpawnRefused, NoRouteError: the scenario cannot be put on; nothing of it is left.
        RuntimeError: the server is gone.
    """

    def __init__(
        self, client: carla.Client, scenario: Scenario, options: StageOptions, first_stamp_ns: int = FIRST_STAMP_NS
    ) -> None:
        self._options = options
        self._first_stamp_ns = first_stamp_ns
        self._delta_ns = round(options.delta_s * _NS_PER_S)
        self._first_frame: int | None = None
        self._contacts: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._hold = WorldHold(client, scenario.map, options.delta_s, options.fresh)
        try:
            # However old the world is, drives of one scenario see the lights change at the same moments.
            self._hold.hold_lights()
            self.scene = CarlaScene(self._hold, scenario)
            self._rig = None
            if options.cameras is not None:
                self._rig = CameraRig(self._hold, self.scene.ego, options.cameras, options.delta_s)
                self._views = ViewMaker(options.cameras, self.scene.anomalies)
            bumper = self._hold.spawn(self._hold.blueprint("sensor.other.collision"), carla.Transform(), self.scene.ego)
            bumper.listen(self._contacts.put)
        except BaseException:
            self._hold.close()
            raise

    @property
    def anomalies(self) -> tuple[PlacedAnomaly, ...]:
        """The scenario's anomalies, in its order."""
        return self.scene.anomalies

    @property
    def missed_images(self) -> int:
        """Images that were due and did not come."""
        return 0 if self._rig is None else self._rig.missed

    @property
    def half_width_m(self) -> float:
        """Half of the ego's width."""
        return float(self.scene.ego.bounding_box.extent.y)

    @property
    def front_m(self) -> float:
        """From the ego's origin to its bumper."""
        box = self.scene.ego.bounding_box
        return float(box.location.x + box.extent.x)

    def warm_up(self) -> Moment:
        """The first moment: every camera's stream is open, and this is the first image. Traffic has not moved yet."""
        self.scene.ego.apply_control(carla.VehicleControl(brake=1.0))
        if self._rig is None:
            self._first_frame = self._hold.tick()
            self._hold.let_lights_change()
            return self._moment(self._first_frame, None)
        self._rig.warm_up(self._hold, self._options.image_timeout_s)
        # The stage opens with an image, so that images have the same stamps in every run.
        while not self._rig.is_due(frame := self._hold.tick()):
            pass
        self._first_frame = frame
        images = self._rig.read(frame, self._options.image_timeout_s)
        self._hold.let_lights_change()
        return self._moment(frame, self._views.view(images))

    def step(self, control: carla.VehicleControl | None) -> Moment:
        """One tick under a control of the ego; None leaves it to somebody else."""
        if control is not None:
            self.scene.ego.apply_control(control)
        self.scene.drive_traffic()
        frame = self._hold.tick()
        images = None
        if self._rig is not None and self._rig.is_due(frame):
            try:
                images = self._rig.read(frame, self._options.image_timeout_s)
            except CameraSilent:
                images = self._after_a_miss()
                frame = self._hold.world.get_snapshot().frame
        return self._moment(frame, None if images is None else self._views.view(images))

    def contacts(self) -> list[Contact]:
        """What the ego touched since the last call, as far as the server has told."""
        found = []
        while not self._contacts.empty():
            event = self._contacts.get()
            number = next((n for n, a in enumerate(self.anomalies) if a.actor_id == event.other_actor.id), None)
            found.append(Contact(self._stamp_ns(event.frame), event.other_actor.type_id, number))
        return found

    def close(self) -> None:
        """Destroy everything and give the world back; a second call does nothing."""
        self._hold.close()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _after_a_miss(self) -> CameraImages | None:
        assert self._rig is not None
        try:
            return self._rig.warm_up(self._hold, self._options.image_timeout_s)
        except CameraSilent:
            return None

    def _stamp_ns(self, frame: int) -> int:
        first = frame if self._first_frame is None else self._first_frame
        return self._first_stamp_ns + (frame - first) * self._delta_ns

    def _moment(self, frame: int, view: CarlaView | None) -> Moment:
        ego = self.scene.ego
        transform, velocity, turn = ego.get_transform(), ego.get_velocity(), ego.get_angular_velocity()
        motion = ego_motion(
            transform.location.x, transform.location.y, transform.rotation.yaw, (velocity.x, velocity.y), turn.z
        )
        return Moment(self._stamp_ns(frame), motion, self.scene.travelled_m(), view)
