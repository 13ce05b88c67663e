"""What stands along the straight side of a T-junction, opposite the street that ends there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ros_anomaly_sim.street.boundaries import BoundaryMaker
from ros_anomaly_sim.street.builder import MeshBuilder
from ros_anomaly_sim.street.buildings import BuildingMaker
from ros_anomaly_sim.street.furnishing import Furnisher
from ros_anomaly_sim.street.layout import RIGHT, Plan, RoadProfile
from ros_anomaly_sim.street.lots import LotMaker
from ros_anomaly_sim.street.network.curve import Curve, Pose, biarc
from ros_anomaly_sim.street.network.junction import Arm, JunctionShape
from ros_anomaly_sim.street.network.lot_fitting import LotFitter
from ros_anomaly_sim.street.network.street import Built, Styles, track_of
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.splits import Split
from ros_anomaly_sim.street.town import taken_by


def straight_sides(shape: JunctionShape) -> list[int]:
    """Indices of the arms after which the kerb goes straight on to the next arm."""
    count = len(shape.arms)
    return [i for i in range(count) if shape.goes_straight_on(i, (i + 1) % count)]


def build_frontage(
    shape: JunctionShape,
    arm: int,
    styles: Styles,
    fitter: LotFitter,
    library: ModelLibrary,
    split: Split,
    first_instance_id: int,
    seed: tuple[int, ...],
) -> Built:
    """Lots on the right of the way from that arm to the next, as along a street."""
    streams = [np.random.default_rng([*seed, concern]) for concern in range(4)]
    following = (arm + 1) % len(shape.arms)
    first, second = shape.arms[arm], shape.arms[following]
    start, end = (_mouth(shape, index) for index in (arm, following))
    curve: Curve = biarc(start.turned_back(), end)
    track = track_of(curve)
    wish = Plan.joining(streams[0], curve.length_m, _profile(first, second), (False, False))
    plan = replace(wish, zebras_s_m=(), lots=tuple(lot for lot in wish.lots if lot.side == RIGHT))
    plan = replace(plan, lots=fitter.fit(track, plan))
    builder = MeshBuilder()
    buildings = BuildingMaker(builder, styles.buildings, streams[1])
    boundaries = BoundaryMaker(builder, styles.boundaries, streams[2])
    lots = LotMaker(builder, plan, styles.ground, buildings, boundaries, streams[1])
    lots.lots()
    occupied = taken_by(plan, track, [])
    furnisher = Furnisher(track, plan, library, split, occupied, streams[3], first_instance_id=first_instance_id)
    furnisher.plant(fitter.clear(track, plan, plan.lots, lots.trees))
    furnisher.bushes(fitter.clear(track, plan, plan.lots, lots.bushes))
    return Built(builder.mesh(track), tuple(furnisher.placements), occupied)


def _mouth(shape: JunctionShape, arm: int) -> Pose:
    """The middle of an arm's mouth, looking away from the junction."""
    centre = Pose(float(shape.centre[0]), float(shape.centre[1]), shape.arms[arm].heading_rad)
    return centre.moved(shape.mouths_m[arm])


def _profile(first: Arm, second: Arm) -> RoadProfile:
    """A cross-section whose right side is as wide as the wider one of the two arms on that hand."""
    kerb = max(first.reach_m(True, False), second.reach_m(False, False))
    front = max(first.reach_m(True, True), second.reach_m(False, True))
    return RoadProfile(1, kerb, 0.0, 0.0, front - kerb, front - kerb, 0.0, 0.0)
