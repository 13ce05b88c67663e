"""Manifests: what is written is what is read, and what is wrong is refused with expected and found."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ros_anomaly.data.labels import CLASS_NAMES
from ros_anomaly.runtime.building.info import BuildInfo
from ros_anomaly.runtime.building.options import Precision
from ros_anomaly.runtime.errors import EngineError, ManifestError
from ros_anomaly.runtime.files import sha256_of, write_atomically
from ros_anomaly.runtime.manifest import EngineKind, FileEntry, Manifest, file_entry, load_manifest
from ros_anomaly.runtime.threshold import Threshold
from ros_anomaly.scores.names import Aggregation


@pytest.fixture
def manifest(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"network")
    return Manifest(
        name="net",
        kind=EngineKind.FUSED,
        input_size=(360, 640),
        output_size=(90, 160),
        num_queries=50,
        files={"onnx": file_entry(tmp_path / "net.onnx")},
        score="uno",
        aggregation=Aggregation.MASKS,
        thresholds={
            "uno": Threshold(-0.25, rule="one false hazard in 10 min", data="validation", figures={"recall": 0.5})
        },
        opset=18,
        info={"command": "train", "seeds": [1, 2]},
    )


def edit(path, **changes):
    plain = json.loads(path.read_text())
    for key, value in changes.items():
        plain[key] = value
    path.write_text(json.dumps(plain))


def test_round_trip(manifest, tmp_path):
    manifest.save(tmp_path / "net.json")
    assert load_manifest(tmp_path / "net.json") == manifest
    assert [c.name for c in manifest.classes] == list(CLASS_NAMES)


def test_fingerprint_is_of_everything_said(manifest, tmp_path):
    manifest.save(tmp_path / "net.json")
    assert load_manifest(tmp_path / "net.json").fingerprint == manifest.fingerprint
    other_threshold = {"uno": replace(manifest.thresholds["uno"], value=0.123)}
    for changes in ({"thresholds": other_threshold}, {"score": "unc"}, {"info": {"run": 2}}):
        assert replace(manifest, **changes).fingerprint != manifest.fingerprint


def test_threshold_is_that_of_the_engine_s_own_score(manifest):
    assert manifest.threshold is not None and manifest.threshold.value == -0.25
    assert replace(manifest, score="uno_clamped").threshold is None


def test_a_threshold_says_under_which_settings_it_holds_and_of_which_engine_it_was_taken(manifest, tmp_path):
    own = Threshold(0.5, "rule", "data", {"minutes": 10.0}, {"region.min_area_px": 32})
    taken = own.inherited("default")
    assert (taken.inherited_from, taken.value, taken.settings) == ("default", 0.5, {"region.min_area_px": 32})
    assert taken.inherited("default_int8").inherited_from == "default"  # where it was calibrated, however far back
    replace(manifest, thresholds={manifest.score: taken}).save(tmp_path / "built.json")
    assert load_manifest(tmp_path / "built.json").threshold == taken
    plain = json.loads((tmp_path / "built.json").read_text())
    for key in ("settings", "inherited_from"):  # manifests from before have neither
        del plain["thresholds"][manifest.score][key]
    (tmp_path / "old.json").write_text(json.dumps(plain))
    assert load_manifest(tmp_path / "old.json").threshold == Threshold(0.5, "rule", "data", {"minutes": 10.0})


def test_manifests_from_before_there_was_building_still_load(manifest, tmp_path):
    manifest.save(tmp_path / "net.json")
    plain = json.loads((tmp_path / "net.json").read_text())
    for key in ("build", "precision"):
        del plain[key]
    (tmp_path / "net.json").write_text(json.dumps(plain))
    assert load_manifest(tmp_path / "net.json") == manifest
    assert (manifest.build, manifest.precision) == (None, Precision.FP32)


def test_a_built_engine_says_how_it_was_built(manifest, tmp_path):
    built = BuildInfo(
        backend="tensorrt",
        backend_version="10.3.0",
        precision=Precision.FP16,
        source="default",
        source_sha256="0" * 64,
        device_name="Orin",
        compute_capability="8.7",
        targets=("8.6", "8.7"),
        flags={"workspace_mib": 512},
    )
    replace(manifest, build=built, precision=Precision.FP16).save(tmp_path / "built.json")
    assert load_manifest(tmp_path / "built.json").build == built
    with pytest.raises(ManifestError, match="build.precision: expected 'fp32', found 'fp16'"):
        replace(manifest, build=built)


@pytest.mark.parametrize("changes", [{"precision": "fp8"}, {"build": {"backend": "tensorrt"}}, {"build": [1]}])
def test_bad_precision_or_build_section_is_refused(manifest, tmp_path, changes):
    manifest.save(tmp_path / "net.json")
    edit(tmp_path / "net.json", **changes)
    with pytest.raises(ManifestError, match="net.json: .*expected .*found"):
        load_manifest(tmp_path / "net.json")


def test_saving_leaves_no_temporary_file_and_replaces_whole(manifest, tmp_path):
    path = tmp_path / "net.json"
    manifest.save(path)
    replace(manifest, num_queries=7).save(path)
    assert load_manifest(path).num_queries == 7
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.json", "net.onnx"]


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_file_is_returned_only_with_the_right_hash(manifest, tmp_path):
    assert manifest.file("onnx", tmp_path) == tmp_path / "net.onnx"
    expected = sha256_of(tmp_path / "net.onnx")
    (tmp_path / "net.onnx").write_bytes(b"another network")
    found = sha256_of(tmp_path / "net.onnx")
    with pytest.raises(ManifestError, match=f"expected sha256 {expected}.*found {found}"):
        manifest.file("onnx", tmp_path)


def test_missing_file_and_missing_role(manifest, tmp_path):
    (tmp_path / "net.onnx").unlink()
    with pytest.raises(ManifestError, match=r"expected net\.onnx in .*found no such file"):
        manifest.file("onnx", tmp_path)
    with pytest.raises(ManifestError, match=r"role 'torch_program', found \['onnx'\]"):
        manifest.file("torch_program", tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"contract_version": 2}, "contract_version: expected 1, found 2"),
        ({"kind": "fuzed"}, "expected one of fused, raw; found 'fuzed'"),
        ({"score": "unknown_score"}, "score: expected one of uno, .*found 'unknown_score'"),
        ({"score": None}, "expected a score"),
        ({"aggregation": "nearest"}, "expected one of exact, masks; found 'nearest'"),
        ({"kind": "raw"}, "raw engine: expected no score, found 'uno'"),
        ({"input_size": [360]}, r"input_size: expected two positive integers .*found \(360,\)"),
        ({"output_size": [0, 160]}, "output_size: expected two positive"),
        ({"input_size": [360.5, 640]}, "input_size: expected two positive"),
        ({"num_queries": True}, "num_queries: expected a positive integer, found True"),
        ({"classes": []}, r"ids from 0 on without gaps, found \[\]"),
        ({"classes": [{"id": 1, "name": "road", "colour": [0, 0, 0]}]}, r"without gaps, found \[1\]"),
        ({"classes": [{"id": 0, "name": "", "colour": [0, 0, 0]}]}, "class 0: expected a name"),
        ({"classes": [{"id": 0, "name": "road", "colour": [0, 300, 0]}]}, "expected an RGB colour"),
        ({"files": {"onxx": {"name": "a", "sha256": "0" * 64}}}, "found 'onxx'"),
        ({"files": {"onnx": {"name": "../a", "sha256": "0" * 64}}}, "without folders, found '../a'"),
        ({"files": {"onnx": {"name": "a", "sha256": "xyz"}}}, "64 lower-case hex digits, found 'xyz'"),
        ({"files": {"onnx": {"name": "a"}}}, "schema"),
        ({"files": ["a"]}, "schema"),
        ({"thresholds": {"uno": {"value": None, "rule": "", "data": ""}}}, "finite number, found None"),
        ({"thresholds": {"uni": {"value": 1.0, "rule": "", "data": ""}}}, "found 'uni'"),
        ({"surprise": 1}, "unknown key 'surprise'"),
    ],
)
def test_wrong_values_are_refused(manifest, tmp_path, changes, message):
    path = tmp_path / "net.json"
    manifest.save(path)
    edit(path, **changes)
    with pytest.raises(ManifestError, match=message) as caught:
        load_manifest(path)
    assert str(path) in str(caught.value)


def test_classes_may_be_those_of_another_network_but_not_twice_the_same(manifest, tmp_path):
    path = tmp_path / "net.json"
    manifest.save(path)
    plain = json.loads(path.read_text())
    plain["classes"] = plain["classes"][:2]
    plain["classes"][1]["name"] = "lane"
    path.write_text(json.dumps(plain))
    assert [entry.name for entry in load_manifest(path).classes] == ["background", "lane"]
    plain["classes"][1]["name"] = "background"
    path.write_text(json.dumps(plain))
    with pytest.raises(ManifestError, match="found twice background"):
        load_manifest(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"contract_version": 1}', b"null"])
def test_what_is_no_manifest_is_refused(tmp_path, content):
    path = tmp_path / "net.json"
    path.write_bytes(content)
    with pytest.raises(ManifestError, match="expected"):
        load_manifest(path)


def test_missing_manifest(tmp_path):
    with pytest.raises(EngineError, match="expected an engine manifest at .*found no such file"):
        load_manifest(tmp_path / "none.json")


def test_bad_file_entry():
    with pytest.raises(ManifestError):
        FileEntry("", "0" * 64)


def test_a_threshold_keeps_its_backend_and_old_ones_without_are_read(tmp_path, manifest):
    path = tmp_path / "own.json"
    threshold = Threshold(0.5, "rule", "data", backend="openvino:bf16")
    replace(manifest, thresholds={"uno": threshold}).save(path)
    assert load_manifest(path).thresholds["uno"] == threshold
    assert threshold.inherited("other").backend == "openvino:bf16"
    plain = json.loads(path.read_text())
    del plain["thresholds"]["uno"]["backend"]
    path.write_text(json.dumps(plain))
    assert load_manifest(path).thresholds["uno"].backend == ""
    with pytest.raises(ManifestError, match="threshold backend: expected a text, found 3"):
        replace(threshold, backend=3)


@pytest.mark.parametrize("usual_score", [0.5, 0.6, float("nan"), True, "-1"])
def test_a_usual_score_lies_below_its_threshold(usual_score):
    with pytest.raises(ManifestError, match="usual_score: expected a finite number below 0.5 or null, found"):
        Threshold(0.5, "rule", "data", usual_score=usual_score)


def test_a_usual_score_is_kept_and_inherited(tmp_path, manifest):
    threshold = Threshold(0.5, "rule", "data", usual_score=-0.75)
    replace(manifest, thresholds={"uno": threshold}).save(tmp_path / "new.json")
    assert load_manifest(tmp_path / "new.json").threshold == threshold
    assert threshold.inherited("source").usual_score == -0.75
