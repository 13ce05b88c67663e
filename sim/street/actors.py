"""Cars and people of one moment: parked along the kerb, driving in the lanes, walking on the sidewalks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ros_anomaly_sim.street.furnishing import footprint
from ros_anomaly_sim.street.layout import SIDES, Plan
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.occupancy import Footprint, Occupancy
from ros_anomaly_sim.street.roads import SIDEWALK_HEIGHT_M
from ros_anomaly_sim.street.scene import Placement, Vec3
from ros_anomaly_sim.street.splits import Split
from ros_anomaly_sim.street.track import Track

_PAINTS: tuple[Vec3, ...] = (
    (0.86, 0.86, 0.84),
    (0.62, 0.63, 0.65),
    (0.34, 0.35, 0.37),
    (0.08, 0.08, 0.09),
    (0.55, 0.07, 0.07),
    (0.07, 0.14, 0.42),
    (0.12, 0.32, 0.5),
    (0.10, 0.28, 0.16),
    (0.72, 0.60, 0.16),
    (0.62, 0.30, 0.10),
    (0.48, 0.42, 0.34),
)
_LANE_FORMS = ("passenger_car", "van", "bus", "truck", "motorbike", "bicycle")
_LANE_FORM_SHARES = (0.7, 0.1, 0.05, 0.06, 0.05, 0.04)
LONGEST_PARKED_M = 5.6


class Street(Protocol):
    """What actors need to know of a street: the one of a town, or one of a network."""

    @property
    def track(self) -> Track: ...

    @property
    def plan(self) -> Plan: ...

    @property
    def split(self) -> Split: ...


@dataclass(frozen=True)
class Actor:
    """A model at road coordinates; ``yaw_rad`` is relative to the road."""

    model: str
    s_m: float
    d_m: float
    z_m: float
    yaw_rad: float
    class_id: int
    tag: str
    half_m: tuple[float, float]
    paint: Vec3 | None = None
    scale: float = 1.0

    def footprint(self, town: Street) -> Footprint:
        """The ground it takes."""
        return footprint(town.track, self.s_m, self.d_m, self.half_m, self.yaw_rad)

    def placement(self, town: Street, instance_id: int) -> Placement:
        """The actor in the world."""
        x, y = town.track.position(self.s_m, self.d_m)
        return Placement(
            model=self.model,
            position=(x, y, self.z_m),
            yaw_rad=float(town.track.heading_rad(self.s_m)) + self.yaw_rad,
            class_id=self.class_id,
            instance_id=instance_id,
            scale=self.scale,
            paint=self.paint,
            tag=self.tag,
        )


class ActorMaker:
    """Draws actors that keep clear of what ``occupied`` holds, and adds them to it."""

    def __init__(self, town: Street, library: ModelLibrary, occupied: Occupancy, rng: np.random.Generator) -> None:
        self._town = town
        self._library = library
        self._occupied = occupied
        self._rng = rng

    def parked(self, s0_m: float, s1_m: float, share: float) -> list[Actor]:
        """Cars in the parking lanes between s0 and s1, filling about ``share`` of the room."""
        profile = self._town.plan.profile
        cars: list[Actor] = []
        for side in SIDES:
            if not profile.parking_m(side):
                continue
            d = side * (profile.edge_m(side) - profile.parking_m(side) / 2 - 0.08)
            for s in np.arange(s0_m, s1_m, 6.2):
                if self._rng.random() > share or not self._may_park(float(s)):
                    continue
                name = self._vehicle(("passenger_car", "van"), (0.9, 0.1), LONGEST_PARKED_M)
                heading = 0.0 if side > 0 else np.pi
                at = (float(s + self._rng.uniform(-0.4, 0.4)), d + float(self._rng.normal(0, 0.06)))
                self._admit(cars, self._car(name, *at, heading + float(self._rng.normal(0, 0.02)), "parked"), 0.25)
        return cars

    def driving(self, s0_m: float, s1_m: float, headway_m: float) -> list[Actor]:
        """Cars in all lanes, about ``headway_m`` apart, and now and then one in a side street."""
        profile = self._town.plan.profile
        cars: list[Actor] = []
        for side in SIDES:
            for lane in range(profile.lanes):
                s = s0_m + float(self._rng.uniform(0, headway_m))
                while s < s1_m:
                    name = self._vehicle(_LANE_FORMS, _LANE_FORM_SHARES)
                    d = profile.lane_centre_m(side, lane) + float(self._rng.normal(0, 0.15))
                    yaw = (0.0 if side > 0 else np.pi) + float(self._rng.normal(0, 0.02))
                    self._admit(cars, self._car(name, s, d, yaw, "driving"), 0.8)
                    s += headway_m * float(self._rng.uniform(0.5, 1.6))
        for junction in self._town.plan.junctions:
            if s0_m < junction.s_m < s1_m:
                for side in junction.sides:
                    if self._rng.random() < 0.5:
                        towards = int(self._rng.choice([-1, 1]))
                        d = side * (profile.frontage_m(side) + float(self._rng.uniform(1.0, 40.0)))
                        # Keeping right: a car that drives towards +d keeps to the lower s.
                        s = junction.s_m - towards * junction.half_width_m * 0.5
                        name = self._vehicle(("passenger_car", "van"), (0.9, 0.1))
                        self._admit(cars, self._car(name, s, d, -towards * np.pi / 2, "driving"), 0.5)
        return cars

    def pedestrians(self, s0_m: float, s1_m: float, per_100_m: float) -> list[Actor]:
        """People on both sidewalks, some of them on zebra crossings."""
        profile = self._town.plan.profile
        people: list[Actor] = []
        for side in SIDES:
            for _ in range(int(self._rng.poisson(per_100_m * (s1_m - s0_m) / 200.0))):
                s = float(self._rng.uniform(s0_m, s1_m))
                inner = profile.edge_m(side) + profile.verge_m(side) + 0.5
                d = side * float(self._rng.uniform(inner, profile.frontage_m(side) - 0.4))
                along = float(self._rng.choice([0.0, np.pi])) + float(self._rng.normal(0, 0.3))
                yaw = along if self._rng.random() < 0.75 else float(self._rng.uniform(0, 2 * np.pi))
                if self._town.plan.clear_of_junctions(s, 0.6):
                    self._admit(people, self._person(s, d, SIDEWALK_HEIGHT_M, yaw, "walking"), 0.1)
        for zebra in self._town.plan.zebras_s_m:
            if s0_m < zebra < s1_m:
                for _ in range(int(self._rng.choice([0, 1, 2, 3], p=[0.5, 0.2, 0.2, 0.1]))):
                    d = float(self._rng.uniform(-profile.edge_m(-1) + 0.4, profile.edge_m(1) - 0.4))
                    yaw = float(self._rng.choice([-1, 1])) * np.pi / 2
                    s = zebra + float(self._rng.uniform(-1.2, 1.2))
                    self._admit(people, self._person(s, d, 0.0, yaw, "crossing"), 0.2)
        return people

    def lane_vehicle(self, s_m: float, d_m: float, side: int) -> Actor:
        """A vehicle that drives on that side of the road, whatever stands there."""
        name = self._vehicle(_LANE_FORMS, _LANE_FORM_SHARES)
        return self._car(name, s_m, d_m, 0.0 if side > 0 else np.pi, "driving")

    def person(self, s_m: float, d_m: float, z_m: float, tag: str) -> Actor:
        """A person, whatever stands there."""
        return self._person(s_m, d_m, z_m, 0.0, tag)

    def _may_park(self, s_m: float) -> bool:
        return self._town.plan.clear_of_junctions(s_m, 5.5) and self._town.plan.clear_of_zebras(s_m, 6.0)

    def _admit(self, actors: list[Actor], actor: Actor, margin_m: float) -> None:
        box = actor.footprint(self._town)
        if self._occupied.is_free(box, margin_m):
            self._occupied.add(box)
            actors.append(actor)

    def _vehicle(self, forms: tuple[str, ...], shares: tuple[float, ...], longest_m: float = 14.0) -> str:
        def fits(name: str) -> bool:
            return self._library.load(name).size_m[1] <= longest_m

        form = str(self._rng.choice(forms, p=shares))
        names = [n for n in self._library.names("car", self._town.split, form) if fits(n)]
        names = names or [n for n in self._library.names("car", self._town.split, "passenger_car") if fits(n)]
        return names[int(self._rng.integers(len(names)))]

    def _car(self, name: str, s_m: float, d_m: float, yaw_rad: float, tag: str) -> Actor:
        width, length, _ = self._library.load(name).size_m
        shade = float(self._rng.uniform(0.8, 1.15))
        red, green, blue = (min(1.0, c * shade) for c in _PAINTS[int(self._rng.integers(len(_PAINTS)))])
        class_id = self._library.spec(name).class_id
        return Actor(name, s_m, d_m, 0.0, yaw_rad, class_id, tag, (width / 2, length / 2), paint=(red, green, blue))

    def _person(self, s_m: float, d_m: float, z_m: float, yaw_rad: float, tag: str) -> Actor:
        names = self._library.names("person", self._town.split)
        name = names[int(self._rng.integers(len(names)))]
        width, length, _ = self._library.load(name).size_m
        scale = float(self._rng.uniform(0.93, 1.06))
        half = (width / 2 * scale, length / 2 * scale)
        return Actor(name, s_m, d_m, z_m, yaw_rad, self._library.spec(name).class_id, tag, half, scale=scale)
