"""What a frame holds, on scenes whose geometry is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ros_anomaly_sim.render.benchmark import time_frames
from ros_anomaly_sim.render.camera import Camera
from ros_anomaly_sim.street.scene import CameraPose, Placement, Scene
from ros_anomaly_sim.street.weather import PRESETS, preset

POSE = CameraPose((0.0, 0.0, 1.6), 0.0)
BOX = Placement("box", (1.0, 12.0, 0.0), 0.3, 10, 7)


@pytest.fixture
def scene(ground):
    return Scene(ground, (BOX,), preset("noon"))


def _box_corners(placement: Placement) -> np.ndarray:
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-0.5, 0.5) for z in (0, 1)], float) * placement.scale
    c, s = np.cos(placement.yaw_rad), np.sin(placement.yaw_rad)
    return corners @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + placement.position


def test_shapes_and_types(renderer, scene):
    frame = renderer.render(scene, POSE)
    assert (frame.image.shape, frame.image.dtype) == ((180, 320, 3), np.uint8)
    assert (frame.class_ids.shape, frame.class_ids.dtype) == ((180, 320), np.uint8)
    assert (frame.instance_ids.shape, frame.instance_ids.dtype) == ((180, 320), np.uint16)
    assert (frame.depth_m.shape, frame.depth_m.dtype) == ((180, 320), np.float32)


@pytest.mark.parametrize(
    ("placement", "pose"),
    [
        (BOX, POSE),
        (replace(BOX, scale=1.7, yaw_rad=-2.0), POSE),
        (BOX, CameraPose((-3.0, 2.0, 2.5), -0.35, -0.1, 0.15)),
        (replace(BOX, position=(0.0, 45.0, 0.0)), POSE),
    ],
)
def test_box_covers_the_pixels_that_project_says(renderer, ground, placement, pose):
    frame = renderer.render(Scene(ground, (placement,), preset("noon")), pose)
    pixels, _ = renderer.camera.project(_box_corners(placement), pose)
    rows, columns = np.nonzero(frame.instance_ids == placement.instance_id)
    found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    np.testing.assert_allclose(found, (*pixels.min(0), *pixels.max(0)), atol=1.0)


def test_depth_is_along_the_axis(renderer, ground):
    facing = replace(BOX, yaw_rad=0.0)
    frame = renderer.render(Scene(ground, (facing,), preset("noon")), POSE)
    front = (frame.instance_ids == 7) & (np.arange(180)[:, None] > 105)
    np.testing.assert_allclose(frame.depth_m[front], 11.5, atol=0.01)
    # Level ground: depth = focal * height / (row below the horizon).
    np.testing.assert_allclose(frame.depth_m[150, 20], 160 * 1.6 / 60.5, rtol=1e-3)


def test_ids_are_exact_and_sky_is_background_at_infinity(renderer, scene):
    frame = renderer.render(scene, POSE)
    assert set(np.unique(frame.class_ids)) == {0, 7, 8, 10}
    assert set(np.unique(frame.instance_ids)) == {0, 7}
    np.testing.assert_array_equal(frame.class_ids == 10, frame.instance_ids == 7)
    np.testing.assert_array_equal(np.isinf(frame.depth_m), frame.class_ids == 0)
    assert np.isinf(frame.depth_m[:80]).all()
    assert frame.class_ids[179, 160] == 7


def test_placement_overrides_the_class(renderer, scene):
    anomaly = renderer.render(replace(scene, placements=(replace(BOX, class_id=13, instance_id=65535),)), POSE)
    plain = renderer.render(scene, POSE)
    np.testing.assert_array_equal(anomaly.class_ids == 13, plain.class_ids == 10)
    np.testing.assert_array_equal(anomaly.instance_ids == 65535, plain.instance_ids == 7)
    # The override must not show: an anomaly that looks different would give itself away.
    np.testing.assert_array_equal(anomaly.image, plain.image)


@pytest.mark.parametrize("weather", PRESETS)
def test_same_scene_gives_the_same_frame(renderer, scene, weather):
    scene = replace(scene, weather=preset(weather))
    first, second = (renderer.render(scene, POSE) for _ in range(2))
    np.testing.assert_array_equal(first.class_ids, second.class_ids)
    np.testing.assert_array_equal(first.instance_ids, second.instance_ids)
    np.testing.assert_array_equal(first.depth_m, second.depth_m)
    assert np.abs(first.image.astype(int) - second.image).max() <= 1


def test_frames_do_not_depend_on_what_was_drawn_before(renderer, scene):
    first = renderer.render(scene, POSE)
    renderer.render(replace(scene, weather=preset("dusk"), placements=()), CameraPose((3.0, 150.0, 1.6), 1.0))
    second = renderer.render(scene, POSE)
    np.testing.assert_array_equal(first.class_ids, second.class_ids)
    assert np.abs(first.image.astype(int) - second.image).max() <= 1


def test_the_nearer_of_two_things_shows(renderer, ground):
    near, far = (Placement("box", (0.0, y, 0.0), 0.0, 10, i) for y, i in ((8.0, 1), (12.0, 2)))
    for order in ((near, far), (far, near)):
        frame = renderer.render(Scene(ground, order, preset("noon")), CameraPose((0.0, 0.0, 0.5), 0.0))
        assert (frame.instance_ids == 1).any()
        assert not (frame.instance_ids == 2).any()


def test_transparent_texels_leave_no_trace(renderer, scene):
    empty = renderer.render(replace(scene, placements=()), POSE)
    sieve = renderer.render(replace(scene, placements=(replace(BOX, model="sieve"),)), POSE)
    np.testing.assert_array_equal(sieve.class_ids, empty.class_ids)
    assert np.abs(sieve.image.astype(int) - empty.image).max() <= 1


def test_paint_colours_the_model(renderer, scene):
    for channel, paint in enumerate(((0.9, 0.1, 0.1), (0.1, 0.9, 0.1), (0.1, 0.1, 0.9))):
        frame = renderer.render(replace(scene, placements=(replace(BOX, paint=paint),)), POSE)
        mean = frame.image[frame.instance_ids == 7].mean(0)
        assert mean.argmax() == channel
        assert mean[channel] > 1.5 * np.delete(mean, channel).max()


def test_sun_casts_a_shadow_and_clouds_do_not(renderer, scene):
    def darkening(weather: str) -> float:
        lit = replace(scene, weather=preset(weather))
        with_box, without = renderer.render(lit, POSE), renderer.render(replace(lit, placements=()), POSE)
        ground = with_box.class_ids == without.class_ids
        return float((without.image.astype(int) - with_box.image)[ground].max())

    assert darkening("noon") > 40
    assert darkening("fog") < 30


@pytest.mark.parametrize("weather", PRESETS)
def test_every_weather_gives_a_usable_picture(renderer, scene, weather):
    image = renderer.render(replace(scene, weather=preset(weather)), POSE).image
    assert 40 < image.mean() < 225
    assert image.std() > 8
    assert ((image == 0) | (image == 255)).mean() < 0.1


def test_fog_takes_the_contrast_of_what_is_far(renderer, ground):
    def contrast(weather, distance_m):
        placement = replace(BOX, position=(0.0, distance_m, 0.0), paint=(0.9, 0.05, 0.05))
        frame = renderer.render(Scene(ground, (placement,), preset(weather)), POSE)
        red, green, _ = frame.image[frame.instance_ids == 7].mean(0)
        return red - green

    assert contrast("fog", 40.0) < 0.6 * contrast("fog", 8.0)
    assert contrast("noon", 40.0) > 0.8 * contrast("noon", 8.0)


def test_prepared_models_are_not_loaded_again(renderer, scene, monkeypatch):
    renderer.prepare(["box"])
    monkeypatch.setattr(renderer._models, "_load", lambda name: pytest.fail(f"{name} loaded again"))
    assert (renderer.render(scene, POSE).instance_ids == 7).any()


def test_supersampling_softens_edges_and_leaves_ids_exact(renderer, scene, monkeypatch):
    plain = renderer.render(scene, POSE)
    monkeypatch.setattr(renderer, "_supersampling", 2)
    fine = renderer.render(scene, POSE)
    assert fine.image.shape == plain.image.shape
    assert set(np.unique(fine.class_ids)) == set(np.unique(plain.class_ids))
    assert (fine.class_ids != plain.class_ids).mean() < 0.01
    assert np.abs(fine.image.astype(int) - plain.image).max() > 20


def test_things_out_of_view_are_not_drawn(renderer, ground):
    behind = replace(BOX, position=(0.0, -12.0, 0.0))
    frame = renderer.render(Scene(ground, (behind,), preset("noon")), POSE)
    assert not frame.instance_ids.any()


def test_another_camera_for_one_frame(renderer, scene):
    frame = renderer.render(scene, POSE, Camera(64, 48, 0.5))
    assert frame.image.shape == (48, 64, 3)
    assert renderer.render(scene, POSE).image.shape == (180, 320, 3)


def test_old_worlds_make_room(renderer, make_world):
    worlds = [make_world(f"world {i}") for i in range(4)]
    frames = [renderer.render(Scene(world, (), preset("fog")), POSE) for world in (*worlds, worlds[0])]
    assert len(renderer._worlds) == 2
    np.testing.assert_array_equal(frames[0].image, frames[-1].image)


def test_unknown_model_names_itself(renderer, scene):
    with pytest.raises(KeyError, match="dragon"):
        renderer.render(replace(scene, placements=(replace(BOX, model="dragon"),)), POSE)
    assert (renderer.render(scene, POSE).instance_ids == 7).any()


def test_benchmark_times_frames_after_the_warm_up(renderer, scene):
    times = time_frames(renderer, [(scene, POSE)] * 5, warm_up_frames=2)
    assert times.frames == 3
    assert times.gl_renderer == renderer.gl_renderer
    assert 0 < times.median_ms <= times.percentile_95_ms
    with pytest.raises(ValueError, match="more than 2"):
        time_frames(renderer, [(scene, POSE)], warm_up_frames=2)
