"""A town of several streets from a seed: curves, junctions, blocks between them, and the map of its lanes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ros_anomaly_sim.street.boundaries import BoundaryStyles
from ros_anomaly_sim.street.builder import MeshBuilder
from ros_anomaly_sim.street.buildings import BuildingStyles
from ros_anomaly_sim.street.layout import LEFT, RIGHT
from ros_anomaly_sim.street.materials import Materials
from ros_anomaly_sim.street.mesh import Mesh
from ros_anomaly_sim.street.network.frontages import build_frontage, straight_sides
from ros_anomaly_sim.street.network.ground import build_blocks, build_hills, build_junction
from ros_anomaly_sim.street.network.junction import Arm, JunctionShape
from ros_anomaly_sim.street.network.lanes import LaneGraph
from ros_anomaly_sim.street.network.lot_fitting import LotFitter
from ros_anomaly_sim.street.network.polygons import inside
from ros_anomaly_sim.street.network.road_map import FIRST_JUNCTION, RoadMap, Signal, connected
from ros_anomaly_sim.street.network.signals import phases_of, road_signal
from ros_anomaly_sim.street.network.skeleton import STREAM, find_arm, lay_out
from ros_anomaly_sim.street.network.street import BuiltStreet, NetworkStreet, Styles, build_street, kerb_line
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.occupancy import Occupancy
from ros_anomaly_sim.street.roads import SIDEWALK_HEIGHT_M, TERRAIN_HEIGHT_M, GroundSurfaces
from ros_anomaly_sim.street.roadside import SignLayers
from ros_anomaly_sim.street.scene import Placement, StaticWorld
from ros_anomaly_sim.street.splits import Split, split_of_town

_UNDER_KERB_M = 0.1


@dataclass(frozen=True)
class NetworkTown:
    """A town of streets and junctions, the same for the same seed.

    ``placements`` are its trees, furniture and parked cars with instance ids from 1 to below 20000; ``occupied`` is the
    ground that these, posts and lot fronts take. ``road_map`` and ``lanes`` say where traffic goes and what is painted.
    """

    seed: int
    split: Split
    world: StaticWorld
    streets: tuple[NetworkStreet, ...]
    junctions: tuple[JunctionShape, ...]
    road_map: RoadMap
    lanes: LaneGraph
    placements: tuple[Placement, ...]
    occupied: Occupancy

    @staticmethod
    def generate(seed: int, library: ModelLibrary, parked_share: float = 0.35) -> NetworkTown:
        """The town of that seed, with models of the seed's split only.

        Raises:
            ValueError: the seed belongs to no split, or ``parked_share`` is not within 0..1.
        """
        split = split_of_town(seed)
        if not 0.0 <= parked_share <= 1.0:
            raise ValueError(f"parked share: expected 0..1, found {parked_share}")
        streets, junctions = lay_out(seed, split)
        streams = [np.random.default_rng([seed, STREAM, concern]) for concern in range(1, 6)]
        materials = Materials(split)
        ground = GroundSurfaces.generate(materials, streams[0])
        styles = Styles(
            ground,
            BuildingStyles.generate(materials, streams[1]),
            BoundaryStyles.generate(materials, streams[2]),
            SignLayers.generate(materials, streams[3]),
        )
        fitter = LotFitter()
        for street in streets:
            before, after = (_end_of(junctions, street, at_end)[2] for at_end in (False, True))
            fitter.take_road(street.track, street.plan, -before, street.plan.length_m + after)
        meshes, roads, occupied = [], [], Occupancy()
        finished: list[NetworkStreet] = []
        placements: list[Placement] = []
        for shape in junctions:
            for arm in straight_sides(shape):
                own = (seed, STREAM, 300 + shape.number, arm)
                side = build_frontage(shape, arm, styles, fitter, library, split, len(placements) + 1, own)
                meshes.append(side.mesh)
                placements += side.placements
                occupied.take(side.occupied)
        for street in streets:
            ends = (_end_of(junctions, street, False)[:2], _end_of(junctions, street, True)[:2])
            seeds = (seed, STREAM, 100 + street.number)
            built = build_street(street, ends, styles, fitter, library, len(placements) + 1, parked_share, seeds)
            meshes.append(built.mesh)
            placements += built.placements
            occupied.take(built.occupied)
            roads.append(street.road(built.markings, _signals(junctions, built)))
            finished.append(built.street)
        meshes += _ground_meshes(streets, junctions, ground, streams[4])
        world = StaticWorld(
            f"network-{seed}-{parked_share:g}", Mesh(np.concatenate([m.vertices for m in meshes])), materials.bank
        )
        road_map = connected(f"Net{seed:04d}", roads)
        return NetworkTown(
            seed,
            split,
            world,
            tuple(finished),
            junctions,
            road_map,
            LaneGraph.of(road_map),
            tuple(placements),
            occupied,
        )

    def near(self, x_m: float, y_m: float, radius_m: float) -> tuple[Placement, ...]:
        """Placements within that distance of a place: what a frame from there has to draw."""
        close = ((self._placed_xy - (x_m, y_m)) ** 2).sum(1) < radius_m**2
        return tuple(self.placements[i] for i in np.flatnonzero(close))

    def ground_height_m(self, x_m: float, y_m: float) -> float:
        """Height of the ground: 0 on carriageways, else that of sidewalks or of the terrain."""
        for shape in self.junctions:
            if np.hypot(*(shape.centre - (x_m, y_m))) > 45.0:
                continue
            if inside(shape.outline, x_m, y_m):
                return 0.0
            if any(inside(np.concatenate([c.kerb, c.front[::-1]]), x_m, y_m) for c in shape.corners):
                return SIDEWALK_HEIGHT_M
        nearest = int(np.argmin(((self._street_points[:, 1:3] - (x_m, y_m)) ** 2).sum(1)))
        street = self.streets[int(self._street_points[nearest, 0])]
        s, d = street.track.project(x_m, y_m)
        side = RIGHT if d > 0 else LEFT
        if not 0.0 <= s <= street.plan.length_m or abs(d) > street.plan.profile.frontage_m(side):
            return TERRAIN_HEIGHT_M
        return 0.0 if abs(d) <= street.plan.profile.edge_m(side) else SIDEWALK_HEIGHT_M

    @cached_property
    def bounds(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """(x, y) low and high of all carriageways."""
        low, high = self._street_points[:, 1:3].min(0) - 20.0, self._street_points[:, 1:3].max(0) + 20.0
        return (float(low[0]), float(low[1])), (float(high[0]), float(high[1]))

    @cached_property
    def _placed_xy(self) -> np.ndarray:
        return np.array([p.position[:2] for p in self.placements]).reshape(-1, 2)

    @cached_property
    def _street_points(self) -> np.ndarray:
        rows = []
        for street in self.streets:
            xy, _ = street.curve.poses(np.arange(0.0, street.curve.length_m, 2.0))
            rows.append(np.column_stack([np.full(len(xy), street.number), xy]))
        return np.concatenate(rows)


def _end_of(
    junctions: tuple[JunctionShape, ...], street: NetworkStreet, at_end: bool
) -> tuple[JunctionShape, Arm, float]:
    shape, index = find_arm(junctions, street.number, at_end)
    return shape, shape.arms[index], shape.mouths_m[index]


def _signals(junctions: tuple[JunctionShape, ...], built: BuiltStreet) -> tuple[Signal, ...]:
    found = []
    for roadside in built.signals:
        street, at_end = built.street, roadside.side == RIGHT
        shape, arm = find_arm(junctions, street.number, at_end)
        phases = phases_of(shape)
        order = (arm, phases[arm], max(phases) + 1)
        mouth = street.plan.end_m if at_end else street.plan.start_m
        number = FIRST_JUNCTION + shape.number
        found.append(road_signal(roadside, street.track, street.plan.profile, number, order, mouth))
    return tuple(found)


def _ground_meshes(
    streets: tuple[NetworkStreet, ...],
    junctions: tuple[JunctionShape, ...],
    surfaces: GroundSurfaces,
    rng: np.random.Generator,
) -> list[Mesh]:
    meshes = []
    for shape in junctions:
        builder = MeshBuilder()
        build_junction(builder, shape, surfaces)
        meshes.append(builder.mesh(None))
    builder = MeshBuilder()
    blocks = _blocks(streets, junctions)
    build_blocks(builder, blocks, surfaces)
    everything = np.concatenate(blocks)
    build_hills(builder, everything.min(0), everything.max(0), surfaces, rng)
    return [*meshes, builder.mesh(None)]


def _blocks(streets: tuple[NetworkStreet, ...], junctions: tuple[JunctionShape, ...]) -> list[np.ndarray]:
    """Rings [n, 2] along the kerbs: out of a junction on a street's right hand, and on around the next corner.

    They reach under the sidewalks, so that no gap shows where these meet.
    """
    left = [(shape, index) for shape in junctions for index in range(len(shape.arms))]
    done: set[tuple[int, int]] = set()
    rings = []
    for shape, index in left:
        ring: list[np.ndarray] = []
        while (shape.number, index) not in done:
            done.add((shape.number, index))
            corner = shape.corners[index]
            outward = corner.front - corner.kerb
            ring.append(corner.kerb + _UNDER_KERB_M * outward / np.hypot(*outward.T)[:, None])
            arm = shape.arms[(index + 1) % len(shape.arms)]
            street = streets[arm.street]
            side = LEFT if arm.at_end else RIGHT
            points = kerb_line(street, side, _UNDER_KERB_M)
            ring.append((points[::-1] if arm.at_end else points)[1:-1])
            shape, index = find_arm(junctions, arm.street, not arm.at_end)
        if ring:
            rings.append(np.concatenate(ring))
    return rings
