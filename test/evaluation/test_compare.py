"""Two detectors over one drive: what changed is found, and nothing else."""

from __future__ import annotations

import csv
import json

import pytest
import yaml
from drive_bags import IMAGE, LABELS, Drive, write_bag
from toy_engine import make_toy_engine

from ros_anomaly.cli import evaluate_bag


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    drive = Drive(frames=16, anomalous=(5, 6, 7, 8), labelled=True)
    return write_bag(tmp_path_factory.mktemp("bags") / "drive", drive.records)


@pytest.fixture(scope="module")
def engines(tmp_path_factory):
    """Two engines that differ in their threshold alone: nothing scores above 1."""
    folder = tmp_path_factory.mktemp("engines")
    return make_toy_engine(folder, name="sharp"), make_toy_engine(folder, name="deaf", threshold=2.0)


@pytest.fixture
def compare(bag, tmp_path, capsys):
    def compare(*arguments):
        words = [str(one) for one in (bag, "--image-topic", IMAGE, *arguments)]
        status = evaluate_bag.main([*words, "--out", str(tmp_path / "out"), "--threads", "1", "--no-bag", "--json"])
        captured = capsys.readouterr()
        return status, json.loads(captured.out) if captured.out else captured.err

    return compare


def test_an_engine_against_itself_changes_nothing(compare, engines, tmp_path):
    status, found = compare("--compare", engines[0], engines[0], "--no-report")
    assert status == 0 and found["frames"] == 16
    assert found["frames_changed"] == found["levels_changed"] == found["flags_changed"] == 0
    assert found["flagged_pixels"] == {"both": 4 * 640, "only_a": 0, "only_b": 0}
    assert found["largest_score_change"] == 0.0 and found["engine"] == found["settings"] == {}
    assert (tmp_path / "out" / "changes.csv").read_text().count("\n") == 1


def test_two_engines_frame_by_frame(compare, engines, tmp_path):
    labelled = ("--label-topic", LABELS, "--label-format", "class-ids")
    status, found = compare("--compare", *engines, *labelled)
    assert status == 0 and found["threshold"] == [0.5, 2.0] and found["engine"]["name"] == ["sharp", "deaf"]
    # Anomalous in 5 to 8: CAUTION, then HAZARD in 6 to 12, where B is CLEAR.
    assert found["levels_changed"] == found["frames_changed"] == 8 and found["flags_changed"] == 7
    assert found["levels"] == {
        "clear": {"clear": 6}, "caution": {"clear": 1}, "hazard": {"clear": 7}, "unknown": {"unknown": 2},
    }  # fmt: skip
    assert found["flagged_pixels"] == {"both": 0, "only_a": 4 * 640, "only_b": 0}
    assert found["largest_score_change"] == 0.0, "the scores are the same"
    camera = found["cameras"][0]
    assert (camera["hazards"]["a"], camera["hazards"]["b"]) == (1, 0)
    assert len(camera["hazards"]["only_a"]) == 1 and camera["hazards"]["only_b"] == []
    assert camera["labels"]["recall"] == [1.0, 0.0] and camera["labels"]["ap"][0] == camera["labels"]["ap"][1]
    rows = list(csv.DictReader((tmp_path / "out" / "changes.csv").read_text().splitlines()))
    assert [int(row["frame"]) for row in rows] == list(range(5, 13))
    assert [row["only_a_px"] for row in rows] == ["640"] * 4 + ["0"] * 4
    assert {(row["level_a"], row["level_b"]) for row in rows[1:]} == {("hazard", "clear")}
    page = (tmp_path / "out" / "report.html").read_text()
    assert "The hazard flag changed on 7 of 16 images." in page
    for side, hazards in (("a", 1), ("b", 0)):
        result = json.loads((tmp_path / "out" / side / "result.json").read_text())
        assert result["cameras"][0]["hazards"]["events"] == hazards


def test_two_parameter_files(compare, engines, tmp_path):
    for name, hits in (("quick", 1), ("slow", 3)):
        parameters = {"engine": str(engines[0]), "confirm.hits": hits}
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({"/**": {"ros__parameters": parameters}}))
    status, found = compare("--compare", tmp_path / "quick.yaml", tmp_path / "slow.yaml", "--no-report")
    assert status == 0 and found["settings"] == {"confirm.hits": [1, 3]} and found["engine"] == {}
    assert found["levels_changed"] == 2 and found["flagged_pixels"]["only_a"] == 0
    assert found["cameras"][0]["hazards"] == {"a": 1, "b": 1, "only_a": [], "only_b": []}


def test_an_engine_that_is_not_there_is_told(compare, engines):
    status, said = compare("--compare", engines[0], "no_such_engine")
    assert status == 1 and "no_such_engine" in said
