"""Curves of lines and arcs: length, direction, offset and the way they are joined."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly_sim.street.network.curve import Curve, Piece, Pose, biarc, line, rounded_corner

BENDS = Curve(
    (
        first := Piece(Pose(3.0, -2.0, 0.4), 20.0, 0.0),
        second := Piece(first.pose(20.0), 31.0, 1 / 25.0),
        Piece(second.pose(31.0), 12.0, -1 / 40.0),
    )
)


def test_left_is_counter_clockwise_from_north():
    quarter = Piece(Pose(0.0, 0.0, 0.0), np.pi / 2 * 10.0, 0.1).pose(np.pi / 2 * 10.0)
    assert (quarter.x_m, quarter.y_m, quarter.heading_rad) == pytest.approx((-10.0, 10.0, np.pi / 2))
    assert Pose(0.0, 0.0, 0.0).moved(2.0, 1.0).position.tolist() == pytest.approx([1.0, 2.0])


def test_s_is_arc_length_and_headings_are_tangents():
    s = np.linspace(0.0, BENDS.length_m, 6301)
    xy, heading = BENDS.poses(s)
    steps = np.diff(xy, axis=0)
    np.testing.assert_allclose(np.hypot(*steps.T), BENDS.length_m / 6300, rtol=1e-5)
    along = np.arctan2(-steps[:, 0], steps[:, 1])
    np.testing.assert_allclose(np.cos(along - heading[:-1]), 1.0, atol=1e-6)
    one = BENDS.pose(33.3)
    many, headings = BENDS.poses(np.array([33.3]))
    assert (one.x_m, one.y_m, one.heading_rad) == pytest.approx((*many[0], headings[0]))


@pytest.mark.parametrize("right_m", [-6.0, -1.5, 3.4, 20.0])
def test_offset_stays_at_its_distance(right_m: float):
    beside = BENDS.offset(right_m)
    for s in np.linspace(1.0, beside.length_m - 1.0, 9):
        pose = beside.pose(float(s))
        _, right = BENDS.project(pose.x_m, pose.y_m, float(s) * BENDS.length_m / beside.length_m)
        assert right == pytest.approx(right_m, abs=1e-6)


def test_offset_beyond_the_centre_of_a_bend_is_refused():
    with pytest.raises(ValueError, match="expected less than the radius 25.00 m"):
        BENDS.offset(-26.0)


def test_reversed_ends_where_it_starts():
    back = BENDS.reversed()
    assert back.length_m == pytest.approx(BENDS.length_m)
    assert back.end.position.tolist() == pytest.approx(BENDS.start.position.tolist())
    there, again = BENDS.pose(17.0), back.pose(BENDS.length_m - 17.0)
    assert again.position.tolist() == pytest.approx(there.position.tolist())
    assert np.cos(again.heading_rad - there.heading_rad) == pytest.approx(-1.0)


GOALS = [
    Pose(0.0, 30.0, 0.0),
    Pose(4.0, 60.0, 0.2),
    Pose(12.0, 14.0, -np.pi / 2),
    Pose(-9.0, 20.0, np.pi / 2 + 0.1),
    Pose(-30.0, 5.0, np.pi),
]


@pytest.mark.parametrize("goal", GOALS)
def test_biarc_leads_from_pose_to_pose(goal: Pose):
    curve = biarc(Pose(0.0, 0.0, 0.0), goal)
    assert curve.end.position.tolist() == pytest.approx(goal.position.tolist(), abs=1e-9)
    assert np.cos(curve.end.heading_rad - goal.heading_rad) == pytest.approx(1.0, abs=1e-12)
    joint = curve.pieces[0].pose(curve.pieces[0].length_m)
    assert np.cos(joint.heading_rad - curve.pieces[1].start.heading_rad) == pytest.approx(1.0, abs=1e-12)


def test_biarc_of_one_place_is_refused():
    with pytest.raises(ValueError, match="expected two places"):
        biarc(Pose(1.0, 1.0, 0.0), Pose(1.0, 1.0, 1.0))


def test_rounded_corner_has_its_radius():
    curve = rounded_corner(Pose(0.0, 0.0, 0.0), Pose(50.0, 70.0, -np.pi / 2), 25.0)
    assert curve is not None and curve.sharpest_per_m == pytest.approx(1 / 25.0)
    assert curve.end.position.tolist() == pytest.approx([50.0, 70.0])
    assert rounded_corner(Pose(0.0, 0.0, 0.0), Pose(50.0, 70.0, -np.pi / 2), 60.0) is None
    assert rounded_corner(Pose(0.0, 0.0, 0.0), Pose(5.0, 70.0, 0.1), 10.0) is None


def test_projection_finds_what_was_offset():
    for s in (0.0, 8.0, 30.0, 55.0):
        pose = BENDS.pose(s).moved(0.0, -2.5)
        assert BENDS.project(pose.x_m, pose.y_m, s + 3.0 if s else 0.0) == pytest.approx((s, -2.5), abs=1e-6)


def test_a_curve_has_pieces_that_have_lengths():
    with pytest.raises(ValueError, match="at least one piece"):
        Curve(())
    with pytest.raises(ValueError, match="longer than 0"):
        line(Pose(0.0, 0.0, 0.0), 0.0)
