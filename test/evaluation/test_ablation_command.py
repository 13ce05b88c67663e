"""The ablation executable: several networks on the same frames, as tables and JSON."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from oracle_engine import OracleEngine, source, street
from toy_engine import make_toy_raw_engine

from ros_anomaly.cli import ablation, evaluate_engines, evaluate_sources
from ros_anomaly.cli.street_kinds import SEEN, UNSEEN, FramesWithKinds
from ros_anomaly.evaluation.labelled.source import EvaluationSource
from ros_anomaly.runtime.contract import RawPrediction


class ClosedOracle(OracleEngine):
    """Without the outlier class: anomalies have no mask."""

    def infer(self, image):
        whole = super().infer(image)
        return RawPrediction(whole.class_logits[:, [*range(13), 14]], whole.mask_logits)


@pytest.fixture
def rig(tmp_path, monkeypatch):
    """Engines "closed", "good" and "other"; the first has no outlier class."""
    engines = tmp_path / "engines"
    engines.mkdir()
    for name in ("closed", "good", "other"):
        make_toy_raw_engine(engines, name=name)
    monkeypatch.setenv("ROS_ANOMALY_ENGINES", str(engines))
    rig = SimpleNamespace(engines=[], fails_at=0, seen=[])

    def open_raw(name, threads, backend):
        kind = ClosedOracle if name == "closed" else OracleEngine
        engine = kind(blind=name == "other", noise=0.5, fails_at=rig.fails_at)
        engine.manifest = SimpleNamespace(fingerprint=f"{name:<064}")
        rig.engines.append(engine)
        return engine

    def open_street(split, count, seen):
        rig.seen.append(seen)
        frames = [street(f"f{i}", ((20, 32, 10, 20, 12.0), (20, 32, 40, 50, 8.0))) for i in range(3)]
        for frame in frames:
            for entry, model in zip(frame.info["anomalies"], ("horse", "armchair"), strict=True):
                entry["model"] = model
        return EvaluationSource("validation", FramesWithKinds(frames, seen), f"f{seen}", source().label_kind)

    monkeypatch.setattr(evaluate_engines, "open_raw_engine", open_raw)
    monkeypatch.setattr(evaluate_sources, "open_street", open_street)
    monkeypatch.setattr(ablation, "_has_outlier_class", lambda path: path != "closed")
    return rig


def test_networks_stand_side_by_side(rig, tmp_path, capsys):
    arguments = ["closed set=closed", "fine-tuned=good", "blind=other", "--scores", "uno,unc,objectness,max_logit"]
    arguments += ["--aggregation", "masks", "exact", "--seen", "fine-tuned=household,shape"]
    assert ablation.main([*arguments, "--out", str(tmp_path / "out"), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures == json.loads((tmp_path / "out" / "ablation.json").read_text())
    networks = figures["networks"]
    assert list(networks) == ["closed set", "fine-tuned", "blind"] and rig.seen == [None, ("household", "shape"), None]
    masks = {label: own["aggregations"]["masks"]["scores"] for label, own in networks.items()}
    assert list(masks["closed set"]) == ["max_logit"] and list(masks["blind"])[0] == "uno"
    assert masks["fine-tuned"]["uno"]["ap"] == 1.0 > 0.5 > masks["blind"]["uno"]["ap"]
    assert {kind: own["anomalous_px"] for kind, own in masks["fine-tuned"]["uno"]["by_kind"].items()} == {
        "animal": 360,
        "household": 360,
        SEEN: 360,
        UNSEEN: 360,
    }
    text = (tmp_path / "out" / "ablation.md").read_text()
    assert "--seen fine-tuned=household,shape" in text and "6 of them" not in text
    assert "| fine-tuned | `uno` | 100.0 | 100.0–100.0 |" in text and "| blind | 100.0 | +0.0 |" in text
    for heading in ("Scores", "Known classes", "UNO against", "Correlation", "From masks", "By kind", "By distance"):
        assert f"## {heading}" in text
    rows = [line for line in text.splitlines() if line.startswith("| fine-tuned | `uno` | exact")]
    assert len(rows) == 1 and rows[0].count("|") == 9
    assert all(engine.closed for engine in rig.engines) and len(rig.engines) == 6


def test_an_interrupted_ablation_goes_on(rig, tmp_path, capsys):
    arguments = ["a=good", "b=other", "--scores", "uno", "--out", str(tmp_path / "out")]
    rig.fails_at = 3
    assert ablation.main(arguments) == 130
    rig.fails_at = 0
    assert ablation.main(arguments) == 0
    calls = [engine.calls for engine in rig.engines]
    assert ablation.main(arguments) == 0  # everything is there already
    assert [engine.calls for engine in rig.engines[len(calls) :]] == [0, 0]
    assert len((tmp_path / "out" / "ablation.md").read_text().splitlines()) > 10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["good"], "expected LABEL=FILE, found 'good'"),
        (["a=good", "a=other"], "expected every label once, found a, a"),
        (["a=good", "--seen", "b=household"], "expected LABEL=KIND,… with a LABEL of a; found 'b=household'"),
        (["a=good", "--seen", "a=dragon"], "found 'dragon'"),
        (["a=good", "--scores", "sml"], "need no statistics, found sml"),
        (["a=good", "--scores", "nonsense"], "nonsense"),
        (["a=closed", "--scores", "uno"], "a: expected a score that needs no outlier class, found uno"),
        (["a=absent"], "absent"),
    ],
)
def test_bad_arguments_are_one_line(rig, tmp_path, capsys, arguments, said):
    assert ablation.main([*arguments, "--out", str(tmp_path / "out")]) != 0
    err = capsys.readouterr().err
    assert said in err and len(err.strip().splitlines()) == 1


def test_a_folder_of_somebody_else_is_left_alone(rig, tmp_path, capsys):
    (tmp_path / "thesis.md").write_text("mine")
    assert ablation.main(["a=good", "--out", str(tmp_path)]) != 0
    assert "expected a new or empty folder" in capsys.readouterr().err
