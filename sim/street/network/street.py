"""One street of a network: its centreline, its plan, and everything that is built along it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ros_anomaly_sim.street.actors import ActorMaker
from ros_anomaly_sim.street.boundaries import BoundaryMaker, BoundaryStyles
from ros_anomaly_sim.street.builder import MeshBuilder
from ros_anomaly_sim.street.buildings import BuildingMaker, BuildingStyles
from ros_anomaly_sim.street.furnishing import Furnisher
from ros_anomaly_sim.street.layout import LEFT, RIGHT, Plan, RoadProfile
from ros_anomaly_sim.street.lots import LotMaker
from ros_anomaly_sim.street.mesh import Mesh
from ros_anomaly_sim.street.network.curve import Curve
from ros_anomaly_sim.street.network.junction import Arm, JunctionShape
from ros_anomaly_sim.street.network.lot_fitting import LotFitter
from ros_anomaly_sim.street.network.paint import street_paint
from ros_anomaly_sim.street.network.road_map import FIRST_JUNCTION, FIRST_ROAD, Road, Signal
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.occupancy import Occupancy
from ros_anomaly_sim.street.roads import GroundSurfaces, Markings, build_ground, stop_line
from ros_anomaly_sim.street.roadside import RoadsideMaker, RoadsideSignal, SignLayers
from ros_anomaly_sim.street.scene import Placement
from ros_anomaly_sim.street.splits import Split
from ros_anomaly_sim.street.town import taken_by
from ros_anomaly_sim.street.track import Track

_SAMPLE_M = 0.5
_BEYOND_M = 60.0
_LARGEST_SAG_M = 0.03
_SEGMENTS_M = (1.5, 6.0)
_STOP_BEFORE_MOUTH_M = 0.9


@dataclass(frozen=True)
class Styles:
    """Surfaces and textures that the streets of one town share."""

    ground: GroundSurfaces
    buildings: BuildingStyles
    boundaries: BoundaryStyles
    signs: SignLayers


@dataclass(frozen=True)
class NetworkStreet:
    """A street from the mouth at one junction (s = 0) to that at another (s = ``plan.length_m``).

    ``track`` goes straight on for 60 m beyond either end.
    """

    number: int
    split: Split
    curve: Curve
    track: Track
    plan: Plan
    start_junction: int
    end_junction: int

    @property
    def segment_m(self) -> float:
        """Length of the straight pieces that the ground is made of: shorter where it bends more."""
        radius = 1.0 / max(self.curve.sharpest_per_m, 1e-4)
        return float(np.clip(np.sqrt(8 * radius * _LARGEST_SAG_M), *_SEGMENTS_M))

    def road(self, markings: Markings, signals: tuple[Signal, ...] = ()) -> Road:
        """The street as a road of the map."""
        centre, strips, crosswalks = street_paint(self.plan, markings, 0.0, self.plan.length_m)
        return Road(
            number=FIRST_ROAD + self.number,
            name=f"street {self.number}",
            curve=self.curve,
            left=strips[LEFT],
            right=strips[RIGHT],
            centre_marks=centre,
            start_junction=FIRST_JUNCTION + self.start_junction,
            end_junction=FIRST_JUNCTION + self.end_junction,
            crosswalks=crosswalks,
            signals=signals,
        )


@dataclass(frozen=True)
class Built:
    """What a street or another part adds to its town."""

    mesh: Mesh
    placements: tuple[Placement, ...]
    occupied: Occupancy


@dataclass(frozen=True)
class BuiltStreet(Built):
    """The same of a street, how it is marked, its traffic lights, and the street with the lots that it got."""

    markings: Markings
    signals: tuple[RoadsideSignal, ...]
    street: NetworkStreet


def track_of(curve: Curve) -> Track:
    """Road coordinates along a curve."""
    s = np.concatenate(
        [
            np.arange(-_BEYOND_M, 0.0, 1.0),
            np.linspace(0.0, curve.length_m, int(np.ceil(curve.length_m / _SAMPLE_M)) + 1),
            curve.length_m + np.arange(1.0, _BEYOND_M + 1.0),
        ]
    )
    xy, headings = curve.poses(np.clip(s, 0.0, curve.length_m))
    over = s - np.clip(s, 0.0, curve.length_m)
    xy = xy + over[:, None] * np.stack([-np.sin(headings), np.cos(headings)], 1)
    return Track(curve.length_m, s, xy, headings)


def mirrored(profile: RoadProfile) -> RoadProfile:
    """The cross-section as traffic the other way finds it."""
    return replace(
        profile,
        parking_left_m=profile.parking_right_m,
        parking_right_m=profile.parking_left_m,
        sidewalk_left_m=profile.sidewalk_right_m,
        sidewalk_right_m=profile.sidewalk_left_m,
        verge_left_m=profile.verge_right_m,
        verge_right_m=profile.verge_left_m,
    )


def build_street(
    street: NetworkStreet,
    ends: tuple[tuple[JunctionShape, Arm], tuple[JunctionShape, Arm]],
    styles: Styles,
    fitter: LotFitter,
    library: ModelLibrary,
    first_instance_id: int,
    parked_share: float,
    seed: tuple[int, ...],
) -> BuiltStreet:
    """Build a street whose ``plan`` still has the lots that it would like; the fitter says which it gets."""
    # One stream a concern, as in a town of one street.
    streams = [np.random.default_rng([*seed, concern]) for concern in range(5)]
    plan = replace(street.plan, lots=fitter.fit(street.track, street.plan))
    built = replace(street, plan=plan)
    builder = MeshBuilder(segment_m=street.segment_m)
    markings = build_ground(builder, plan, styles.ground, streams[0])
    buildings = BuildingMaker(builder, styles.buildings, streams[1])
    boundaries = BoundaryMaker(builder, styles.boundaries, streams[2])
    lots = LotMaker(builder, plan, styles.ground, buildings, boundaries, streams[1])
    lots.lots()
    roadside = RoadsideMaker(builder, plan, styles.signs, streams[3])
    roadside.along()
    for shape, arm in ends:
        index = shape.arms.index(arm)
        roadside.mouth(arm.entering_side, shape.signals)
        if not shape.zebras[index] and (shape.signals or not shape.straight_on(index)):
            mouth = plan.end_m if arm.at_end else plan.start_m
            stop_line(builder, plan, styles.ground, mouth - arm.entering_side * _STOP_BEFORE_MOUTH_M, arm.entering_side)
    occupied = taken_by(plan, street.track, roadside.posts)
    furnisher = Furnisher(
        street.track, plan, library, street.split, occupied, streams[4], first_instance_id=first_instance_id
    )
    furnisher.trees(fitter.clear(street.track, plan, plan.lots, lots.trees))
    furnisher.bushes(fitter.clear(street.track, plan, plan.lots, lots.bushes))
    furnisher.furniture()
    placements = list(furnisher.placements)
    cars = ActorMaker(built, library, occupied, streams[4]).parked(0.0, plan.length_m, parked_share)
    for car in cars:
        placements.append(car.placement(built, first_instance_id + len(placements)))
    mesh, signals = builder.mesh(street.track), tuple(roadside.signals)
    return BuiltStreet(mesh, tuple(placements), occupied, markings, signals, built)


def kerb_line(street: NetworkStreet, side: int, beyond_m: float) -> np.ndarray:
    """Points [n, 2] along the kerb of one side from s = 0 on, ``beyond_m`` further from the road."""
    reach = side * (street.plan.profile.edge_m(side) + beyond_m)
    step = min(8.0, 2.0 * street.segment_m)
    s = np.linspace(0.0, street.plan.length_m, max(2, int(np.ceil(street.plan.length_m / step)) + 1))
    return street.track.positions(s, np.full_like(s, reach))
