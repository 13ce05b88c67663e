"""Engines held to a reference: what agrees, differs, refuses or is absent, and what a machine is told of it."""

from __future__ import annotations

import argparse
import json

import numpy as np
import pytest
import toy_engine

from ros_anomaly.benchmark.contender import ContenderSpec
from ros_anomaly.benchmark.parity import ParityCase, Verdict, hold_to_reference
from ros_anomaly.benchmark.parity_contender import ParityContender, make_parity, save_reference
from ros_anomaly.cli.benchmark_subjects import parity as subject
from ros_anomaly.network.parity import BOUNDS
from ros_anomaly.runtime.engines import load_engine

SIZE = (36, 64)
COUNT = 4


@pytest.fixture
def files(tmp_path):
    """Toy engine, images, and the reference that it gives itself."""
    manifest = toy_engine.make_toy_engine(tmp_path, SIZE)
    images = np.random.default_rng(0).integers(0, 255, (COUNT, *SIZE, 3), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    engine = load_engine(manifest)
    outputs = [vars(engine.infer(image)) for image in images]
    reference = [{name: one[name] for name in ("score", "class_ids")} for one in outputs]
    save_reference(reference, str(tmp_path / "reference.npz"))
    reference[2]["score"] = reference[2]["score"] + 0.5
    save_reference(reference, str(tmp_path / "other.npz"))
    return tmp_path


def options(folder, reference="reference.npz", **changes):
    return {
        "engine": str(folder / "toy.json"),
        "backend": "onnxruntime",
        "images": str(folder / "images.npy"),
        "reference": str(folder / reference),
        "threshold": 0.25,
        **changes,
    }


def spec(name, **values):
    return ContenderSpec(name, "ros_anomaly.benchmark.parity_contender:make_parity", values)


def test_differences_are_those_of_the_frames_that_were_run(files):
    contender = make_parity(**options(files, "other.npz"))
    for index in (0, 1):
        contender.run(index)
    facts = contender.facts()
    assert (facts["frames"], facts["max_error"], facts["decision_changes"], facts["threshold"]) == (2, 0, 0, 0.25)
    contender.run(2)
    facts = contender.facts()
    assert facts["frames"] == 3 and facts["max_error"] == pytest.approx(0.5)
    assert facts["mean_error"] == pytest.approx(0.5 / 3) and facts["decision_changes"] > 0
    contender.close()


def test_each_case_has_its_verdict(files):
    bounds = BOUNDS["fp32"]
    cases = [
        ParityCase("good", "fp32", bounds, spec("good", **options(files))),
        ParityCase("off", "fp32", bounds, spec("off", **options(files, "other.npz"))),
        ParityCase("no file", "fp32", bounds, spec("no file", **options(files, engine=str(files / "none.json")))),
        ParityCase("no library", "fp32", bounds, reason="expected the library, found none", absent=True),
        ParityCase("no export", "fp16", bounds, reason="expected weights, found none"),
    ]
    tried = []
    outcomes = hold_to_reference(cases, COUNT, 120.0, lambda case: tried.append(case.backend))
    assert tried == ["good", "off", "no file"]
    assert [outcome.verdict for outcome in outcomes] == [
        Verdict.ALIKE,
        Verdict.DIFFERENT,
        Verdict.REFUSED,
        Verdict.ABSENT,
        Verdict.REFUSED,
    ]
    good, off, no_file, no_library, no_export = outcomes
    assert good.parity["frames"] == COUNT and good.parity["max_error"] == 0 and good.median_ms > 0 and good.load_s > 0
    assert "max error: expected up to 0.05, found 0.5" in off.message and off.parity["frames"] == COUNT
    assert "expected a manifest" in no_file.message
    assert no_library.message == "expected the library, found none" and not no_export.parity
    json.dumps([outcome.plain() for outcome in outcomes])


def test_what_would_begin_too_late_is_not_tried(files):
    cases = [ParityCase("good", "fp32", BOUNDS["fp32"], spec("good", **options(files)))]
    outcomes = hold_to_reference(cases, COUNT, 0.0, lambda case: pytest.fail("tried"))
    assert outcomes[0].verdict is Verdict.NO_TIME and "not tried within 0 s" in outcomes[0].message


def row(backend, verdict, precision="fp32", message="", parity=None):
    return {
        "backend": backend,
        "precision": precision,
        "verdict": verdict,
        "message": message,
        "load_s": 1.5,
        "median_ms": 20.0,
        "parity": parity or {},
    }


AGREES = {"max_error": 0.01, "mean_error": 1e-5, "decision_changes": 0.0, "class_changes": 0.0, "frames": 50}


def figures(*rows, required=()):
    return {
        "engine": "default",
        "reference": "torch fp32 on the CPU",
        "images": "rendered validation streets",
        "frames": 50,
        "threshold": 0.5,
        "required": list(required),
        "backends": list(rows),
    }


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (figures(row("torch", "alike"), row("tensorrt", "absent")), ""),
        (figures(row("torch", "alike"), row("tensorrt", "refused", message="other GPU")), ""),
        (figures(row("torch", "alike"), row("openvino", "different", message="mean")), "openvino fp32: mean"),
        (figures(row("torch", "alike"), required=["torch"]), ""),
        (
            figures(row("torch", "alike"), row("tensorrt", "refused"), required=["tensorrt"]),
            "expected tensorrt to agree in fp32, found it does not",
        ),
        (
            figures(row("tensorrt", "alike"), row("tensorrt", "no time", "fp16"), required=["tensorrt"]),
            "expected tensorrt to agree in fp16, found it does not",
        ),
        (figures(row("tensorrt", "absent")), "expected a backend that runs, found none"),
    ],
)
def test_a_machine_passes_where_what_runs_agrees(found, reason):
    assert subject.failure(found) == reason


def test_the_tables_have_what_ran_and_list_the_rest_with_its_message():
    found = figures(row("torch", "alike", parity=AGREES), row("tensorrt", "refused", message="the driver | is too old"))
    text = subject.text(found)
    assert "50 frames of rendered validation streets" in text and "torch" in text and "alike" in text
    assert "  tensorrt fp32, refused: the driver | is too old" in text
    assert "| torch | fp32 |" in subject.markdown(found) and "- tensorrt fp32, refused" in subject.markdown(found)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--precisions", "fp8"], "expected fp32, fp16 by commas, found 'fp8'"),
        (["--backends", "tensorflow"], "expected one of .*found 'tensorflow'"),
        (["--require", "torch:tpu"], "torch:tpu"),
    ],
)
def test_arguments_that_make_no_sense(arguments, message, capsys):
    parser = argparse.ArgumentParser()
    subject.add_arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(arguments)
    import re

    assert re.search(message, capsys.readouterr().err)


def test_an_engine_without_weights_is_checked_as_it_is(files):
    from ros_anomaly.cli import benchmark

    out = files / "results"
    arguments = ["parity", "--engine", str(files / "toy.json"), "--images", "made-up", "--frames", "3"]
    arguments += ["--backends", "onnxruntime,tensorrt,torch", "--save", str(out), "--limit-min", "2"]
    assert benchmark.main(arguments) == 0
    assert benchmark.main([*arguments, "--require", "tensorrt", "--precisions", "fp32"]) == 1
    (path,) = out.iterdir()
    section = json.loads(path.read_text())["subjects"]["parity"]
    assert section["figures"]["reference"] == "onnxruntime fp32 on the CPU"  # there are no weights to export for torch
    verdicts = {(one["backend"], one["precision"]): one["verdict"] for one in section["figures"]["backends"]}
    assert verdicts[("onnxruntime", "fp32")] == "alike"
    assert verdicts[("tensorrt", "fp32")] == "absent" and verdicts[("torch", "fp32")] == "refused"


def test_a_contender_is_closed_with_its_engine(files):
    class Engine:
        closed = False

        def close(self):
            self.closed = True

    engine = Engine()
    ParityContender(engine, str(files / "reference.npz"), None).close()
    assert engine.closed
