"""The evaluate executable: its JSON, its table, its folder, its line for the log of test runs, its errors."""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from oracle_engine import SIZE, OracleEngine, source, street
from toy_engine import make_toy_engine, make_toy_raw_engine

from ros_anomaly.cli import (
    evaluate,
    evaluate_engines,
    evaluate_log,
    evaluate_output,
    evaluate_runs,
    evaluate_sources,
    raw_engine,
)
from ros_anomaly.evaluation.labelled.source import EvaluationSource
from ros_anomaly.evaluation.recall import NearRule
from ros_anomaly.hazard.ground import GroundProjection
from ros_anomaly.runtime.threshold import Threshold


@pytest.fixture
def oracle(tmp_path, monkeypatch):
    """Engines "default" and "other", and frames, of which all figures are known; ``asked`` lists what was opened."""
    engines = tmp_path / "engines"
    engines.mkdir()
    for name in ("default", "other"):
        make_toy_raw_engine(engines, name=name)
    monkeypatch.setenv("ROS_ANOMALY_ENGINES", str(engines))
    rig = SimpleNamespace(asked=[], engines=[], fails_at=0, blind=("other",))

    def open_raw(name, threads, backend):
        engine = OracleEngine(blind=name in rig.blind, noise=0.5, fails_at=rig.fails_at)
        engine.manifest = evaluate_engines_manifest(name)
        rig.engines.append(engine)
        return engine

    def open_street(split, count):
        rig.asked.append((split, count))
        frames = [street(f"f{i}", ((20, 32, 10, 20, 12.0),), weather="dusk") for i in range(3)]
        return EvaluationSource(evaluate.PROTOCOLS[split], frames, "fingerprint", source().label_kind)

    monkeypatch.setattr(evaluate_engines, "open_raw_engine", open_raw)
    monkeypatch.setattr(evaluate_sources, "open_street", open_street)
    return rig


def evaluate_engines_manifest(name: str):
    from ros_anomaly.runtime.locate import manifest_path
    from ros_anomaly.runtime.manifest import load_manifest

    return load_manifest(manifest_path(name))


def test_json_has_the_keys_of_the_protocol_and_stands_alone(oracle, capsys):
    assert evaluate.main(["--street", "test", "--frames", "3", "--scores", "uno,unc", "--json"]) == 0
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert set(result) == {"protocol", "frames", "miou", "scores", "ap_gains"}
    assert result["ap_gains"] == {"uno": {"unc": {"ap": 0.0, "ci": [0.0, 0.0]}}}
    assert (result["protocol"], result["frames"], result["miou"]) == ("street-test-1", 3, 1.0)
    assert list(result["scores"]) == ["uno", "unc"]
    assert set(result["scores"]["uno"]) == {"ap", "auroc", "fpr95", "ap_ci", "road"}
    assert result["scores"]["uno"]["ap"] == 1.0 and result["scores"]["uno"]["ap_ci"] == [1.0, 1.0]
    assert set(result["scores"]["uno"]["road"]) == {"ap", "auroc", "fpr95", "ap_ci"}
    assert "| `ros-anomaly-evaluate --street test --frames 3" in err
    assert oracle.asked == [("test", 3)] and oracle.engines[0].closed


def test_several_engines_stand_under_their_names(oracle, capsys):
    assert evaluate.main(["--engine", "default", "other", "--scores", "uno", "--json"]) == 0
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert set(result) == {"protocol", "frames", "engines"} and list(result["engines"]) == ["default", "other"]
    aps = [engine["scores"]["uno"]["ap"] for engine in result["engines"].values()]
    assert aps[0] == 1.0 > 0.5 > aps[1]
    assert "validation, engine other: 3 frames" in err
    assert all(engine.closed for engine in oracle.engines)


def test_table_without_json_and_no_log_line_on_validation(oracle, capsys):
    assert evaluate.main(["--scores", "uno"]) == 0
    out, err = capsys.readouterr()
    assert "validation: 3 frames, 3 of them with anomalies; mIoU 100.0 %" in out
    assert "10-20 m           AP 100.0" in out and "dusk              AP 100.0" in out
    assert "test_log" not in err and oracle.asked[-1] == ("validation", None)


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_folder_holds_figures_curves_frames_pictures_report_and_times_apart(oracle, tmp_path, capsys):
    out = tmp_path / "out"
    assert evaluate.main(["--scores", "uno,msp", "--out", str(out), "--worst", "2"]) == 0
    names = set(files(out))
    assert {"result.json", "curves.json", "frames.csv", "report.html", "timings.json"} <= names
    assert {"pictures/default/miss_01_f0.jpg", "pictures/default/false_flag_02_f1.jpg"} <= names
    assert len(names) == 5 + 4  # nothing unfinished is left
    result = json.loads((out / "result.json").read_text())
    engine = result["engines"]["default"]
    assert engine["iou"]["road"] == 1.0 and engine["iou"]["car"] is None
    assert engine["scores"]["uno"]["by_distance"]["10-20 m"]["anomalous_px"] == 3 * 120
    assert engine["scores"]["uno"]["by_size"]["100-399 px"]["anomalous_px"] == 3 * 120
    assert [frame["name"] for frame in engine["misses"]] == ["f0", "f1"]
    assert not any("_ms" in key or "second" in key for key in json.dumps(result).split('"'))
    curve = json.loads((out / "curves.json").read_text())["default"]["msp"]
    assert len(curve["recall"]) == len(curve["fpr"]) == len(curve["threshold"]) > 2
    with (out / "frames.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert [(row["frame"], row["anomalous_px"], row["ap_uno"]) for row in rows][0] == ("f0", "120", "1")
    times = json.loads((out / "timings.json").read_text())
    assert times["engines"]["default"]["engine"]["frames"] == 3
    assert "ros-anomaly-evaluate --street validation --scores uno,msp" in (out / "report.html").read_text()


def test_the_same_run_gives_the_same_bytes_but_for_times(oracle, tmp_path, capsys):
    folders = [tmp_path / "one", tmp_path / "other"]
    for out in folders:
        assert evaluate.main(["--scores", "uno,msp", "--engine", "default", "other", "--out", str(out)]) == 0
    one, other = (files(out) for out in folders)
    changing = {"timings.json", "report.html"}
    assert set(one) == set(other)
    assert {name for name in one if one[name] != other[name]} <= changing


def test_an_interrupted_run_goes_on_where_it_stopped(oracle, tmp_path, capsys):
    arguments = ["--scores", "uno,msp", "--save-every", "2", "--out"]
    assert evaluate.main([*arguments, str(tmp_path / "whole")]) == 0
    oracle.fails_at = 3
    assert evaluate.main([*arguments, str(tmp_path / "broken")]) == 130
    assert (tmp_path / "broken" / "unfinished").is_dir() and not (tmp_path / "broken" / "result.json").exists()
    oracle.fails_at = 0
    capsys.readouterr()
    assert evaluate.main([*arguments, str(tmp_path / "broken")]) == 0
    assert "2/3 frames were done before" in capsys.readouterr().err
    assert oracle.engines[-1].calls == 1
    whole, broken = files(tmp_path / "whole"), files(tmp_path / "broken")
    for name in ("result.json", "curves.json", "frames.csv"):
        assert whole[name] == broken[name]


def test_other_scores_or_fresh_begin_anew(oracle, tmp_path, capsys):
    out = str(tmp_path / "out")
    for again in (["--scores", "unc"], ["--scores", "uno", "--fresh"]):
        oracle.fails_at = 3
        assert evaluate.main(["--scores", "uno", "--save-every", "1", "--out", out]) == 130
        oracle.fails_at = 0
        assert evaluate.main([*again, "--save-every", "1", "--out", out]) == 0
        assert oracle.engines[-1].calls == 3


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "pictures").mkdir()
    with pytest.raises(evaluate.common.CliError, match="found other files"):
        evaluate_output.claim(tmp_path, fresh=True)
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


def anomaly_folder(folder: Path) -> Path:
    """Two pictures with a magenta square each, which the toy engine finds, and masks of it."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for i in range(2):
        image, mask = np.full((72, 128, 3), 127, np.uint8), np.zeros((72, 128), np.uint8)
        image[20:44, 40:72] = (255, 0, 255)
        mask[20:44, 40:72] = 1
        cv2.imwrite(str(folder / "images" / f"p{i}.png"), image)
        cv2.imwrite(str(folder / "masks" / f"p{i}.png"), mask)
    return folder


def test_a_dataset_by_a_convention_with_an_engine_as_deployed(tmp_path, capsys):
    engine = make_toy_engine(tmp_path)
    folder = anomaly_folder(tmp_path / "data")
    arguments = ["--dataset", "folder", "--folder", str(folder), "--label-format", "anomaly-mask"]
    arguments += ["--convention", "smiyc-obstacle", "--engine", str(engine), "--json", "--out", str(tmp_path / "out")]
    assert evaluate.main(arguments) == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result) == {"dataset", "split", "convention", "frames", "miou", "scores"}
    assert (result["dataset"], result["convention"], result["frames"]) == ("folder", "smiyc-obstacle", 2)
    assert result["miou"] is None and list(result["scores"]) == ["uno"]
    score = result["scores"]["uno"]
    assert set(score) == {"ap", "auroc", "fpr95", "ap_ci", "best_f1", "threshold", "siou", "ppv", "f1_star"}
    assert score["ap"] > 0.95 and score["siou"] > 0.8 and score["f1_star"] > 0.9
    stored = json.loads((tmp_path / "out" / "result.json").read_text())
    assert stored["engines"]["toy"]["kind"] == "fused" and stored["published"] == []


def test_log_is_begun_and_appended_to(oracle, tmp_path, capsys):
    log = tmp_path / "test_log.md"
    for _ in range(2):
        assert evaluate.main(["--street", "test", "--scores", "uno", "--log", str(log)]) == 0
    lines = log.read_text().splitlines()
    assert lines[0].startswith("# ") and sum(line.startswith("| date ") for line in lines) == 1
    assert [line.count("uno 1.0000 / 1.0000 / 0.0000") for line in lines[-2:]] == [1, 1]
    assert lines[-1].count("|") == 7


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scores", "uno,nonsense"], "nonsense"),
        (["--scores", "sml"], "--fit"),
        (["--scores", "sml", "--fit", "nonsense"], "NAME[/SPLIT]:FOLDER"),
        (["--scores", "sml", "--fit", "validation", "--frames", "2"], "expected other frames than those evaluated"),
        (["--frames", "0"], "at least 1"),
        (["--street", "training"], "invalid choice"),
        (["--log", "log.md"], "only runs of --street test"),
        (["--street", "test", "--log", "."], "expected a file"),
        (["--engine", "default", "default"], "every engine once"),
        (["--engine", "absent"], "absent.json"),
        (["--folder", "."], "--folder: expected with --dataset"),
        (["--dataset", "folder"], "--folder"),
        (["--dataset", "nonsense", "--folder", "."], "streethazards"),
        (["--dataset", "folder", "--folder", ".", "--convention", "nonsense"], "smiyc-anomaly"),
        (["--dataset", "folder", "--folder", ".", "--label-format", "guess"], "invalid choice"),
        (["--deployed"], "expected a fused engine"),
        (["--fresh"], "--out"),
        (["--corrupt", "snow"], "expected all, NAME, NAME@SEVERITY or NAME:AMOUNT"),
        (["--corrupt", "jpeg:0"], "a quality from 1 to 100"),
    ],
)
def test_bad_arguments_are_one_line(oracle, capsys, arguments, said):
    try:
        status = evaluate.main(arguments)
    except SystemExit as stopped:
        status = stopped.code
    err = capsys.readouterr().err
    assert status != 0 and said in err and len(err.strip().splitlines()) == 1


def test_a_fused_engine_without_weights_gives_no_other_score(tmp_path, capsys):
    folder = anomaly_folder(tmp_path / "data")
    arguments = ["--dataset", "folder", "--folder", str(folder), "--label-format", "anomaly-mask"]
    assert evaluate.main([*arguments, "--engine", str(make_toy_engine(tmp_path)), "--scores", "msp"]) == 1
    assert "expected --scores uno or none, found msp" in capsys.readouterr().err
    assert evaluate.main([*arguments, "--engine", str(tmp_path / "toy.json"), "--aggregation", "exact"]) == 1
    assert "expected --aggregation masks or none, found exact" in capsys.readouterr().err


def test_engines_of_one_name_are_told_apart():
    assert evaluate_engines.unique_labels([("a", "1" * 64), ("b", "2" * 64)]) == ["a", "b"]
    assert evaluate_engines.unique_labels([("a", "1" * 64), ("a", "2" * 64)]) == ["a 11111111", "a 22222222"]


def test_log_of_test_runs_in_the_repository_has_the_heading_that_the_command_writes():
    log = Path(evaluate.__file__).parents[2] / "docs" / "test_log.md"
    assert log.read_text(encoding="utf-8").startswith(evaluate_log.HEADER)


@pytest.mark.parametrize(
    ("argv", "logged"),
    [
        (["--street", "test"], "ros-anomaly-evaluate --street test"),
        (["--street", "test", "--json", "--log", "a/log.md", "--out", "b"], "ros-anomaly-evaluate --street test"),
        (["--street", "test", "--frames", "40", "--scores", "uno"], "--street test --frames 40 --scores uno"),
        (["--street", "test", "--engine", "/one/machine/mine.json"], "--street test --engine mine.json"),
        (["--scores", "sml", "--fit", "cityscapes:/one/machine/city"], "--scores sml --fit cityscapes:city"),
        (["--split", "v2", "--images", sys.prefix], f"--split v2 --images {Path(sys.prefix).name}"),
        (["--allow-missing", "--deployed"], "--allow-missing --deployed"),
        (["--corrupt", "jpeg:40", "blur:2", "--corrupt-seed", "3"], "--corrupt-seed 3 --corrupt jpeg:40 blur:2"),
        (
            ["--dataset", "road-anomaly", "--folder", str(Path(sys.prefix)), "--deployed"],
            f"ros-anomaly-evaluate --dataset road-anomaly --folder {Path(sys.prefix).name} --deployed",
        ),
    ],
)
def test_the_logged_command_says_what_decided_the_figures_and_no_path_of_the_machine(argv, logged):
    args = evaluate.build_parser().parse_args(argv)
    assert evaluate_log.command_of(args, args.engine[0]).endswith(logged)


def test_frames_of_a_source_are_spread_evenly():
    from ros_anomaly.evaluation.labelled.source import EvenlyChosen

    frames = [street(str(i)) for i in range(10)]
    assert [EvenlyChosen(frames, 4)[i].name for i in range(4)] == ["0", "2", "5", "7"]
    with pytest.raises(ValueError, match="expected 1..10, found 11"):
        EvenlyChosen(frames, 11)
    assert SIZE == frames[0].class_ids.shape


def test_corruptions_stand_beside_the_pictures_as_they_are(oracle, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = ["--scores", "uno", "--corrupt", "jpeg:5", "brightness:1", "jpeg:5", "--json", "--out", str(out)]
    assert evaluate.main(arguments) == 0
    printed, err = capsys.readouterr()
    result = json.loads(printed)
    assert list(result["corruptions"]) == ["jpeg:5", "brightness:1"] and oracle.engines[0].calls == 9
    jpeg, same = result["corruptions"].values()
    assert (jpeg["corruption"], jpeg["amount"], jpeg["severity"]) == ("jpeg", 5.0, None)
    assert jpeg["scores"]["uno"]["ap"] < 1.0  # an oracle that reads labels from pixels
    assert jpeg["scores"]["uno"]["difference"]["ap"] == pytest.approx(jpeg["scores"]["uno"]["ap"] - 1.0)
    assert jpeg["miou_difference"] == pytest.approx(jpeg["miou"] - 1.0) and jpeg["miou"] < 1.0
    assert same["scores"]["uno"]["ap"] == 1.0 and same["miou_difference"] == 0.0
    assert "  clean            100.0" in err and "  brightness:1     100.0  (+0.0)" in err
    page = (out / "report.html").read_text()
    assert "uno on corrupted pictures" in page and "--corrupt jpeg:5 brightness:1" in page
    assert json.loads((out / "result.json").read_text())["engines"]["default"]["corruptions"] == result["corruptions"]


def test_an_interrupted_run_goes_on_among_the_corruptions(oracle, tmp_path, capsys):
    arguments = ["--scores", "uno", "--save-every", "2", "--corrupt", "noise:3", "blur:1", "--out"]
    assert evaluate.main([*arguments, str(tmp_path / "whole")]) == 0
    oracle.fails_at = 6
    assert evaluate.main([*arguments, str(tmp_path / "broken")]) == 130
    oracle.fails_at = 0
    capsys.readouterr()
    assert evaluate.main([*arguments, str(tmp_path / "broken")]) == 0
    assert "5/9 frames were done before" in capsys.readouterr().err and oracle.engines[-1].calls == 4
    results = [(tmp_path / name / "result.json").read_bytes() for name in ("whole", "broken")]
    assert results[0] == results[1]


@pytest.fixture
def calibrated(oracle, monkeypatch):
    """The oracle, deployed with a threshold for "uno" and the usual score ``oracle.usual_score``."""
    opened = evaluate_engines.open_engine
    oracle.usual_score = None

    def open_engine(name, request):
        threshold = Threshold(0.5, "rule", "data", usual_score=oracle.usual_score)
        return replace(opened(name, request), thresholds={"uno": threshold}, own_score="uno")

    monkeypatch.setattr(evaluate_runs, "open_engine", open_engine)
    ground = GroundProjection.from_fov(SIZE, np.pi / 2)
    monkeypatch.setattr(evaluate_sources, "street_near_rule", lambda: NearRule(ground))
    aside, ahead = (20, 32, 10, 20, 12.0), (20, 32, 28, 36, 12.0)
    frames = [street(f"f{i}", (aside, ahead)) for i in range(3)]
    one = EvaluationSource("validation", frames, "fingerprint", source().label_kind)
    monkeypatch.setattr(evaluate_sources, "open_street", lambda split, count: one)
    return oracle


@pytest.mark.parametrize(("engine", "found"), [("default", 6), ("other", 0)])
def test_objects_found_at_the_calibrated_threshold(calibrated, capsys, engine, found):
    assert evaluate.main(["--engine", engine, "--scores", "msp,uno", "--json"]) == 0
    out, err = capsys.readouterr()
    recall = json.loads(out)["object_recall"]
    assert list(recall) == ["uno"] and recall["uno"]["threshold"] == 0.5
    assert (recall["uno"]["found"], recall["uno"]["objects"], recall["uno"]["recall"]) == (found, 6, found / 6)
    assert recall["uno"]["by_distance"] == {"10-20 m": {"found": found, "objects": 6}}
    assert recall["uno"]["near"] == {"recall": found / 6, "found": found // 2, "objects": 3}
    assert f"in the corridor within 30 m: {found // 2} of 3" in err
    assert "uno by distance of the anomaly" in err  # its own score, not the first


@pytest.mark.parametrize(("usual_score", "unfamiliar"), [(-0.25, 0), (-2.0, 3)])
def test_unfamiliar_scenes_are_counted(calibrated, tmp_path, capsys, usual_score, unfamiliar):
    calibrated.usual_score = usual_score  # normal pixels of the oracle score about -1
    out = tmp_path / "out"
    arguments = ["--scores", "uno", "--corrupt", "blur:2", "--save-every", "1", "--out", str(out), "--json"]
    assert evaluate.main(arguments) == 0
    said, told = capsys.readouterr()
    result = json.loads(said)
    assert result["unfamiliar_scenes"] == {"uno": {"frames": unfamiliar, "of": 3}}
    assert result["corruptions"]["blur:2"]["scores"]["uno"]["unfamiliar_share"] == unfamiliar / 3
    assert f"which the node calls UNKNOWN: {unfamiliar} of 3" in told
    assert "UNKNOWN: share of frames" in (out / "report.html").read_text()


def test_weights_are_taken_for_the_engine_that_is_made_of_them(oracle, tmp_path, monkeypatch, capsys):
    made = make_toy_raw_engine(tmp_path / "engines", name="from_weights")
    weights = tmp_path / "network.safetensors"
    asked = []
    monkeypatch.setattr(raw_engine, "_exported", lambda *given: asked.append(given) or made)
    weights.write_bytes(b"weights")
    assert evaluate.main(["--engine", str(weights), "--scores", "uno", "--json"]) == 0
    assert asked == [(weights, hashlib.sha256(b"weights").hexdigest(), "network", (360, 640))]
    capsys.readouterr()
    assert evaluate.main(["--engine", str(tmp_path / "absent.safetensors")]) == 1
    assert "expected a weights file, found nothing" in capsys.readouterr().err
