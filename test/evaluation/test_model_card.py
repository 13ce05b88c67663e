"""The model card: every figure from a file, the same for the same files, and people's own words kept."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from toy_engine import make_toy_engine

from ros_anomaly.cli import model_card
from ros_anomaly.evaluation.model_card.card import limits_of
from ros_anomaly.evaluation.model_card.training import run_stages, training_facts
from ros_anomaly.runtime.manifest import load_manifest

RANKING = {"ap": 0.8213, "auroc": 0.99, "fpr95": 0.051, "ap_ci": [0.75, 0.86]}
SCORES = {"uno": {**RANKING, "road": {**RANKING, "ap": 0.9}}, "msp": {**RANKING, "ap": 0.5, "ap_ci": None}}
RECALL = {
    "recall": 0.5,
    "found": 2,
    "objects": 4,
    "threshold": 0.5,
    "near": {"recall": 1.0, "found": 1, "objects": 1},
    "by_distance": {"0-10 m": {"found": 2, "objects": 3}, "over 40 m": {"found": 0, "objects": 1}},
}
CORRUPTED = {
    "miou": 0.7,
    "scores": {"uno": {"ap": 0.78, "difference": {"ap": -0.0413}}},
}
SUMMARY = {
    "stage": "outlier",
    "iterations": 1234,
    "elapsed_s": 3600.0,
    "data_wait_share": 0.031,
    "device": "NVIDIA H100",
    "precision": "bf16",
    "validation": {"iteration": 1200, "miou": 0.81, "iou/road": 0.99},
    "command": "ros-anomaly-train --recipe mine.yaml --out RUN --minutes 60",
}


@pytest.fixture
def files(tmp_path) -> dict[str, Path]:
    engine = make_toy_engine(tmp_path, threshold=0.5)
    threshold = load_manifest(engine).threshold
    for stage in ("closed", "outlier"):
        (tmp_path / "run" / stage).mkdir(parents=True)
    (tmp_path / "run/outlier/summary.json").write_text(json.dumps(SUMMARY))
    steps = [{"kind": "step", "iteration": i, "elapsed_s": 2.0 * i, "data_s": 0.1} for i in (1, 2, 300)]
    check = {"kind": "validation", "iteration": 300, "elapsed_s": 600.0, "miou": 0.7}
    (tmp_path / "run/closed/log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [*steps, check]))
    (tmp_path / "mine.yaml").write_text("seed: 7\ndata: {clean_frames: 2400}\n")
    own = {
        "kind": "raw",
        "miou": 0.8333,
        "iou": {"road": 0.97, "traffic_sign": None},
        "scores": SCORES,
        "object_recall": {"uno": RECALL},
        "corruptions": {"jpeg:40": CORRUPTED},
    }
    out = tmp_path / "test_out"
    out.mkdir()
    result = {"source": "street-test-1", "split": "", "frames": 600, "engines": {"toy": own}}
    (out / "result.json").write_text(json.dumps(result))
    command = "ros-anomaly-evaluate --street test --frames 600 --corrupt jpeg:40"
    machine = {"processor": "AMD EPYC", "cores": 2, "system": "Linux"}
    (out / "timings.json").write_text(json.dumps({"machine": machine, "commands": {"toy": command}}))
    printed = {"protocol": "validation", "frames": 100, "miou": 0.8, "scores": {"uno": RANKING}}
    (tmp_path / "validation.json").write_text(json.dumps(printed))
    calibration = {
        "command": "ros-anomaly-calibrate --minutes 10 --rate-hz 10",
        "threshold": threshold.value,
        "rule": "at most one",
        "data": "10 drives",
        "false_hazards": 1,
        "minutes": 10.0,
        "false_hazards_per_10_min_below": 4.744,
        "usual_score": -0.99964,
        "settings": {"region.min_area_px": 32},
        "object_recall": 0.75,
        "objects": 4,
        "object_recall_by_distance": {"0-10 m": [3, 4]},
        "object_recall_near": {"found": 2, "objects": 2},
    }
    (tmp_path / "calibration.json").write_text(json.dumps(calibration))
    spread = {"median": 61.4, "p99": 80.0}
    benchmark = {"machine": "AMD EPYC", "backend": "onnxruntime", "frames": 200, "image_size": "640x360"}
    (tmp_path / "benchmark.json").write_text(json.dumps(benchmark | {"total_ms": spread, "engine_ms": spread}))
    (tmp_path / "limits.md").write_text("## Limits\n\n- Nobody drove with it.\n")
    return {"engine": engine, "folder": tmp_path, "out": out}


def words(files: dict[str, Path], *without: str) -> list[str]:
    folder = files["folder"]
    options = {
        "--engine": [files["engine"]],
        "--run": [folder / "run"],
        "--recipe": [folder / "mine.yaml"],
        "--evaluation": [files["out"], folder / "validation.json"],
        "--calibration": [folder / "calibration.json"],
        "--benchmark": [folder / "benchmark.json"],
        "--limits": [folder / "limits.md"],
    }
    return [str(w) for name, values in options.items() if name not in without for w in (name, *values)]


def test_every_figure_stands_with_its_command(files):
    assert model_card.main(words(files)) == 0
    text = (files["folder"] / "toy.md").read_text()
    for part in (
        "# Model card: toy",
        "| **`uno`** | **82.1** | 75.0–86.0 | 99.0 | 5.1 | 90.0 | 99.0 | 5.1 |",
        "| `msp` | 50.0 | – | 99.0 | 5.1 | – | – | – |",
        "`ros-anomaly-evaluate --street test --frames 600 --corrupt jpeg:40`",
        "validation, 100 frames: `ros-anomaly-evaluate --street validation --frames 100`",
        "mIoU 83.3: road 97.0, traffic sign –.",
        "2 of 4 (2 of 3 at 0-10 m, 0 of 1 at over 40 m)",
        "1 of 1 (100.0 %)",
        "| jpeg:40 | 78.0 (-4.1) | – | 70.0 |",
        "    ros-anomaly-train --recipe mine.yaml --out RUN --minutes 60\n",
        "    ros-anomaly-export-network --weights RUN/outlier.safetensors --out toy.json --size 128x72 --score uno",
        "| closed | 300 | 10 | 0.1 | – | miou 70.0 |",
        "| outlier | 1234 | 60 | 3.1 | NVIDIA H100, bf16 | miou 81.0 |",
        "seed: 7",
        "0.5000: `ros-anomaly-calibrate --minutes 10 --rate-hz 10`",
        "- 1 false HAZARD in 10.0 minutes; the true rate is below 4.74 in 10 minutes",
        "75.0 % of 4 (3 of 4 at 0-10 m); in the corridor within 30 m with at least 60 visible pixels: 2 of 2\n",
        "- scenes: the ground of clear images scores at most -0.9996 in 99 of 100\n",
        "`region.min_area_px: 32`",
        "in 61 ms (99 %: 80 ms)",
        "\n## Limits\n\n- Nobody drove with it.\n",
    ):
        assert part in text, part
    assert "\n\n\n" not in text and text.endswith("it.\n")
    assert text.count("ros-anomaly-train") == 1


def test_written_again_it_is_the_same_and_keeps_what_people_wrote(files):
    assert model_card.main(words(files)) == 0
    path = files["folder"] / "toy.md"
    path.write_text(path.read_text().replace("- Nobody drove with it.", "- Blind at night.\n- Deaf, too."))
    before = path.read_text()
    assert model_card.main(words(files, "--limits")) == 0
    assert path.read_text() == before and "- Blind at night.\n- Deaf, too.\n" in before


def test_an_engine_of_which_little_is_known_has_a_short_card(files):
    manifest = load_manifest(files["engine"])
    replace(manifest, thresholds={}).save(files["engine"])
    left_out = ("--run", "--recipe", "--evaluation", "--calibration", "--benchmark")
    assert model_card.main(words(files, *left_out)) == 0
    text = (files["folder"] / "toy.md").read_text()
    assert "Not calibrated" in text and "## Figures" not in text and "## How it was made" not in text


def test_what_does_not_fit_is_refused(files, capsys):
    folder = files["folder"]

    def refused(expected: str, arguments: list[str]) -> None:
        assert model_card.main(arguments) != 0
        assert expected in capsys.readouterr().err
        assert not (folder / "toy.md").exists()

    refused("expected a section '## Limits' to keep, or --limits FILE", words(files, "--limits"))
    refused("--run: expected with --recipe", words(files, "--recipe"))
    refused("expected a calibration with the manifest's threshold 0.5, found None", words(files, "--calibration"))
    plain = json.loads((folder / "calibration.json").read_text())
    (folder / "calibration.json").write_text(json.dumps(plain | {"threshold": 0.4}))
    refused("threshold 0.5, found 0.4", words(files))
    (folder / "calibration.json").write_text("{}")
    refused("expected what ros-anomaly-calibrate --json prints, found no 'command'", words(files))
    (folder / "calibration.json").write_text(json.dumps(plain))
    (files["out"] / "timings.json").unlink()
    refused("expected a JSON file", words(files))


def test_runs_that_are_none_say_so(tmp_path):
    with pytest.raises(ValueError, match="closed or outlier in it, found neither"):
        run_stages(tmp_path)
    (tmp_path / "closed").mkdir()
    with pytest.raises(ValueError, match=r"summary.json or log.jsonl in it, found neither"):
        run_stages(tmp_path)
    (tmp_path / "closed/log.jsonl").write_text('{"kind": "validation", "iteration": 1}\n')
    with pytest.raises(ValueError, match="expected the summary or log of a training stage"):
        run_stages(tmp_path)
    with pytest.raises(ValueError, match="one for each of the 3 runs, found 2"):
        training_facts([tmp_path] * 3, [tmp_path] * 2)


def test_limits_end_at_the_next_heading():
    assert limits_of("# A\n\n## Limits\n\n- one\n\n### deep\n\n- two\n\n## More\n\nx\n") == "- one\n\n### deep\n\n- two"
    assert limits_of("# A\n\n## Limits \n\n") is None
    assert limits_of("# A\n\nLimits\n") is None
