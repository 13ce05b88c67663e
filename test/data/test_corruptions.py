"""Corruptions: amounts, severities, repeatability, and what each does to a picture."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.data.corruptions import SEVERITIES, Corruption, parse_corruptions


@pytest.fixture
def picture() -> np.ndarray:
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0:60, 0:100]
    smooth = 120 + 60 * np.sin(rows / 9.0)[..., None] * np.cos(columns / 11.0)[..., None] + np.array([10, 0, -10])
    return np.clip(smooth + rng.normal(0, 2, (60, 100, 3)), 0, 255).astype(np.uint8)


def changed(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


@pytest.mark.parametrize("name", SEVERITIES)
def test_every_severity_changes_more_than_the_one_before_and_leaves_the_picture_alone(picture, name):
    before = picture.copy()
    results = [one.apply(picture, "frame") for one in parse_corruptions(name)]
    amounts = [changed(result, picture) for result in results]
    assert len(results) == 5 and 0 < amounts[0] < 0.8 * amounts[-1]
    assert (np.diff(amounts) > -0.1 * amounts[-1]).all()  # coarser JPEG steps may come closer to a picture by chance
    assert all(result.dtype == np.uint8 and result.shape == picture.shape for result in results)
    assert np.array_equal(picture, before)


@pytest.mark.parametrize("name", ["noise", "motion-blur"])
def test_what_is_random_is_decided_by_seed_and_frame_name(picture, name):
    one = Corruption.of_severity(name, 3)
    assert np.array_equal(one.apply(picture, "a"), one.apply(picture, "a"))
    assert not np.array_equal(one.apply(picture, "a"), one.apply(picture, "b"))
    assert not np.array_equal(one.apply(picture, "a"), one.apply(picture, "a", seed=1))


def test_noise_has_its_deviation_and_no_bias():
    grey = np.full((200, 200, 3), 128, np.uint8)
    noise = Corruption("noise", 10.0).apply(grey, "f").astype(float) - 128
    assert noise.std() == pytest.approx(10.0, rel=0.02) and abs(noise.mean()) < 0.1
    more = Corruption("noise", 20.0).apply(grey, "f").astype(float) - 128
    assert np.corrcoef(noise.ravel(), more.ravel())[0, 1] > 0.99  # one pattern, at every amount


def test_fog_hides_what_is_far_and_by_koschmieder_s_law():
    image = np.zeros((60, 100, 3), np.uint8)
    image[:2] = 200
    depth = np.full((60, 100), 50.0, np.float32)
    depth[30:], depth[40:] = 5.0, np.inf
    foggy = Corruption("fog", 100.0).apply(image, "f", depth)
    left = np.exp(np.log(0.02) * 50.0 / 100.0)
    assert foggy[20, 50, 0] == pytest.approx(200 * (1 - left), abs=1)
    assert foggy[35, 50, 0] < 50 and (foggy[45] == 200).all()


def test_fog_without_depth_takes_the_ground_of_the_street_s_camera():
    image = np.zeros((360, 640, 3), np.uint8)
    image[:8] = 200
    foggy = Corruption("fog", 75.0).apply(image, "f")[:, 0, 0].astype(int)
    assert len(set(foggy[10:180])) == 1 and (np.diff(foggy[190:]) <= 0).all() and foggy[359] < 40 < foggy[185]


def test_fog_refuses_depth_of_another_shape(picture):
    with pytest.raises(ValueError, match=r"expected the shape of its picture \(60, 100\), found \(2, 2\)"):
        Corruption("fog", 100.0).apply(picture, "f", np.ones((2, 2)))


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("jpeg:40", ["jpeg:40"]),
        ("noise:10", ["noise:10"]),
        ("blur:2", ["blur:2"]),
        ("brightness:0.7", ["brightness:0.7"]),
        ("blur@2", ["blur@2"]),
        ("fog", [f"fog@{i}" for i in range(1, 6)]),
    ],
)
def test_words_of_the_command_line(text, labels):
    corruptions = parse_corruptions(text)
    assert [one.label for one in corruptions] == labels
    assert [parse_corruptions(label) for label in labels] == [(one,) for one in corruptions]


def test_all_is_every_severity_of_every_corruption():
    every = parse_corruptions("all")
    assert len(every) == 30 == len({one.label for one in every})
    assert Corruption("blur", 2.0, severity=2) in every


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("snow", "expected all, NAME, NAME@SEVERITY or NAME:AMOUNT with a NAME of brightness, fog"),
        ("", "found ''"),
        ("jpeg@2:40", "found 'jpeg@2:40'"),
        ("jpeg@6", "expected a severity from 1 to 5, found 6"),
        ("jpeg@x", "expected a severity from 1 to 5 after @, found 'x'"),
        ("jpeg:bad", "expected a number after the colon, found 'bad'"),
        ("jpeg:40.5", "expected a whole number, a quality from 1 to 100, found 40.5"),
        ("blur:0", "expected pixels from 0.1 to 100, found 0"),
        ("noise:nan", "found nan"),
    ],
)
def test_anything_else_is_refused_in_a_line(text, said):
    with pytest.raises(ValueError, match=said.replace("(", r"\(")) as error:
        parse_corruptions(text)
    assert "\n" not in str(error.value)
