from __future__ import annotations

from collections.abc import Callable

import moderngl
import numpy as np
import pytest

from ros_anomaly.data.labels import ANOMALY_ID, StreetClass
from ros_anomaly_sim.render.camera import Camera, street_pose
from ros_anomaly_sim.render.context import DEBIAN_PACKAGES, MissingEglError, RendererInUseError
from ros_anomaly_sim.render.renderer import StreetRenderer
from ros_anomaly_sim.street.mesh import Model
from ros_anomaly_sim.street.scene import Placement, Scene, StaticWorld, Weather
from ros_anomaly_sim.street.weather import PRESETS, preset

POSE = street_pose(0.0, 0.0, 0.0)
CAR = Placement("box", (0.0, 12.0, 0.0), 0.0, int(StreetClass.CAR), 7)


def scene(world: StaticWorld, *placements: Placement, weather: Weather | None = None) -> Scene:
    return Scene(world, placements, weather or preset("noon"))


def test_a_box_stands_where_the_camera_model_says(renderer: StreetRenderer, plane: StaticWorld) -> None:
    rendered = renderer.render(scene(plane, CAR), POSE)
    front = np.array([[-1.0, 10.0, 0.0], [1.0, 10.0, 1.5]])
    corners, depth = renderer.camera.project(front, POSE)
    rows, columns = np.nonzero(rendered.instance_ids == 7)
    found = (columns.min(), rows.max() + 1, columns.max() + 1)
    expected = (corners[0, 0], corners[0, 1], corners[1, 0])
    np.testing.assert_allclose(found, expected, atol=1.0)
    nearest = rendered.depth_m[rendered.instance_ids == 7].min()
    assert nearest == pytest.approx(depth[0], abs=0.05)


def test_ids_are_exact_and_the_sky_is_background_at_infinity(renderer: StreetRenderer, plane: StaticWorld) -> None:
    rendered = renderer.render(scene(plane, CAR), POSE)
    assert set(np.unique(rendered.class_ids)) == {
        StreetClass.BACKGROUND,
        StreetClass.ROAD,
        StreetClass.SIDEWALK,
        StreetClass.CAR,
    }
    assert set(np.unique(rendered.instance_ids)) == {0, 7}
    np.testing.assert_array_equal(rendered.class_ids == StreetClass.CAR, rendered.instance_ids == 7)
    assert np.isinf(rendered.depth_m[0]).all() and (rendered.class_ids[0] == StreetClass.BACKGROUND).all()
    assert np.isfinite(rendered.depth_m[-1]).all() and (rendered.class_ids[-1, 160] == StreetClass.ROAD).all()


def test_the_ground_is_as_far_as_geometry_says(renderer: StreetRenderer, plane: StaticWorld) -> None:
    depth = renderer.render(scene(plane), POSE).depth_m
    row = 170
    below = row + 0.5 - renderer.camera.height / 2
    assert depth[row, 160] == pytest.approx(1.6 * renderer.camera.focal_px / below, rel=0.01)


def test_a_placement_may_be_made_an_anomaly(renderer: StreetRenderer, plane: StaticWorld) -> None:
    anomaly = Placement("box", (0.0, 12.0, 0.0), 0.4, ANOMALY_ID, 3, scale=0.5)
    rendered = renderer.render(scene(plane, anomaly), POSE)
    np.testing.assert_array_equal(rendered.class_ids == ANOMALY_ID, rendered.instance_ids == 3)
    assert (rendered.instance_ids == 3).sum() > 50


def test_nearer_things_hide_farther_ones(renderer: StreetRenderer, plane: StaticWorld) -> None:
    behind = Placement("box", (0.0, 30.0, 0.0), 0.0, int(StreetClass.CAR), 8)
    assert not (renderer.render(scene(plane, CAR, behind), POSE).instance_ids == 8).any()


def test_the_same_scene_looks_the_same_twice(renderer: StreetRenderer, plane: StaticWorld) -> None:
    first = renderer.render(scene(plane, CAR), POSE)
    renderer.render(scene(plane, weather=preset("fog")), street_pose(2.0, 30.0, 0.2))
    second = renderer.render(scene(plane, CAR), POSE)
    np.testing.assert_array_equal(first.class_ids, second.class_ids)
    np.testing.assert_array_equal(first.instance_ids, second.instance_ids)
    assert np.abs(first.image.astype(int) - second.image).max() <= 1


def test_paint_colours_a_placement(renderer: StreetRenderer, plane: StaticWorld) -> None:
    red = Placement("box", (0.0, 12.0, 0.0), 0.0, int(StreetClass.CAR), 7, paint=(0.9, 0.05, 0.05))
    rendered = renderer.render(scene(plane, red), POSE)
    mean = rendered.image[rendered.instance_ids == 7].mean(0)
    assert mean[0] > 2 * mean[1] and mean[0] > 2 * mean[2]


@pytest.mark.parametrize("name", PRESETS)
def test_every_weather_gives_a_usable_picture(renderer: StreetRenderer, plane: StaticWorld, name: str) -> None:
    image = renderer.render(scene(plane, CAR, weather=preset(name)), POSE).image
    assert 25 < image.mean() < 235
    assert image.std() > 4


def test_fog_hides_what_is_far(renderer: StreetRenderer, plane: StaticWorld) -> None:
    far = Placement("box", (0.0, 120.0, 0.0), 0.0, int(StreetClass.CAR), 7, paint=(0.9, 0.05, 0.05))
    colour = {}
    for name in ("noon", "fog"):
        rendered = renderer.render(scene(plane, far, weather=preset(name)), POSE)
        mean = rendered.image[rendered.instance_ids == 7].mean(0)
        colour[name] = mean.max() - mean.min()
    assert colour["fog"] < 0.4 * colour["noon"]


def test_another_camera_may_be_given(renderer: StreetRenderer, plane: StaticWorld) -> None:
    rendered = renderer.render(scene(plane, CAR), POSE, Camera(200, 100))
    assert rendered.image.shape == (100, 200, 3) and rendered.depth_m.shape == (100, 200)


def test_a_second_renderer_in_the_process_is_refused(
    renderer: StreetRenderer, load_box: Callable[[str], Model]
) -> None:
    with pytest.raises(RendererInUseError, match="close it first"):
        StreetRenderer(Camera(320, 180), load_box)


def test_missing_egl_names_the_debian_packages(
    monkeypatch: pytest.MonkeyPatch, load_box: Callable[[str], Model]
) -> None:
    def fail(**_: object) -> None:
        raise ImportError("libEGL.so.1 not loaded")

    monkeypatch.setattr(moderngl, "create_context", fail)
    with pytest.raises(MissingEglError, match=" ".join(DEBIAN_PACKAGES)):
        StreetRenderer(Camera(320, 180), load_box)
