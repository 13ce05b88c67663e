"""The executable ``build_engine``: int8 from a folder of pictures, the cache, and arguments that will not do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from conv_engine import make_conv_engine

from ros_anomaly.cli import build_engine
from ros_anomaly.cli.calibration_images import recorded_images
from ros_anomaly.runtime.building.options import Precision
from ros_anomaly.runtime.manifest import load_manifest


@pytest.fixture
def conv(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ROS_ANOMALY_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "engines"
    folder.mkdir()
    return make_conv_engine(folder)


@pytest.fixture
def pictures(tmp_path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(12):
        cv2.imwrite(str(folder / f"{number}.png"), rng.integers(0, 256, (90, 160, 3), dtype=np.uint8))
    return folder


def test_int8_is_built_run_compared_and_found_the_next_time(conv, pictures, capsys):
    arguments = [str(conv), "--backend", "onnxruntime", "--precision", "int8", "--images", str(pictures), "--json"]
    assert build_engine.main(arguments) == 0
    output = capsys.readouterr()
    figures = json.loads(output.out)
    assert figures["built"] and figures["precision"] == "int8" and figures["runs"]
    assert figures["agreement"]["images"] == 1 and figures["agreement"]["class_changes"] == 0
    assert (figures["threshold"], figures["threshold_inherited_from"]) == (0.5, "conv")
    assert "is inherited from conv" in output.err
    assert (
        load_manifest(figures["engine"]).build is not None and Path(figures["file"]).stat().st_size == figures["bytes"]
    )

    assert build_engine.main(arguments) == 0
    again = json.loads(capsys.readouterr().out)
    assert not again["built"] and again["seconds"] is None and again["engine"] == figures["engine"]


def test_out_writes_beside_what_is_named(conv, pictures, tmp_path, capsys):
    out = tmp_path / "built" / "small.json"
    arguments = [str(conv), "--backend", "onnxruntime", "--precision", "int8", "--images", str(pictures)]
    assert build_engine.main([*arguments, "--out", str(out), "--build-only"]) == 0
    manifest = load_manifest(out)
    assert manifest.file("onnx", out.parent).parent == out.parent
    assert "it runs on this machine" not in capsys.readouterr().out
    # Named itself it is built as it was, not as its source is.
    again = [str(out), "--backend", "onnxruntime", "--images", str(pictures), "--out", str(out), "--build-only"]
    assert build_engine.main(again) == 0 and load_manifest(out) == manifest
    assert build_engine.main([*again, "--force"]) == 0 and load_manifest(out).precision is Precision.INT8
    capsys.readouterr()
    other = make_conv_engine(out.parent)
    assert build_engine.main([*arguments, "--out", str(other), "--build-only"]) == 1
    assert "found the exported engine 'conv'" in capsys.readouterr().err and load_manifest(other).build is None


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["--precision", "int8"], 2, "expected --images or --streets to calibrate on, found neither"),
        (["--precision", "int8", "--streets", "--images", "x"], 2, "not allowed with argument"),
        (["--images", "x"], 2, "expected with int8 of another network alone, found fp32"),
        (["--topic", "/image"], 2, "--topic: expected with --images"),
        (["--precision", "fp8"], 2, "invalid choice: 'fp8'"),
        (["--targets", "sm_86"], 2, "expected one such as 8.6 or 86, found 'sm_86'"),
        (["--out", "engine.plan"], 2, "expected a manifest path ending in .json, found engine.plan"),
        ([], 1, "expected another precision to build for onnxruntime than its own .fp32., found the same"),
        (["--targets", "8.6"], 1, "targets: expected a backend that compiles, found 'onnxruntime'"),
        (["--precision", "fp16"], 1, "export it with ros-anomaly-export-network --precision fp16"),
        (["--precision", "int8", "--images", "nowhere"], 1, "nowhere"),
    ],
)
def test_arguments_that_will_not_do(conv, capsys, arguments, status, says):

    try:
        found = build_engine.main([str(conv), "--backend", "onnxruntime", *arguments])
    except SystemExit as error:
        found = error.code
    said = capsys.readouterr().err.strip()
    assert found == status and re.search(says, said), said
    assert said.count("\n") == 0


def test_the_engine_itself_is_not_overwritten(conv, pictures, capsys):
    before = conv.read_bytes()
    arguments = [str(conv), "--backend", "onnxruntime", "--precision", "int8", "--images", str(pictures)]
    assert build_engine.main([*arguments, "--out", str(conv)]) == 2
    assert "another manifest than the one that is built from" in capsys.readouterr().err
    assert conv.read_bytes() == before


def test_pictures_are_spread_evenly_fitted_and_unreadable_ones_left_out(pictures, capsys):
    images = recorded_images(pictures, None, (72, 128), 4)
    assert [image.shape for image in images] == [(72, 128, 3)] * 4
    first = cv2.imread(str(pictures / "0.png"))[..., ::-1]
    np.testing.assert_array_equal(images[0], cv2.resize(first, (128, 72), interpolation=cv2.INTER_AREA))
    assert len(recorded_images(pictures, None, (72, 128), 100)) == 12
    (pictures / "0.png").write_bytes(b"no picture")
    assert len(recorded_images(pictures, None, (72, 128), 100)) == 11
    assert "left out an image: 0.png" in capsys.readouterr().err
