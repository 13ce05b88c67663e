"""The frame store: what goes in comes out, and a broken writer or shard never passes for a good one."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ros_anomaly.data.frame_store import FrameStore, FrameStoreError, FrameStoreWriter
from ros_anomaly.data.frames import Frame

SIZE = (12, 20)


def make_frames(count: int, seed: int = 0, instances: bool = False) -> list[Frame]:
    rng = np.random.default_rng(seed)
    return [
        Frame(
            name=f"frame_{seed}_{i}",
            image=rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8),
            class_ids=rng.integers(0, 14, SIZE, dtype=np.uint8),
            instance_ids=rng.integers(0, 9, SIZE, dtype=np.uint16) if instances else None,
            info={"weather": "fog", "number": i},
        )
        for i in range(count)
    ]


@pytest.mark.parametrize("instances", [False, True])
def test_round_trip_over_shards(tmp_path, instances):
    frames = make_frames(5, instances=instances)
    writer = FrameStoreWriter(tmp_path, SIZE)
    # Written out of order: reading follows the names.
    assert writer.write_shard("b", iter(frames[3:])) == 2
    assert writer.write_shard("a", iter(frames[:3])) == 3
    store = FrameStore(tmp_path)
    assert len(store) == 5
    for found, expected in zip(store, frames, strict=True):
        assert found.name == expected.name
        assert found.info == expected.info
        np.testing.assert_array_equal(found.image, expected.image)
        np.testing.assert_array_equal(found.class_ids, expected.class_ids)
        if instances:
            np.testing.assert_array_equal(found.instance_ids, expected.instance_ids)
            assert found.instance_ids.dtype == np.uint16
        else:
            assert found.instance_ids is None
    image, class_ids = store.arrays(4)
    np.testing.assert_array_equal(image, frames[4].image)
    np.testing.assert_array_equal(class_ids, frames[4].class_ids)
    assert store.info(4)["number"] == 4
    with pytest.raises(IndexError, match="frame 5"):
        store[5]


def test_interrupted_shard_is_not_seen_and_can_be_written_again(tmp_path):
    writer = FrameStoreWriter(tmp_path, SIZE)
    frames = make_frames(3)

    def broken():
        yield frames[0]
        raise RuntimeError("the renderer died")

    with pytest.raises(RuntimeError, match="renderer died"):
        writer.write_shard("a", broken())
    # A process that was killed leaves its partial folder behind.
    (tmp_path / "a.partial").mkdir()
    (tmp_path / "a.partial" / "images.npy").write_bytes(b"half")
    assert not writer.has_shard("a")
    assert len(FrameStore(tmp_path)) == 0
    assert writer.write_shard("a", frames) == 3
    assert writer.has_shard("a")
    assert len(FrameStore(tmp_path)) == 3


def test_complete_shard_is_left_alone(tmp_path):
    writer = FrameStoreWriter(tmp_path, SIZE)
    writer.write_shard("a", make_frames(2))

    def never():
        raise AssertionError("a complete shard must not be rendered again")
        yield

    assert writer.write_shard("a", never()) == 2


@pytest.mark.parametrize("name", ["images.npy", "class_ids.npy"])
def test_truncated_array_is_an_error_that_names_the_file(tmp_path, name):
    FrameStoreWriter(tmp_path, SIZE).write_shard("a", make_frames(3))
    path = tmp_path / "a" / name
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(FrameStoreError, match=name):
        FrameStore(tmp_path)


def test_lines_and_description_must_agree(tmp_path):
    FrameStoreWriter(tmp_path, SIZE).write_shard("a", make_frames(3))
    lines = tmp_path / "a" / "frames.jsonl"
    lines.write_text(lines.read_text().splitlines()[0] + "\n")
    with pytest.raises(FrameStoreError, match="expected 3 lines, found 1"):
        FrameStore(tmp_path)


def test_wrong_frames_sizes_and_folders(tmp_path):
    writer = FrameStoreWriter(tmp_path / "store", SIZE)
    with pytest.raises(FrameStoreError, match=r"expected a store|expected frames of \(8, 8\)"):
        FrameStoreWriter(tmp_path / "store", (8, 8))
    bad = Frame("bad", np.zeros((3, 4, 3), np.uint8), np.zeros((3, 4), np.uint8))
    with pytest.raises(FrameStoreError, match=r"\(12, 20, 3\)"):
        writer.write_shard("a", [bad])
    with pytest.raises(FrameStoreError, match="at least one frame"):
        writer.write_shard("a", [])
    with pytest.raises(FrameStoreError, match="shard name"):
        writer.write_shard("../a", make_frames(1))
    with pytest.raises(FrameStoreError, match="found none"):
        FrameStore(tmp_path / "nothing")
    (tmp_path / "store" / "store.json").write_text(json.dumps({"format": 99, "height": 12, "width": 20}))
    with pytest.raises(FrameStoreError, match="expected format 1, found 99"):
        FrameStore(tmp_path / "store")
