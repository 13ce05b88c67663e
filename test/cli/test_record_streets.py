"""A street drive as a bag and as a tree: complete, consistent, the same every time."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from box_library import BoxLibrary

from ros_anomaly.bags.reader import BagReader
from ros_anomaly.cli import record_streets, recorded_drive
from ros_anomaly.data.labels import ANOMALY_ID
from ros_anomaly.messages.images import (
    class_ids_from_image,
    instance_ids_from_image,
    plane_from_image,
    rgb_from_message,
)
from ros_anomaly_sim.bridge import topics
from ros_anomaly_sim.render.context import MissingEglError, RenderContext

FRAMES = 3
OPTIONS = ["--town", "1005", "--frames", str(FRAMES), "--rate", "5", "--size", "160x90", "--weather", "fog"]


@pytest.fixture(scope="module")
def boxes():
    library = BoxLibrary()
    try:
        RenderContext().close()
    except MissingEglError as error:
        pytest.skip(str(error))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorded_drive, "library", lambda: library)
        yield


@pytest.fixture(scope="module")
def recorded(boxes, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    arguments = ["--bag", str(folder / "drive"), "--tree", str(folder / "tree"), "--depth", *OPTIONS]
    assert record_streets.main(arguments) == 0
    return folder


def picture(path: Path, flags: int = cv2.IMREAD_COLOR) -> np.ndarray:
    """Pixels of a picture that is there, as OpenCV has them: BGR, or grey."""
    pixels = cv2.imread(str(path), flags)
    assert pixels is not None, path
    return pixels


def decoded(bag: Path) -> dict[str, list]:
    with BagReader(bag) as reader:
        found: dict[str, list] = {name: [] for name in reader.topics}
        for message in reader.messages(list(reader.topics)):
            found[message.topic].append((message.recorded_ns, message.decoded()))
        assert reader.problems == []
    return found


def test_the_bag_has_the_topics_of_a_street(recorded: Path):
    found = decoded(recorded / "drive")
    assert set(found) == {
        *(topics.CLOCK, topics.IMAGE, topics.CAMERA_INFO, topics.ODOMETRY),
        *(topics.CLASS_IDS, topics.INSTANCE_IDS, topics.DEPTH),
    }
    for topic, messages in found.items():
        assert [time_ns for time_ns, _ in messages] == [10**10 + i * 2 * 10**8 for i in range(FRAMES)], topic
    (_, image), (_, ids), (_, instances) = (found[t][0] for t in (topics.IMAGE, topics.CLASS_IDS, topics.INSTANCE_IDS))
    assert rgb_from_message(image).shape == (90, 160, 3)
    assert class_ids_from_image(ids).shape == instance_ids_from_image(instances).shape == (90, 160)
    depth_m = plane_from_image(found[topics.DEPTH][0][1], "32FC1")
    assert 1 < depth_m[-1, 80] < 5 and np.isinf(depth_m).any()  # the road ahead, and the sky
    x = [message.pose.pose.position.x for _, message in found[topics.ODOMETRY]]
    y = [message.pose.pose.position.y for _, message in found[topics.ODOMETRY]]
    assert 0.5 < np.hypot(x[1] - x[0], y[1] - y[0]) < 3.5  # metres in 0.2 s
    assert found[topics.CAMERA_INFO][0][1].k[0] == pytest.approx(80.0)  # 90 degrees over 160 pixels


def test_bag_and_tree_hold_the_same_frames(recorded: Path):
    found = decoded(recorded / "drive")
    for index in range(FRAMES):
        name = f"validation/town1005_fog/{index:06d}.png"
        image = picture(recorded / "tree/train/images" / name)[..., ::-1]
        ids = picture(recorded / "tree/train/annotations" / name, cv2.IMREAD_UNCHANGED) - np.uint8(1)
        assert np.array_equal(image, rgb_from_message(found[topics.IMAGE][index][1]))
        assert np.array_equal(ids, class_ids_from_image(found[topics.CLASS_IDS][index][1]))
    assert len(json.loads((recorded / "tree/train/validation.odgt").read_text())) == FRAMES


def test_the_same_options_make_the_same_bag(recorded: Path, boxes, tmp_path: Path, capsys):
    assert record_streets.main(["--bag", str(tmp_path / "drive"), "--depth", "--json", *OPTIONS]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["frames"], figures["split"]) == (FRAMES, "validation") and figures["bag_bytes"] > 0
    for name in ("drive.mcap", "metadata.yaml"):
        assert (tmp_path / "drive" / name).read_bytes() == (recorded / "drive" / name).read_bytes()
    assert "fog" in (tmp_path / "drive/metadata.yaml").read_text()


def test_another_seed_changes_the_noise_and_nothing_else(recorded: Path, boxes, tmp_path: Path):
    assert record_streets.main(["--bag", str(tmp_path / "drive"), "--seed", "1", *OPTIONS]) == 0
    first, other = decoded(recorded / "drive"), decoded(tmp_path / "drive")
    image, noisy = (rgb_from_message(found[topics.IMAGE][0][1]).astype(int) for found in (first, other))
    assert 0 < np.abs(image - noisy).mean() < 10
    assert np.array_equal(first[topics.CLASS_IDS][0][1].data, other[topics.CLASS_IDS][0][1].data)


def test_jpeg_without_anomalies(boxes, tmp_path: Path, capsys):
    arguments = ["--bag", str(tmp_path / "d"), "--jpeg", "80", "--no-anomalies", "--storage", "sqlite3", "--json"]
    assert record_streets.main([*arguments, *OPTIONS]) == 0
    assert json.loads(capsys.readouterr().out)["anomalies"] == 0
    found = decoded(tmp_path / "d")
    assert topics.IMAGE not in found and len(found[topics.COMPRESSED_IMAGE]) == FRAMES
    assert not any((class_ids_from_image(m) == ANOMALY_ID).any() for _, m in found[topics.CLASS_IDS])


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        ([], 2, "--bag, --tree or both"),
        (["--tree", "t", "--depth"], 2, "expected --bag"),
        (["--bag", "b", "--town", "1500"], 1, "1000-1099 validation"),
        (["--bag", "b", "--frames", "100000"], 1, "duration_s"),
    ],
)
def test_bad_arguments_are_one_line(boxes, tmp_path, monkeypatch, capsys, arguments, status, told):
    monkeypatch.chdir(tmp_path)
    assert record_streets.main(arguments) == status
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("ros-anomaly-record-streets: error: ") and told in line
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_overwritten(recorded: Path, boxes, capsys):
    before = (recorded / "drive/drive.mcap").read_bytes()
    assert record_streets.main(["--bag", str(recorded / "drive"), *OPTIONS]) == 1
    assert "expected a path that is free" in capsys.readouterr().err
    assert (recorded / "drive/drive.mcap").read_bytes() == before
