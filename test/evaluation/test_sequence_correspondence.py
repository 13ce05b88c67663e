"""True correspondences over geometry where the answer is known in closed form."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from ros_anomaly.evaluation.sequences.consistency import TemporalConsistency
from ros_anomaly.evaluation.sequences.correspondence import correspondences, sample
from ros_anomaly.evaluation.sequences.frame import SequenceFrame, camera_pose, planar_pose, pose_from_quaternion
from ros_anomaly.hazard.config import CameraMount

H, W = 60, 80
HEIGHT_M, STEP_M, WALL_M = 1.6, 0.5, 40.0
PERIOD_NS = 100_000_000
MOUNT = CameraMount()


@dataclass(frozen=True)
class Pinhole:
    fx: float = 40.0
    fy: float = 40.0
    cx: float = (W - 1) / 2
    cy: float = (H - 1) / 2


CAMERA = Pinhole()
V, U = np.mgrid[0:H, 0:W].astype(np.float64)


def at(x_m: float, y_m: float = 0.0, yaw_rad: float = 0.0) -> np.ndarray:
    return camera_pose(planar_pose(x_m, y_m, yaw_rad), MOUNT)


def ground_depth() -> np.ndarray:
    """Depth of a level plane below a level camera; sky above the horizon."""
    with np.errstate(divide="ignore"):
        depth = np.where(V > CAMERA.cy, CAMERA.fy * HEIGHT_M / (V - CAMERA.cy), np.inf)
    return depth.astype(np.float32)


def frame(index: int, depth: np.ndarray, pose: np.ndarray, score: np.ndarray | None = None) -> SequenceFrame:
    return SequenceFrame(
        index * PERIOD_NS,
        np.zeros((H, W), np.float32) if score is None else score,
        np.zeros((H, W), np.uint8),
        np.zeros((H, W), np.uint16),
        depth,
        pose,
    )


def test_camera_pose_looks_along_the_vehicle_with_x_to_its_right():
    pose = camera_pose(planar_pose(10.0, 20.0, np.pi / 2), MOUNT)
    assert np.allclose(pose @ (0, 0, 5, 1), (10.0, 26.5, 1.6, 1))  # 5 m ahead of a camera 1.5 m ahead
    assert np.allclose(pose @ (1, 0, 0, 1), (11.0, 21.5, 1.6, 1))  # facing +y, the right is +x
    assert np.allclose(pose @ (0, 1, 0, 1), (10.0, 21.5, 0.6, 1))


def test_quaternion_and_yaw_say_the_same():
    for yaw in (-2.0, 0.3, 3.0):
        turned = pose_from_quaternion((1.0, 2.0, 0.0), (0.0, 0.0, 3 * np.sin(yaw / 2), 3 * np.cos(yaw / 2)))
        assert np.allclose(turned, planar_pose(1.0, 2.0, yaw))
    with pytest.raises(ValueError, match="other than null"):
        pose_from_quaternion((0, 0, 0), (0, 0, 0, 0))


def test_ground_under_pure_forward_motion():
    found = correspondences(frame(0, ground_depth(), at(0.0)), frame(1, ground_depth(), at(STEP_M)), CAMERA)
    depth = ground_depth()[found.rows, found.columns].astype(np.float64)
    shrink = depth / (depth + STEP_M)
    assert np.allclose(found.v, CAMERA.cy + (found.rows - CAMERA.cy) * shrink)
    assert np.allclose(found.u, CAMERA.cx + (found.columns - CAMERA.cx) * shrink)
    got = np.zeros((H, W), bool)
    got[found.rows, found.columns] = True
    assert np.array_equal(got, V > CAMERA.cy)  # all of the ground had been in view, to the horizon


def test_what_leaves_the_image_backwards_is_not_matched():
    found = correspondences(frame(0, ground_depth(), at(STEP_M)), frame(1, ground_depth(), at(0.0)), CAMERA)
    assert len(found.rows) and found.rows.max() < H - 1  # the lowest rows had been below the earlier image
    assert (found.v <= H - 1).all() and (found.u >= 0).all() and (found.u <= W - 1).all()


def test_a_wall_while_the_camera_turns():
    yaw = 0.1
    wall = np.full((H, W), WALL_M)
    # Seen at an angle, the wall's depth along the optical axis varies: x_wall = depth (cos + tan(angle) sin).
    turned = WALL_M / (np.cos(yaw) + (U - CAMERA.cx) / CAMERA.fx * np.sin(yaw))
    pivot = CameraMount(x_m=0.0)
    poses = [camera_pose(planar_pose(0, 0, angle), pivot) for angle in (0.0, yaw)]
    found = correspondences(frame(0, wall, poses[0]), frame(1, turned, poses[1]), CAMERA)
    bearing = np.arctan((found.columns - CAMERA.cx) / CAMERA.fx) - yaw  # the camera turned left: things went right
    assert np.allclose(found.u, CAMERA.cx + CAMERA.fx * np.tan(bearing))
    assert len(found.rows) > 0.8 * H * W


def box_scene(index: int, box_depth_m: float, left: int, pose: np.ndarray) -> SequenceFrame:
    """A box (instance 7) of 20 x 20 pixels before a wall."""
    depth, ids = np.full((H, W), WALL_M), np.zeros((H, W), np.uint16)
    depth[20:40, left : left + 20], ids[20:40, left : left + 20] = box_depth_m, 7
    return replace(frame(index, depth, pose), instance_ids=ids)


def test_what_was_hidden_is_not_matched():
    # The camera moves 1 m to the right: the box at 10 m goes 4 px to the left, the wall at 40 m 1 px.
    earlier, later = box_scene(0, 10.0, 30, at(0.0)), box_scene(1, 10.0, 26, at(0.0, -1.0))
    found = correspondences(earlier, later, CAMERA)
    got = np.zeros((H, W), bool)
    got[found.rows, found.columns] = True
    assert got[20:40, 26:46].all()  # the whole box
    assert not got[20:40, 46:49].any()  # the wall that it had hidden
    assert got[20:40, 50:78].all() and got[:20, :78].all()
    assert np.allclose(found.u - found.columns, np.where(later.instance_ids[found.rows, found.columns] == 7, 4, 1))


def test_objects_that_move_are_left_out_or_followed():
    # The camera stands; the box goes 5 px (1.25 m at 10 m) to the right.
    earlier, later = box_scene(0, 10.0, 30, at(0.0)), box_scene(1, 10.0, 35, at(0.0))

    def of_the_box(before: SequenceFrame, after: SequenceFrame) -> np.ndarray:
        found = correspondences(before, after, CAMERA)
        own = after.instance_ids[found.rows, found.columns] == 7
        return found.u[own] - found.columns[own]

    assert np.allclose(of_the_box(earlier, later), 0.0)  # taken for one that stands: wrong, and nothing can tell
    unknown = {7: None}
    assert len(of_the_box(replace(earlier, movers=unknown), replace(later, movers=unknown))) == 0
    poses = [planar_pose(10.0, y, 0.0) for y in (0.0, -1.25)]
    followed = of_the_box(replace(earlier, movers={7: poses[0]}), replace(later, movers={7: poses[1]}))
    assert len(followed) == 400 and np.allclose(followed, -5.0)
    assert len(of_the_box(replace(earlier, movers={7: poses[0]}), later)) == 0  # known in one frame only


def test_other_instances_and_void_are_not_matched():
    earlier, later = box_scene(0, 10.0, 30, at(0.0)), box_scene(1, 10.0, 30, at(0.0))
    another = replace(earlier, instance_ids=np.where(earlier.instance_ids == 7, 8, 0))
    void = np.zeros((H, W), np.uint8)
    void[:10] = 255
    for before, after in ((another, later), (replace(earlier, labels=void), replace(later, labels=void))):
        found = correspondences(before, after, CAMERA)
        lost = (later.instance_ids == 7) if before is another else void == 255
        assert len(found.rows) == H * W - lost.sum() and not lost[found.rows, found.columns].any()


def test_sampling_is_exact_on_planes():
    image = 3 * U - 2 * V + 1
    u, v = np.array([0.0, 10.25, W - 1.0, W - 1.0]), np.array([0.0, 7.5, 3.3, H - 1.0])
    assert np.allclose(sample(image, u, v), 3 * u - 2 * v + 1)


def test_consistency_of_a_score_that_belongs_to_the_ground():
    """A score that is linear in 1/depth sits on the ground's points; one that is linear in the row slides over them."""
    inverse = 1.0 / ground_depth()
    for kind, scores in (("world", None), ("image", [V, V])):
        poses = [at(0.0), at(STEP_M)]
        if scores is None:
            # The same point is seen at 1/z and 1/(z + step): map both to one value of the point, 1/z of the first view.
            with np.errstate(divide="ignore", invalid="ignore"):
                later = np.where(inverse > 0, 1 / (1 / inverse + STEP_M), 0)
            scores = [inverse, later]
        consistency = TemporalConsistency(threshold=0.0, camera=CAMERA)
        for index, (pose, score) in enumerate(zip(poses, scores, strict=True)):
            consistency.add(frame(index, ground_depth(), pose, score.astype(np.float64)))
        report = consistency.report()
        assert report.pairs == 1 and report.pairs_left_out == 0
        if kind == "world":
            assert report.mean_abs_difference == pytest.approx(0.0, abs=1e-6)
        else:
            found = correspondences(frame(0, ground_depth(), poses[0]), frame(1, ground_depth(), poses[1]), CAMERA)
            step_rows = np.abs(found.rows - found.v)
            assert report.mean_abs_difference == pytest.approx(step_rows.mean(), rel=1e-5)
            assert report.pixels == len(found.rows) and report.coverage == len(found.rows) / (H * W)


def test_flips_are_told_apart_for_anomalies():
    consistency = TemporalConsistency(threshold=0.5, camera=CAMERA)
    labels = np.zeros((H, W), np.uint8)
    labels[20:40, 30:50] = 1
    for index in range(4):
        score = np.zeros((H, W), np.float32)
        score[20:40, 30:50] = index % 2  # flickers
        consistency.add(replace(box_scene(index, 10.0, 30, at(0.0)), score=score, labels=labels))
    report = consistency.report()
    assert (report.pairs, report.pixels, report.anomalous_px) == (3, 3 * H * W, 3 * 400)
    assert report.flip_share == pytest.approx(400 / (H * W)) and report.anomalous_flip_share == 1.0
    assert report.anomalous_mean_abs_difference == 1.0
    assert report.mean_abs_difference == pytest.approx(400 / (H * W))


def test_gaps_and_frames_without_geometry_are_left_out_and_counted():
    consistency = TemporalConsistency(0.0, CAMERA, max_gap_ms=150)
    assert consistency.report().flip_share is None
    plain = frame(0, ground_depth(), at(0.0))
    consistency.add(plain)
    consistency.add(replace(plain, stamp_ns=PERIOD_NS, depth_m=None))
    consistency.add(replace(plain, stamp_ns=2 * PERIOD_NS))
    consistency.add(replace(plain, stamp_ns=4 * PERIOD_NS))
    report = consistency.report()
    assert (report.pairs, report.pairs_left_out, report.coverage) == (0, 3, None)
    with pytest.raises(ValueError, match="ascending stamps"):
        consistency.add(plain)
    with pytest.raises(ValueError, match="expected depth, instance ids and camera pose"):
        correspondences(plain, replace(plain, camera_pose=None), CAMERA)
    with pytest.raises(ValueError, match="expected a rigid transform"):
        replace(plain, camera_pose=2 * np.eye(4))
    with pytest.raises(ValueError, match="finite threshold and a gap above 0"):
        TemporalConsistency(np.nan, CAMERA)
