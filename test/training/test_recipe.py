"""Recipes: defaults, types, and errors that name the key and the legal values."""

from __future__ import annotations

from pathlib import Path

import pytest

from ros_anomaly.training.precision import Precision
from ros_anomaly.training.recipe import Recipe, RecipeError, load_recipe
from ros_anomaly.training.schedule import Schedule
from ros_anomaly.training.stage_config import Curve, Phase, StageConfig

RECIPES = Path(__file__).resolve().parents[2] / "config" / "recipes"


def load(tmp_path: Path, text: str) -> Recipe:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    return load_recipe(path)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_recipes_of_the_package_load(path):
    recipe = load_recipe(path)
    assert recipe.closed.mixture.negatives == 0
    assert recipe.outlier.mixture.negatives > 0


def test_values_are_converted_and_the_rest_keeps_its_defaults(tmp_path):
    recipe = load(
        tmp_path,
        "seed: 3\nclosed:\n  minutes: 5\n  phases:\n    - {until: 1, crop: [64, 96], batch: 2, scale: [1, 2]}\n"
        "paste: {count: [2, 4]}\n",
    )
    assert recipe.seed == 3
    assert recipe.closed.minutes == 5.0
    assert recipe.closed.phases == (Phase(1.0, (64, 96), 2, (1.0, 2.0)),)
    assert recipe.paste.count == (2, 4)
    assert recipe.outlier == Recipe().outlier


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sed: 1", r"recipe\.yaml: sed: unknown key, expected one of seed, precision"),
        ("closed: {minute: 1}", r"recipe\.yaml: closed\.minute: unknown key, expected one of minutes"),
        ("closed: {minutes: long}", r"recipe\.yaml: closed\.minutes: expected float, found 'long'"),
        ("seed: true", r"recipe\.yaml: seed: expected int, found True"),
        ("closed: 3", r"recipe\.yaml: closed: expected keys and values, found 3"),
        ("closed: {phases: [{until: 1, crop: [64], batch: 1}]}", r"closed\.phases\[0\]\.crop: expected 2 values"),
        ("closed: {phases: [{until: 1, crop: [60, 64], batch: 1}]}", r"multiples of 8 from 32 on, found \(60, 64\)"),
        ("closed: {phases: [{until: 0.5, crop: [64, 64], batch: 1}]}", r"last at 1\.0, found \[0\.5\]"),
        ("outlier: {mixture: {pasted: 0.8, rendered: 0.4}}", r"sum <= 1, found pasted 0\.8 \+ rendered 0\.4"),
        ("data: {negatives: {share: 1.5}}", r"negatives share: expected a value 0\.\.1, found 1\.5"),
        ("augment: {jpeg: 2}", r"augment jpeg: expected a probability 0\.\.1, found 2"),
        ("precision: half", r"recipe\.yaml: precision: expected one of auto, fp32, bf16, fp16; found 'half'"),
        ("data_workers: -1", r"data_workers: expected a number from 0 on, found -1"),
        ("closed: {ema_decay: 1}", r"ema_decay: expected a value from 0 to below 1, found 1"),
        ("closed: {curve: linear}", r"recipe\.yaml: closed\.curve: expected one of cosine, poly; found 'linear'"),
        ("- 1", r"expected keys and values, found \[1\]"),
    ],
)
def test_mistakes_are_named(tmp_path, text, message):
    with pytest.raises(RecipeError, match=message):
        load(tmp_path, text)


def test_schedule_warms_up_and_falls():
    stage = StageConfig(minutes=10, warmup_iterations=10, final_factor=0.01)
    schedule = Schedule(stage)
    assert schedule.progress(5, 300.0) == 0.5
    assert schedule.progress(5, 6000.0) == 1.0
    assert schedule.factor(0, 0.0) == pytest.approx(0.1)
    assert schedule.factor(100, 0.5) == pytest.approx(0.505)
    assert schedule.factor(100, 1.0) == pytest.approx(0.01)


def test_schedule_of_the_published_recipe():
    stage = StageConfig(iterations=100, warmup_iterations=0, curve=Curve.POLY, poly_power=0.9, final_factor=0.0)
    assert Schedule(stage).factor(50, 0.5) == pytest.approx(0.5**0.9)
    assert Schedule(stage).factor(100, 1.0) == 0.0


def test_how_it_is_computed_is_part_of_the_recipe(tmp_path):
    recipe = load(tmp_path, "precision: bf16\ncompile: true\ndata_workers: 3\noutlier: {ema_decay: 0.999, curve: poly}")
    assert (recipe.precision, recipe.compile, recipe.data_workers) == (Precision.BF16, True, 3)
    assert (recipe.outlier.ema_decay, recipe.outlier.curve) == (0.999, Curve.POLY)
    assert (Recipe().precision, Recipe().compile, Recipe().data_workers) == (Precision.AUTO, False, None)


def test_budget_in_iterations_and_its_replacement():
    stage = StageConfig(iterations=200)
    assert Schedule(stage).progress(50, 1e9) == 0.25
    assert Schedule(stage, minutes=2).progress(50, 30.0) == 0.25
    assert Schedule(stage).by_iterations and not Schedule(stage, minutes=2).by_iterations


def test_phases_follow_progress():
    stage = StageConfig(phases=(Phase(0.5, (64, 64), 4), Phase(1.0, (96, 96), 2)))
    assert [stage.phase_at(share).batch for share in (0.0, 0.49, 0.5, 1.0)] == [4, 4, 2, 2]


def test_crops_are_checked_as_the_network_sees_them(tmp_path):
    text = "network: {input_scale: 1.5}\nclosed:\n  phases:\n    - {until: 1, crop: [%d, 640], batch: 2}\n"
    assert load(tmp_path, text % 352).network.input_size(352, 640) == (528, 960)
    with pytest.raises(RecipeError, match=r"closed phase crop: .*input_scale 1.5 .*found \[360, 640\], enlarged \[540"):
        load(tmp_path, text % 360)


def test_single_values_can_be_changed(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("seed: 3\noutlier: {iterations: 9, mixture: {pasted: 0.5}}\n")
    recipe = load_recipe(
        path, ["seed=4", "outlier.mixture={shapes: 0.25}", "outlier.learning_rate = 2.0e-4", "loss.dense=0.5"]
    )
    assert (recipe.seed, recipe.outlier.iterations, recipe.loss.dense) == (4, 9, 0.5)
    assert (recipe.outlier.mixture.shapes, recipe.outlier.mixture.pasted) == (0.25, 0)
    assert recipe.outlier.learning_rate == 2e-4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("seed", "expected KEY=VALUE or KEY.KEY=VALUE, found 'seed'"),
        ("=4", "expected KEY=VALUE"),
        ("outlier.=4", "expected KEY=VALUE"),
        ("seed.more=1", "seed: expected keys and values to change more of, found 3"),
        ("outlier.speed=1", "outlier.speed: unknown key"),
        ("seed={", "change of seed: expected a value in YAML"),
    ],
)
def test_bad_changes_are_named(tmp_path, change, message):
    path = tmp_path / "recipe.yaml"
    path.write_text("seed: 3\n")
    with pytest.raises(RecipeError, match=message):
        load_recipe(path, [change])
