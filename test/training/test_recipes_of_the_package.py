"""What the recipes of the package promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from ros_anomaly.data.blending import NO_CHANGES
from ros_anomaly.data.labels import CITYSCAPES_CLASSES, STREET_CLASSES
from ros_anomaly.data.placement import PasteMode
from ros_anomaly.training.data_config import Mixture, NegativeKind
from ros_anomaly.training.recipe import Recipe, load_recipe
from ros_anomaly.training.sources import with_dataset
from ros_anomaly.training.stage_config import Curve


def load(name: str) -> Recipe:
    return load_recipe(Path(__file__).resolve().parents[2] / "config" / "recipes" / f"{name}.yaml")


def test_the_street_recipe_mixes_all_kinds_and_leaves_some_frames_clean():
    recipe = load("street")
    assert recipe.data.dataset is None and recipe.data.classes is STREET_CLASSES
    mixture = recipe.outlier.mixture
    assert min(mixture.pasted, mixture.rendered, mixture.shapes, mixture.pieces) > 0
    assert 0.5 < mixture.negatives < 0.95
    assert recipe.paste.street.distance_m[1] >= 60


def test_the_published_recipe_is_the_published_one():
    recipe = load("cityscapes_swin_l_uno")
    stage, paste = recipe.outlier, recipe.paste
    assert recipe.data.classes is CITYSCAPES_CLASSES
    assert recipe.data.negatives is not None and recipe.data.negatives.kind is NegativeKind.COCO
    assert (stage.iterations, stage.learning_rate, stage.backbone_factor) == (2000, 1e-5, 0.1)
    assert (stage.weight_decay, stage.clip_norm, stage.curve, stage.poly_power) == (0.05, 0.01, Curve.POLY, 0.9)
    assert [(phase.crop, phase.batch) for phase in stage.phases] == [((512, 1024), 18)]
    assert stage.mixture == Mixture(pasted=1.0)
    assert recipe.augment.scale == (0.5, 2.0)
    assert (paste.count, paste.mode, paste.paper.side_px) == ((3, 3), PasteMode.PAPER, (96, 500))
    assert paste.look == NO_CHANGES
    weights = recipe.loss.weights
    assert (weights.classification, weights.mask, weights.dice, recipe.loss.no_object) == (2, 5, 5, 0.1)
    network = recipe.network
    assert (network.backbone, network.queries, network.pixel_decoder) == ("swin_large", 100, "deformable")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("cityscapes_swin_l_uno", "cityscapes"), ("street_hazards_resnet", "streethazards"), ("own_images", "folder")],
)
def test_the_command_line_names_the_folder(name, kind):
    recipe = load(name)
    moved = with_dataset(recipe, f"{kind}:/data/here")
    assert moved.data.dataset is not None and moved.data.dataset.root == "/data/here"
    assert moved.data.classes == recipe.data.classes
