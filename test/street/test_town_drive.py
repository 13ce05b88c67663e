"""Drives: smooth, clear of every object, with a stretch without anomalies."""

from __future__ import annotations

import numpy as np
import pytest
from box_library import BoxLibrary

from ros_anomaly.data.labels import ANOMALY_ID
from ros_anomaly_sim.street.drive import Drive, DriveState
from ros_anomaly_sim.street.occupancy import Footprint, overlap
from ros_anomaly_sim.street.splits import Split

STEP_S = 0.1
DURATION_S = 70.0


@pytest.fixture(scope="module")
def library() -> BoxLibrary:
    return BoxLibrary()


@pytest.fixture(scope="module")
def drive(library: BoxLibrary) -> Drive:
    return Drive(2001, library, duration_s=DURATION_S)


@pytest.fixture(scope="module")
def states(drive: Drive) -> list[DriveState]:
    return [drive.state(float(t)) for t in np.arange(0.0, DURATION_S, STEP_S)]


def test_the_ego_moves_without_jumps(states: list[DriveState]):
    poses = np.array([s.ego for s in states])
    steps = np.linalg.norm(np.diff(poses[:, :2], axis=0), axis=1) / STEP_S
    speeds = np.array([s.speed_mps for s in states])
    assert speeds.min() >= 8.0 and speeds.max() <= 12.0
    np.testing.assert_allclose(steps, speeds[:-1], rtol=0.06)
    yaw_rates = np.diff(np.unwrap(poses[:, 2])) / STEP_S
    assert np.abs(yaw_rates).max() < 0.35
    np.testing.assert_allclose(yaw_rates, [s.yaw_rate_radps for s in states][:-1], atol=0.05)
    # Base_link moves where it looks.
    along = np.diff(poses[:, :2], axis=0)
    heading = np.arctan2(-along[:, 0], along[:, 1])
    assert np.abs((heading - poses[:-1, 2] + np.pi) % (2 * np.pi) - np.pi).max() < 0.03


def test_the_camera_is_ahead_of_base_link(states: list[DriveState]):
    for state in states[::50]:
        x, y, yaw = state.ego
        expected = (x - 1.5 * np.sin(yaw), y + 1.5 * np.cos(yaw), 1.6)
        assert state.camera.position == pytest.approx(expected)
        assert state.camera.yaw_rad == yaw


def test_the_ego_meets_nothing(states: list[DriveState], library: BoxLibrary):
    for state in states[::2]:
        x, y, yaw = state.ego
        ego = Footprint(x, y, 0.95, 2.2, yaw)
        for placement in state.scene.placements:
            near = np.hypot(placement.position[0] - x, placement.position[1] - y) < 9.0
            if near and placement.tag != "tree":
                width, length, _ = library.load(placement.model).size_m
                box = Footprint(*placement.position[:2], width / 2, length / 2, placement.yaw_rad)
                assert not overlap(ego, box), (state.t_s, placement.model, placement.tag)


def test_actors_move_without_jumps(states: list[DriveState]):
    for before, after in zip(states[:200], states[1:201], strict=True):
        was = {p.instance_id: p for p in before.scene.placements}
        for placement in after.scene.placements:
            if placement.instance_id in was:
                moved = np.subtract(placement.position, was[placement.instance_id].position)
                assert np.linalg.norm(moved) < 13.0 * STEP_S, placement.model
                assert was[placement.instance_id].model == placement.model


def test_traffic_moves(states: list[DriveState]):
    first = {p.instance_id: p.position for p in states[0].scene.placements if p.tag == "driving"}
    later = {p.instance_id: p.position for p in states[20].scene.placements if p.tag == "driving"}
    moved = [np.linalg.norm(np.subtract(later[i], first[i])) for i in first.keys() & later.keys()]
    assert moved and min(moved) > 10.0


def test_anomalies_are_in_and_beside_the_corridor(drive: Drive, library: BoxLibrary):
    assert len(drive.anomalies) >= 6
    assert {a.in_corridor for a in drive.anomalies} == {True, False}
    assert len({a.model for a in drive.anomalies}) == len(drive.anomalies)
    assert {a.model for a in drive.anomalies} <= set(library.names("reserved", Split.TEST))


def test_stretch_without_anomalies(drive: Drive, states: list[DriveState]):
    assert drive.clear_s is not None
    start, end = drive.clear_s
    assert end - start >= 15.0
    positions = np.array([a.position[:2] for a in drive.anomalies])
    for state in states:
        if start <= state.t_s <= end:
            x, y, yaw = state.ego
            offset = positions - (x, y)
            ahead = -np.sin(yaw) * offset[:, 0] + np.cos(yaw) * offset[:, 1]
            assert not ((ahead > 0) & (ahead < 90.0)).any(), state.t_s


def test_every_anomaly_is_in_the_scene_when_near(drive: Drive, states: list[DriveState]):
    for anomaly in drive.anomalies:
        nearest = min(states, key=lambda s: np.hypot(s.ego[0] - anomaly.position[0], s.ego[1] - anomaly.position[1]))
        found = [p for p in nearest.scene.placements if p.instance_id == anomaly.instance_id]
        assert [p.class_id for p in found] == [ANOMALY_ID]
        assert found[0].position == anomaly.position


def test_ids_are_unique(states: list[DriveState]):
    for state in states[::70]:
        ids = [p.instance_id for p in state.scene.placements]
        assert len(set(ids)) == len(ids)


def test_same_arguments_same_drive(drive: Drive, library: BoxLibrary, states: list[DriveState]):
    again = Drive(2001, library, duration_s=DURATION_S)
    assert again.anomalies == drive.anomalies
    assert again.state(20.0).scene.placements == drive.state(20.0).scene.placements
    assert again.state(20.0).ego == drive.state(20.0).ego


def test_drive_without_anomalies(library: BoxLibrary):
    calm = Drive(1003, library, duration_s=20.0, anomalies=False, weather="fog")
    assert calm.anomalies == () and calm.clear_s == (0.0, 20.0)
    for t in (0.0, 10.0, 20.0):
        scene = calm.state(t).scene
        assert scene.weather.name == "fog"
        assert all(p.class_id != ANOMALY_ID for p in scene.placements)


def test_short_drive_has_an_anomaly_in_its_corridor(library: BoxLibrary):
    short = Drive(2002, library, duration_s=10.0)
    assert short.clear_s is None
    assert any(a.in_corridor for a in short.anomalies)


@pytest.mark.parametrize("duration_s", [0.0, -3.0, 1e6])
def test_bad_duration(library: BoxLibrary, duration_s: float):
    with pytest.raises(ValueError, match="duration_s: expected"):
        Drive(2001, library, duration_s=duration_s)


@pytest.mark.parametrize("t_s", [-0.1, DURATION_S + 0.1])
def test_time_outside_the_drive(drive: Drive, t_s: float):
    with pytest.raises(ValueError, match="t_s: expected"):
        drive.state(t_s)
