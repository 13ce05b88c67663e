"""What takes the place of a built engine: of its precision and options, from its own source, and of no other engine."""

from __future__ import annotations

import importlib.metadata
import shutil
from dataclasses import replace
from pathlib import Path

import building_double
import onnxruntime
import pytest
import toy_engine

from ros_anomaly.runtime.building.builder import BuildRequest, build_engine
from ros_anomaly.runtime.building.info import BuildInfo
from ros_anomaly.runtime.building.lookup import NotBuiltError
from ros_anomaly.runtime.building.on_first_use import ensure_built
from ros_anomaly.runtime.building.options import BuildOptions, BuildPolicy, Precision, StalePolicy
from ros_anomaly.runtime.building.source import open_source
from ros_anomaly.runtime.engines import EngineSpec, load_engine, load_located
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.files import write_atomically
from ros_anomaly.runtime.manifest import file_entry, load_manifest

pytestmark = pytest.mark.usefixtures("compiled_backend")

OPTIONS = BuildOptions(building_double.NAME, Precision.FP32)
HALF = replace(OPTIONS, precision=Precision.FP16)


@pytest.fixture
def toy(tmp_path) -> Path:
    folder = tmp_path / "engines"
    folder.mkdir()
    return toy_engine.make_toy_engine(folder)


@pytest.fixture
def plan(toy, tmp_path) -> Path:
    """An engine in half precision that was built where it was wanted."""
    return build(toy, HALF, out=tmp_path / "built" / "plan.json").path


def build(engine: Path, options: BuildOptions = OPTIONS, **request):
    asked = {"export": lambda source: source.file().read_bytes(), **request}
    return build_engine(BuildRequest(open_source(engine, options.backend), options, **asked))


def spec(engine: Path, backend: str = building_double.NAME, **policy) -> EngineSpec:
    return EngineSpec(str(engine), backend, 1, build=BuildPolicy(**policy))


def ignore(*_told: object) -> None:
    pass


def test_a_stale_plan_is_not_replaced_by_one_of_another_precision(toy, plan, compiled_backend, monkeypatch):
    monkeypatch.setenv(building_double.VERSION, "2.0")
    with pytest.raises(NotBuiltError, match="expected it built for double in fp16 .*--precision fp16") as caught:
        ensure_built(spec(plan, if_missing=True), ignore, ignore)
    assert caught.value.stale and compiled_backend() == 1
    assert spec(plan).check_files().precision is Precision.FP16
    build(toy)  # in fp32, which is not what was named
    with pytest.raises(NotBuiltError):
        spec(plan).locate()
    build(toy, HALF)
    assert spec(plan).locate().manifest.precision is Precision.FP16


@pytest.mark.parametrize("named_itself", [True, False])
def test_what_is_built_anew_keeps_the_options_of_what_it_replaces(toy, tmp_path, monkeypatch, named_itself):
    asked = replace(OPTIONS, optimization_level=0, workspace_mib=64)
    named = build(toy, asked, out=tmp_path / "built" / "plan.json").path if named_itself else toy
    if not named_itself:
        build(toy, asked)
    monkeypatch.setenv(building_double.VERSION, "2.0")
    assert ensure_built(spec(named, if_missing=True), ignore, ignore)
    assert spec(named).locate().manifest.build.flags == asked.flags
    assert spec(named).locate().manifest.build.backend_version == "2.0"


def test_options_that_cannot_be_kept_are_an_error():
    assert replace(OPTIONS, workspace_mib=8).keeping({"workspace_mib": 64, "optimization_level": 0}).flags == {
        "workspace_mib": 8,
        "optimization_level": 0,
    }
    with pytest.raises(ValueError, match="found sparsity, which cannot be kept"):
        OPTIONS.keeping({"sparsity": True})


@pytest.mark.parametrize("policy", list(StalePolicy))
def test_a_new_network_makes_an_engine_stale_that_was_named_itself(toy, tmp_path, policy):
    named = build(toy, out=tmp_path / "built" / "plan.json").path
    load_located(spec(named)).close()
    toy_engine.make_toy_engine(toy.parent, size=(144, 128))
    with pytest.raises(NotBuiltError, match="built from toy with sha256 .*, found .* now") as caught:
        load_located(spec(named, stale=policy))
    assert caught.value.stale
    if policy is StalePolicy.REBUILD:
        assert ensure_built(spec(named, if_missing=True), ignore, ignore)
        assert load_located(spec(named)).input_size == (144, 128)
        build(named, out=named)
        assert spec(named).locate().path == named


def test_it_is_the_network_itself_that_counts(toy, tmp_path):
    named = build(toy, out=tmp_path / "built" / "plan.json").path
    write_atomically(toy.with_suffix(".onnx"), toy.with_suffix(".onnx").read_bytes() + b"\n")
    with pytest.raises(NotBuiltError, match="built from toy with sha256"):
        load_located(spec(named))


def test_without_its_source_a_built_engine_runs_and_one_of_the_same_name_elsewhere_says_nothing(
    toy, tmp_path, monkeypatch
):
    named = build(toy, out=tmp_path / "built" / "plan.json").path
    (tmp_path / "others").mkdir()
    shutil.move(toy.parent, tmp_path / "away")
    toy_engine.make_toy_engine(tmp_path / "others", size=(144, 128))
    monkeypatch.setenv("ROS_ANOMALY_ENGINES", str(tmp_path / "others"))
    assert load_located(spec(named)).input_size == (72, 128)
    shutil.copytree(tmp_path / "others", named.parent, dirs_exist_ok=True)
    with pytest.raises(NotBuiltError, match="built from toy with sha256"):  # beside it: that is its source
        load_located(spec(named))


def test_a_converted_network_is_stale_with_its_source_and_runs_under_no_other_backend(toy, tmp_path):
    path = tmp_path / "engines" / "small.json"
    shutil.copy(toy.with_suffix(".onnx"), path.with_suffix(".onnx"))
    source = load_manifest(toy)
    info = BuildInfo("onnxruntime", "1.0", Precision.INT8, "toy", source.files["onnx"].sha256)
    files = {"onnx": file_entry(path.with_suffix(".onnx"))}
    replace(source, name="small", files=files, precision=Precision.INT8, build=info).save(path)
    load_engine(path).close()
    with pytest.raises(EngineError, match="expected backend 'onnxruntime', which it was built for, found 'openvino'"):
        spec(path, "openvino").locate()
    with pytest.raises(NotBuiltError, match=f"run {toy} itself"):
        spec(path, "onnxruntime", precision=Precision.FP32).locate()
    build(path, replace(OPTIONS, precision=Precision.INT8))
    load_located(spec(path)).close()  # compiled for another it may be
    toy_engine.make_toy_engine(toy.parent, size=(144, 128))
    with pytest.raises(NotBuiltError, match="built from toy with sha256 .*--precision int8 --images") as caught:
        load_engine(path)
    assert caught.value.stale
    with pytest.raises(NotBuiltError, match="--images"):
        ensure_built(spec(path, "onnxruntime", if_missing=True), ignore, ignore)


def test_no_other_engine_is_overwritten_without_force(toy, plan, compiled_backend):
    other = toy_engine.make_toy_engine(toy.parent, name="other")
    before = other.read_bytes()
    with pytest.raises(EngineError, match="found the exported engine 'other'; .* --force"):
        build(toy, out=other)
    assert other.read_bytes() == before
    with pytest.raises(
        EngineError, match="built from toy for double in fp32, .* found .* for double in fp16; .*--force"
    ):
        build(toy, out=plan)
    with pytest.raises(EngineError, match="double in fp16 with optimization_level 1, to be replaced; found"):
        build(toy, replace(HALF, optimization_level=1), out=plan)
    plan.with_name("notes.json").write_text("{}")
    with pytest.raises(EngineError, match="contract_version"):
        build(toy, out=plan.with_name("notes.json"))
    assert compiled_backend() == 1
    assert build(toy, HALF, out=plan).path == plan and compiled_backend() == 1, "it is there"
    assert build(toy, out=other, force=True).manifest.name == "toy-double-fp32"


@pytest.mark.parametrize(
    ("precision", "says"),
    [
        (None, "expected a torch program in fp32, found none at all; export it with .* --precision fp32 --program"),
        (Precision.FP16, "--precision fp16 --program"),
        (Precision.INT8, "there are torch programs in fp32 and fp16 alone"),
    ],
)
def test_torch_programs_are_exported_and_never_built(toy, precision, says):
    for look in (EngineSpec.locate, EngineSpec.check_files):
        with pytest.raises(EngineError, match=says) as caught:
            look(spec(toy, "torch", precision=precision))
        assert "build" not in str(caught.value)


def test_the_version_is_the_module_s_own_whatever_distribution_brought_it(toy, monkeypatch, tmp_path):
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata.Distribution, "from_name", missing)
    half = BuildOptions("onnxruntime", Precision.FP16)
    assert build(toy, half, cache=tmp_path / "cache").manifest.build.backend_version == onnxruntime.__version__
