"""The evaluate executable: its JSON, its table, its line for the log of test runs, its errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ros_anomaly.cli import evaluate, raw_engine
from ros_anomaly.data.frames import Frame
from ros_anomaly.data.labels import StreetClass
from ros_anomaly.runtime.contract import RawPrediction


class OracleEngine:
    """One query a class, read from an image that carries the labels."""

    input_size = (32, 64)
    closed = False

    def infer(self, image: np.ndarray) -> RawPrediction:
        masks = np.stack([np.where(image[..., 0] == c, 12.0, -12.0) for c in range(14)]).astype(np.float32)
        return RawPrediction((np.eye(14, 15) * 20).astype(np.float32), masks)

    def close(self) -> None:
        self.closed = True


def frames() -> list[Frame]:
    labels = np.full((32, 64), StreetClass.ROAD, np.uint8)
    ids = np.zeros((32, 64), np.uint16)
    labels[8:16, 8:16], ids[8:16, 8:16] = StreetClass.ANOMALY, 1
    info = {"anomalies": [{"instance_id": 1, "distance_m": 12.0}]}
    return [Frame(f"f{i}", np.repeat(labels[..., None], 3, 2), labels, ids, info=info) for i in range(3)]


@pytest.fixture
def engine(monkeypatch):
    made, asked = OracleEngine(), []
    monkeypatch.setattr(raw_engine, "open_raw_engine", lambda name, threads: asked.append(name) or made)
    monkeypatch.setattr(evaluate, "street_source", lambda split, count: asked.append((split, count)) or frames())
    made.asked = asked
    return made


def test_json_has_the_keys_of_the_protocol_and_stands_alone(engine, capsys):
    assert evaluate.main(["--street", "test", "--frames", "3", "--scores", "uno,unc", "--json"]) == 0
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert set(result) == {"protocol", "frames", "miou", "scores"}
    assert (result["protocol"], result["frames"], result["miou"]) == ("street-test-1", 3, 1.0)
    assert list(result["scores"]) == ["uno", "unc"]
    assert set(result["scores"]["uno"]) == {"ap", "auroc", "fpr95", "ap_ci", "road"}
    assert result["scores"]["uno"]["ap"] == 1.0 and result["scores"]["uno"]["ap_ci"] == [1.0, 1.0]
    assert set(result["scores"]["uno"]["road"]) == {"ap", "auroc", "fpr95", "ap_ci"}
    assert "| `ros-anomaly-evaluate --street test --frames 3" in err
    assert engine.asked == ["default", ("test", 3)] and engine.closed


def test_table_without_json_and_no_log_line_on_validation(engine, capsys):
    assert evaluate.main(["--scores", "uno"]) == 0
    out, err = capsys.readouterr()
    assert "validation: 3 frames, 3 of them with anomalies; mIoU 100.0 %" in out
    assert "10-20 m    AP 100.0" in out
    assert "test_log" not in err and engine.asked[-1] == ("validation", None)


def test_log_is_begun_and_appended_to(engine, tmp_path, capsys):
    log = tmp_path / "test_log.md"
    for _ in range(2):
        assert evaluate.main(["--street", "test", "--scores", "uno", "--log", str(log)]) == 0
    lines = log.read_text().splitlines()
    assert lines[0].startswith("# ") and sum(line.startswith("| date ") for line in lines) == 1
    assert [line.count("uno 1.0000 / 1.0000 / 0.0000") for line in lines[-2:]] == [1, 1]
    assert lines[-1].count("|") == 7


def test_details_hold_classes_distances_and_worst_frames(engine, tmp_path, capsys):
    path = tmp_path / "details.json"
    assert evaluate.main(["--scores", "uno", "--details", str(path)]) == 0
    details = json.loads(path.read_text())
    assert details["iou"]["road"] == 1.0 and details["iou"]["car"] is None
    assert details["scores"]["uno"]["by_distance"]["10-20 m"]["anomalous_px"] == 3 * 64
    assert [frame["name"] for frame in details["worst_frames"]] == ["f0", "f1", "f2"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scores", "uno,nonsense"], "nonsense"),
        (["--frames", "0"], "at least 1"),
        (["--street", "training"], "invalid choice"),
        (["--log", "log.md"], "only runs of --street test"),
        (["--details", "no/such/folder/details.json"], "no/such/folder"),
        (["--street", "test", "--log", "."], "expected a file"),
    ],
)
def test_bad_arguments_are_one_line(engine, capsys, arguments, said):
    try:
        status = evaluate.main(arguments)
    except SystemExit as stopped:
        status = stopped.code
    err = capsys.readouterr().err
    assert status != 0 and said in err and len(err.strip().splitlines()) == 1


def test_log_of_test_runs_in_the_repository_has_the_heading_that_the_command_writes():
    log = Path(evaluate.__file__).parents[2] / "docs" / "test_log.md"
    assert log.read_text(encoding="utf-8").startswith(evaluate._LOG_HEADER)


@pytest.mark.parametrize(
    ("argv", "logged"),
    [
        (["--street", "test"], "ros-anomaly-evaluate --street test"),
        (
            ["--street", "test", "--json", "--log", "a/log.md", "--details", "b.json"],
            "ros-anomaly-evaluate --street test",
        ),
        (["--street", "test", "--frames", "40", "--scores", "uno"], "--street test --frames 40 --scores uno"),
        (["--street", "test", "--engine", "/one/machine/mine.json"], "--street test --engine mine.json"),
    ],
)
def test_the_logged_command_says_what_decided_the_figures_and_no_path_of_the_machine(argv, logged):
    assert evaluate.logged_command(evaluate.build_parser().parse_args(argv)).endswith(logged)
