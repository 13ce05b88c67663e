from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from box_library import BoxLibrary

from ros_anomaly.cli import common, street_frames, street_jobs
from ros_anomaly.cli.common import CliError
from ros_anomaly.cli.street_jobs import ShardJob
from ros_anomaly.data.frame_store import FrameStore, FrameStoreError
from ros_anomaly.data.labels import ANOMALY_ID
from ros_anomaly.training.recipe import DataConfig
from ros_anomaly_sim.render.camera import Camera
from ros_anomaly_sim.render.context import MissingEglError
from ros_anomaly_sim.render.renderer import StreetRenderer

SMALL = (90, 160)


@pytest.fixture
def boxes(monkeypatch: pytest.MonkeyPatch):
    """Streets of boxes at 160 x 90, rendered in this process."""
    library = BoxLibrary()
    try:
        renderer = StreetRenderer(Camera(SMALL[1], SMALL[0]), library.load)
    except MissingEglError as error:
        pytest.skip(str(error))
    monkeypatch.setattr(street_jobs, "library", lambda: library)
    monkeypatch.setattr(street_jobs, "renderer", lambda size: renderer)
    with renderer:
        yield


def test_training_frames_are_split_into_towns_of_their_own(tmp_path: Path) -> None:
    clean = street_frames._training_jobs(DataConfig(), tmp_path, "none", 90, 0)
    negatives = street_frames._training_jobs(DataConfig(), tmp_path, "negatives", 50, 500)
    assert [job.frames for job in clean] == [40, 40, 10]
    assert {job.town for job in clean}.isdisjoint(job.town for job in negatives)
    assert not any(job.sensor for job in clean + negatives)


def test_training_frames_never_take_towns_of_another_split(tmp_path: Path) -> None:
    assert street_frames._training_jobs(DataConfig(), tmp_path, "negatives", 20000, 500)[-1].town == 999
    with pytest.raises(CliError, match="'negatives': expected at most 20000, found 20001"):
        street_frames._training_jobs(DataConfig(), tmp_path, "negatives", 20001, 500)
    with pytest.raises(CliError, match="'none': expected at most 20000, found 30000"):
        street_frames._training_jobs(DataConfig(), tmp_path, "none", 30000, 0)


def test_frames_along_drives_are_clean_and_few_enough(tmp_path: Path) -> None:
    drives = street_frames._drive_jobs(DataConfig(drive_frames=50), tmp_path)
    assert [(job.protocol, job.frames) for job in drives] == [("drive", 20), ("drive", 20), ("drive", 10)]
    assert len({job.shard for job in drives}) == 3 and all(0 <= job.town < 1000 for job in drives)
    assert street_frames._drive_jobs(DataConfig(), tmp_path) == []
    with pytest.raises(CliError, match="drive_frames: expected at most 6000, found 6001"):
        street_frames._drive_jobs(DataConfig(drive_frames=6001), tmp_path)


def test_moments_of_a_drive_are_rendered_without_anomalies(tmp_path: Path, boxes: None) -> None:
    frames = list(street_jobs._frames(ShardJob(tmp_path, "drive_0700", SMALL, "drive", 700, 2, sensor=False)))
    assert [frame.name for frame in frames] == ["drive_0700_000", "drive_0700_001"]
    assert not any((frame.class_ids == ANOMALY_ID).any() for frame in frames)
    assert not np.array_equal(frames[0].image, frames[1].image)


def test_all_frames_by_number_and_without_are_one_cache_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = []
    monkeypatch.setenv("ROS_ANOMALY_CACHE", str(tmp_path))
    monkeypatch.setattr(street_frames, "render_shards", lambda jobs, workers, label: folders.append(jobs[0].folder))
    for frames in (None, 600, 20):
        with pytest.raises(FrameStoreError):  # nothing was rendered
            street_frames.street_source("test", frames)
    assert folders[0] == folders[1] != folders[2]


def test_missing_models_are_one_line_that_names_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROS_ANOMALY_CACHE", str(tmp_path))
    monkeypatch.setenv("SWEETHOME3D_FURNITURE", str(tmp_path))
    parser = common.ArgumentParser(prog="any")
    assert common.run(parser, lambda args: street_frames.street_source("test", 20), []) == 1
    said = capsys.readouterr().err.strip()
    assert "apt-get install sweethome3d-furniture" in said and len(said.splitlines()) == 1


def test_protocol_frames_cover_every_town(tmp_path: Path) -> None:
    jobs = street_frames._protocol_jobs(tmp_path, "street-test-1", 50, SMALL, sensor=True)
    assert sum(job.frames for job in jobs) == 50
    assert {job.town for job in jobs} == set(range(2000, 2020))
    assert all(job.sensor and job.instances for job in jobs)


def test_a_folder_of_another_configuration_is_refused(tmp_path: Path) -> None:
    street_frames._claim(tmp_path, DataConfig(seed=1))
    street_frames._claim(tmp_path, DataConfig(seed=1))
    with pytest.raises(CliError, match="expected frames of .* found frames of .*choose another folder"):
        street_frames._claim(tmp_path, DataConfig(seed=2))


def test_an_unknown_split_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CliError, match="test, validation, found 'train'"):
        street_frames.street_source("train")


def test_the_fingerprint_follows_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ros_anomaly_sim

    (tmp_path / "street").mkdir()
    (tmp_path / "render").mkdir()
    source = tmp_path / "street" / "town.py"
    source.write_text("a = 1\n")
    monkeypatch.setattr(ros_anomaly_sim, "__file__", str(tmp_path / "__init__.py"))
    before = street_frames.simulator_fingerprint()
    assert street_frames.simulator_fingerprint() == before
    source.write_text("a = 2\n")
    assert street_frames.simulator_fingerprint() != before


def test_a_rendered_shard_holds_what_was_asked_for(tmp_path: Path, boxes: None) -> None:
    job = ShardJob(tmp_path, "town_0500", SMALL, "training", 500, 3, "negatives", seed=4, sensor=False)
    assert street_jobs._render_shard(job) == 3
    frames = list(FrameStore(tmp_path))
    assert [frame.image.shape for frame in frames] == [(*SMALL, 3)] * 3
    assert any((frame.class_ids == ANOMALY_ID).any() for frame in frames)
    assert all(frame.instance_ids is None for frame in frames)


def test_sensor_noise_is_the_frames_own_and_repeats(tmp_path: Path, boxes: None) -> None:
    def rendered(folder: str, sensor: bool) -> np.ndarray:
        job = ShardJob(tmp_path / folder, "town", SMALL, "validation", 1000, 1, sensor=sensor, instances=True)
        street_jobs._render_shard(job)
        return FrameStore(tmp_path / folder)[0].image

    first, second, ideal = rendered("a", True), rendered("b", True), rendered("c", False)
    np.testing.assert_array_equal(first, second)
    assert (first != ideal).mean() > 0.2
