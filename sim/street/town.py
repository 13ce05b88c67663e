"""A street town from a seed: plan, static mesh, and what stands in it for good."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ros_anomaly_sim.street.boundaries import BoundaryMaker, BoundaryStyles
from ros_anomaly_sim.street.builder import MeshBuilder
from ros_anomaly_sim.street.buildings import BuildingMaker, BuildingStyles
from ros_anomaly_sim.street.furnishing import Furnisher, footprint
from ros_anomaly_sim.street.layout import Plan
from ros_anomaly_sim.street.lots import LotMaker
from ros_anomaly_sim.street.materials import Materials
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.occupancy import Occupancy
from ros_anomaly_sim.street.roads import GroundSurfaces, Markings, build_ground
from ros_anomaly_sim.street.roadside import RoadsideMaker, RoadsideSignal, SignLayers
from ros_anomaly_sim.street.scene import Placement, StaticWorld
from ros_anomaly_sim.street.splits import Split, split_of_town
from ros_anomaly_sim.street.track import Track

DEFAULT_LENGTH_M = 700.0
_SHORTEST_TOWN_M = 150.0


@dataclass(frozen=True)
class Town:
    """A town, the same for the same seed and length.

    ``placements`` are its trees, bushes and furniture with instance ids from 1 on; ``occupied`` is the ground
    that these, posts and lot fronts take; ``markings`` is how the main road is lined, ``signals`` are the traffic
    lights along it. Road coordinates run from s = 0 to ``plan.length_m``; the road is built for 90 m beyond either end.
    """

    seed: int
    split: Split
    world: StaticWorld
    track: Track
    plan: Plan
    placements: tuple[Placement, ...]
    occupied: Occupancy
    markings: Markings
    signals: tuple[RoadsideSignal, ...]

    @staticmethod
    def generate(seed: int, library: ModelLibrary, length_m: float = DEFAULT_LENGTH_M) -> Town:
        """The town of that seed, with models of the seed's split only.

        Raises:
            ValueError: the seed belongs to no split, or the length is below 150 m.
        """
        split = split_of_town(seed)
        if length_m < _SHORTEST_TOWN_M:
            raise ValueError(f"town length: expected at least {_SHORTEST_TOWN_M} m, found {length_m}")
        # One stream a concern: a change in one leaves the others as they were.
        streams = [np.random.default_rng([seed, concern]) for concern in range(7)]
        track = Track.generate(streams[0], length_m)
        plan = Plan.generate(streams[1], length_m)
        materials = Materials(split)
        builder = MeshBuilder()
        ground = GroundSurfaces.generate(materials, streams[2])
        markings = build_ground(builder, plan, ground, streams[2])
        buildings = BuildingMaker(builder, BuildingStyles.generate(materials, streams[3]), streams[3])
        boundaries = BoundaryMaker(builder, BoundaryStyles.generate(materials, streams[4]), streams[4])
        lots = LotMaker(builder, plan, ground, buildings, boundaries, streams[3])
        lots.build()
        roadside = RoadsideMaker(builder, plan, SignLayers.generate(materials, streams[5]), streams[5])
        roadside.build()
        occupied = taken_by(plan, track, roadside.posts)
        furnisher = Furnisher(track, plan, library, split, occupied, streams[6])
        furnisher.trees(lots.trees)
        furnisher.bushes(lots.bushes)
        furnisher.furniture()
        world = StaticWorld(f"town-{seed}-{length_m:g}", builder.mesh(track), materials.bank)
        placements, signals = tuple(furnisher.placements), tuple(roadside.signals)
        return Town(seed, split, world, track, plan, placements, occupied, markings, signals)


def taken_by(plan: Plan, track: Track, posts: list[tuple[float, float]]) -> Occupancy:
    """The ground that posts at (s, d) and the fronts of the lots take."""
    occupied = Occupancy()
    for s, d in posts:
        occupied.add(footprint(track, s, d, (0.12, 0.12), 0.0))
    for lot in plan.lots:
        cuts = np.linspace(lot.s0_m, lot.s1_m, max(2, int(lot.length_m / 8.0) + 1))
        for a, b in zip(cuts[:-1], cuts[1:], strict=True):
            # The boundary stands 0.3 m behind the frontage; gardens behind it are free for plants.
            d = lot.side * (plan.profile.frontage_m(lot.side) + 0.3)
            occupied.add(footprint(track, float(a + b) / 2, d, (0.3, float(b - a) / 2), 0.0))
    return occupied
