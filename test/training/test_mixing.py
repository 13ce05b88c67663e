"""Shares of what training frames show."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from ros_anomaly.data.blending import NO_CHANGES
from ros_anomaly.data.cutout_store import Cutout
from ros_anomaly.data.labels import ANOMALY_ID, PALETTE, ClassSet, StreetClass
from ros_anomaly.data.negatives import AnyCutout
from ros_anomaly.data.pasting import PasteConfig
from ros_anomaly.training.data_config import Mixture
from ros_anomaly.training.mixing import Mixer
from ros_anomaly.training.sources import TrainingFrames

SIZE = (96, 160)
GREEN = (0, 255, 0)
PASTE = PasteConfig(min_pixels=0, look=NO_CHANGES)


class Frames:
    """Copies of one frame; a car stands in the middle, or something unknown in the corner."""

    def __init__(self, count: int, anomaly: bool = False) -> None:
        class_ids = np.zeros(SIZE, np.uint8)
        class_ids[48:] = StreetClass.ROAD
        class_ids[50:70, 60:90] = StreetClass.CAR
        if anomaly:
            class_ids[:9, :9] = ANOMALY_ID
        self.count, self.frame = count, (PALETTE[class_ids], class_ids)

    def __len__(self) -> int:
        return self.count

    def arrays(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self.frame


def sources(**values: object) -> TrainingFrames:
    green = np.full((40, 40, 4), (*GREEN, 255), np.uint8)
    made = {"clean": Frames(4), "negatives": Frames(4, anomaly=True), "cutouts": AnyCutout([Cutout("green", green)])}
    return TrainingFrames(**{**made, **values})  # type: ignore[arg-type]


def kind_of(image: np.ndarray, class_ids: np.ndarray) -> str:
    if (class_ids[:9, :9] == ANOMALY_ID).all() and (class_ids == ANOMALY_ID).sum() == 81:
        return "rendered"
    shown = image[class_ids == ANOMALY_ID]
    if len(shown) == 0:
        return "clean"
    if (shown == GREEN).all(1).mean() > 0.8:
        return "pasted"
    # Mixtures of the frame's three colours lie in their plane.
    first, second, third = PALETTE[[0, 7, 10]].astype(float)
    normal = np.cross(second - first, third - first)
    off_plane = np.abs((shown - first) @ normal) / np.linalg.norm(normal)
    return "inlier_crops" if off_plane.max() < 4 else "shapes"


@pytest.mark.parametrize("kind", ["clean", "pasted", "rendered", "shapes", "inlier_crops"])
def test_each_kind_alone(kind):
    mixer = Mixer(sources(), Mixture(**({} if kind == "clean" else {kind: 1.0})), PASTE)
    found = [kind_of(*mixer.draw(np.random.default_rng(seed))) for seed in range(20)]
    # A paste may lie outside of the frame.
    assert found.count(kind) >= 17 and set(found) <= {kind, "clean"}


def test_shares_are_those_of_the_mixture():
    mixture = Mixture(pasted=0.2, rendered=0.3, shapes=0.15, inlier_crops=0.1)
    mixer = Mixer(sources(), mixture, PASTE)
    found = [kind_of(*mixer.draw(np.random.default_rng(seed))) for seed in range(600)]
    shares = {kind: found.count(kind) / len(found) for kind in ("pasted", "rendered", "shapes", "inlier_crops")}
    for kind, share in shares.items():
        assert share == pytest.approx(getattr(mixture, kind), abs=0.06), shares


def test_pieces_come_on_top_and_keep_their_class():
    mixer = Mixer(sources(), Mixture(rendered=0.5, pieces=1.0), PASTE)
    cars = []
    for seed in range(30):
        _, class_ids = mixer.draw(np.random.default_rng(seed))
        cars.append(int((class_ids == StreetClass.CAR).sum()))
    assert max(cars) > 1.4 * 600 and np.mean(np.array(cars) > 650) > 0.5


def test_sources_are_left_as_they_are_and_frames_depend_on_the_generator_alone():
    clean = Frames(4)
    for array in clean.frame:
        array.setflags(write=False)
    mixture = Mixture(pasted=0.3, rendered=0.2, shapes=0.2, inlier_crops=0.2, pieces=0.5)
    mixer = Mixer(sources(clean=clean), mixture, PasteConfig())
    copy = pickle.loads(pickle.dumps(mixer))
    for seed in range(10):
        copy.draw(np.random.default_rng(100 + seed))
        for found, expected in zip(
            copy.draw(np.random.default_rng(seed)), mixer.draw(np.random.default_rng(seed)), strict=True
        ):
            np.testing.assert_array_equal(found, expected)


def test_frames_that_show_anomalies_already_are_not_pasted_into():
    mixer = Mixer(sources(clean=Frames(3, anomaly=True)), Mixture(pasted=1.0), PASTE)
    _, class_ids = mixer.draw(np.random.default_rng(0))
    assert (class_ids == ANOMALY_ID).sum() == 81


def test_a_users_classes_have_a_users_anomaly_id():
    class_ids = np.zeros(SIZE, np.uint8)
    clean = Frames(1)
    clean.frame = clean.frame[0], class_ids
    mixer = Mixer(sources(clean=clean, classes=ClassSet.of_names(["road", "sky"])), Mixture(shapes=1.0), PASTE)
    _, ids = mixer.draw(np.random.default_rng(1))
    assert set(np.unique(ids)) == {0, 2}


@pytest.mark.parametrize(
    ("mixture", "message"),
    [({"pasted": 0.1}, "expected cut-outs"), ({"rendered": 0.1}, "expected rendered negatives")],
)
def test_missing_sources_are_named(mixture, message):
    with pytest.raises(ValueError, match=message):
        Mixer(sources(cutouts=None, negatives=None), Mixture(**mixture), PASTE)


def test_any_frame_may_get_marks_and_they_are_no_anomalies():
    for mixture in (Mixture(markings=1.0), Mixture(rendered=1.0, markings=1.0)):
        frames = [Mixer(sources(), mixture, PASTE).draw(np.random.default_rng(seed)) for seed in range(20)]
        marked = [class_ids for _, class_ids in frames if (class_ids == StreetClass.ROAD_LINE).any()]
        assert len(marked) >= 4
        anomalous = (frames[0][1] == ANOMALY_ID).sum()
        assert all((class_ids == ANOMALY_ID).sum() == anomalous for class_ids in marked)
    with pytest.raises(ValueError, match="mixture markings: expected a probability 0..1, found 2"):
        Mixture(markings=2)
