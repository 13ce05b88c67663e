"""From an exported engine to a built one and back: found, built, stale, refused; never run where it does not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import building_double
import numpy as np
import pytest
import toy_engine

from ros_anomaly.runtime.building.builder import BuildRequest, Watch, build_engine
from ros_anomaly.runtime.building.info import BuildInfo
from ros_anomaly.runtime.building.lookup import NotBuiltError
from ros_anomaly.runtime.building.on_first_use import ensure_built
from ros_anomaly.runtime.building.options import BuildOptions, BuildPolicy, Precision, StalePolicy
from ros_anomaly.runtime.building.source import open_source
from ros_anomaly.runtime.engines import EngineSpec, load_engine, load_located
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.manifest import load_manifest
from ros_anomaly.runtime.threshold import Threshold

pytestmark = pytest.mark.usefixtures("compiled_backend")

OPTIONS = BuildOptions(building_double.NAME, Precision.FP32)


@pytest.fixture
def toy(tmp_path) -> Path:
    folder = tmp_path / "engines"
    folder.mkdir()
    return toy_engine.make_toy_engine(folder)


def build(toy: Path, watch: Watch | None = None, options: BuildOptions = OPTIONS, **request):
    return build_engine(BuildRequest(open_source(toy, options.backend), options, **request), watch)


def spec(engine: Path, **policy) -> EngineSpec:
    return EngineSpec(str(engine), building_double.NAME, 1, build=BuildPolicy(**policy))


def flip_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


def test_what_was_built_is_found_run_and_not_built_again(toy, tmp_path, compiled_backend):
    told: list[float] = []
    built = build(toy, Watch(progress=told.append))
    assert told == sorted(told) and told[0] == 0 and told[-1] == 1
    assert built.path.parent == tmp_path / "cache" / "engines"
    assert build(toy) == built and spec(toy).locate() == built and compiled_backend() == 1

    engine, source = load_located(spec(toy)), load_engine(toy)
    image = np.full((72, 128, 3), toy_engine.MAGENTA, np.uint8)
    np.testing.assert_array_equal(engine.infer(image).score, source.infer(image).score)
    assert engine.manifest.files.keys() == {"engine"}


def test_manifest_says_what_it_was_built_from_by_what_and_for_which_machine(toy):
    source = load_manifest(toy)
    manifest = load_manifest(build(toy).path)
    assert manifest.build is not None and manifest.name == "toy-double-fp32"
    assert manifest.build.source == "toy" and manifest.build.source_sha256 == source.files["onnx"].sha256
    assert (manifest.build.backend, manifest.build.backend_version) == ("double", "1.0")
    assert (manifest.build.device_name, manifest.build.compute_capability) == ("Double 3000", "8.7")
    assert manifest.threshold is not None and manifest.threshold.inherited_from == "toy"
    assert (manifest.input_size, manifest.output_size) == (source.input_size, source.output_size)


def test_without_a_built_engine_the_error_says_which_command_builds_it(toy):
    with pytest.raises(
        NotBuiltError, match=f"ros-anomaly-build-engine {toy} --backend double --precision fp32"
    ) as caught:
        load_engine(toy, "double")
    assert not caught.value.stale
    assert "build_if_missing" in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        (building_double.VERSION, "2.0", "double version 1.0, found 2.0"),
        (building_double.DEVICE, "Double 4000", "GPU Double 3000, found Double 4000"),
        (building_double.CAPABILITY, "9.9", "compute capability 8.7, found 9.9"),
    ],
)
@pytest.mark.parametrize("policy", list(StalePolicy))
def test_an_engine_named_itself_is_never_run_on_another_machine(
    toy, tmp_path, monkeypatch, variable, value, says, policy
):
    built = build(toy, out=tmp_path / "engines" / "own.json").path
    load_located(spec(built)).close()
    monkeypatch.setenv(variable, value)
    with pytest.raises(NotBuiltError, match=says) as caught:
        load_located(spec(built, stale=policy))
    assert caught.value.stale
    if policy is StalePolicy.REBUILD:  # from the engine that it was built from, which lies beside it
        anew = build(built)
        assert load_located(spec(built)).manifest.build == load_manifest(anew.path).build
        assert value in (anew.manifest.build.backend_version, anew.manifest.build.device_name, "9.9")


def test_an_update_of_the_library_makes_the_engine_in_the_cache_stale(toy, compiled_backend, monkeypatch):
    old = build(toy)
    monkeypatch.setenv(building_double.VERSION, "2.0")
    with pytest.raises(NotBuiltError, match="double version 1.0, found 2.0 on this machine") as caught:
        spec(toy).locate()
    assert caught.value.stale
    with pytest.raises(NotBuiltError, match="not built anew, because stale engines are refused"):
        build(toy, stale=StalePolicy.REFUSE)
    assert compiled_backend() == 1
    anew = build(toy)
    assert anew.path == old.path and spec(toy).locate() == anew, "it takes the place of the old one"


def test_a_new_network_makes_the_engine_in_the_cache_stale_and_leaves_nothing_behind(toy):
    old = build(toy)
    toy_engine.make_toy_engine(toy.parent, size=(144, 128))
    with pytest.raises(NotBuiltError, match="built from toy with sha256 .*, found .* now") as caught:
        spec(toy).locate()
    assert caught.value.stale
    anew = build(toy)
    assert anew.path == old.path and anew.file != old.file and not old.file.exists()
    assert load_located(spec(toy)).input_size == (144, 128)
    assert sorted(path.name for path in anew.path.parent.iterdir() if path.name[0] != ".") == sorted(
        [anew.path.name, anew.file.name]
    )


@pytest.mark.parametrize("policy", list(StalePolicy))
def test_one_flipped_byte_is_refused_by_hash(toy, compiled_backend, policy):
    built = build(toy)
    flip_a_byte(built.file)
    for named in (toy, built.path):
        with pytest.raises(
            NotBuiltError, match="expected sha256 [0-9a-f]{64} .manifest., found [0-9a-f]{64}"
        ) as caught:
            load_located(spec(named, stale=policy))
        assert caught.value.stale
    assert load_located(replace(spec(toy), engine=str(build(toy).path))), "built anew, it runs"
    assert compiled_backend() == 2


@pytest.mark.parametrize("damage", ["no json", "an older contract", "no build section", "no engine file"])
def test_a_damaged_slot_is_built_anew(toy, tmp_path, damage):
    built = build(toy)
    plain = json.loads(built.path.read_text())
    if damage == "no json":
        built.path.write_text("{")
    elif damage == "no engine file":
        built.file.unlink()
    else:
        changes = {"contract_version": 0} if damage == "an older contract" else {"build": None}
        built.path.write_text(json.dumps({**plain, **changes}))
    with pytest.raises(NotBuiltError) as caught:
        spec(toy).locate()
    assert caught.value.stale and str(built.path.parent) in str(caught.value)
    assert spec(toy).locate() == build(toy) if damage == "none" else build(toy).path == built.path
    load_located(spec(toy)).close()


def test_another_gpu_has_a_place_of_its_own(toy, monkeypatch):
    first = build(toy)
    monkeypatch.setenv(building_double.DEVICE, "Double 4000")
    with pytest.raises(NotBuiltError) as caught:
        spec(toy).locate()
    assert not caught.value.stale
    assert build(toy).path != first.path
    monkeypatch.delenv(building_double.DEVICE)
    assert spec(toy).locate() == first, "machines with one home folder do not take turns"


def test_thresholds_follow_the_source_until_they_are_calibrated_on_the_engine_itself(toy):
    path = build(toy).path
    source = load_manifest(toy)
    replace(source, thresholds={"uno": Threshold(0.75, "rule", "data")}).save(toy)
    followed = spec(toy).locate().manifest.threshold
    assert followed is not None and (followed.value, followed.inherited_from) == (0.75, "toy")
    replace(load_manifest(path), thresholds={"uno": Threshold(0.25, "rule", "own drives")}).save(path)
    own = spec(toy).locate().manifest.threshold
    assert own is not None and (own.value, own.inherited_from) == (0.25, "")


def test_engines_of_the_compiler_are_for_its_backend_alone(toy):
    built = build(toy)
    with pytest.raises(EngineError, match="expected backend 'double', which it was built for, found 'onnxruntime'"):
        load_engine(built.path, "onnxruntime")


def test_a_failing_build_leaves_the_old_engine(toy, monkeypatch):
    built = build(toy)
    monkeypatch.setenv(building_double.FAILS, "operator GridSample is not supported")
    with pytest.raises(EngineError, match="operator GridSample is not supported"):
        build(toy, force=True)
    load_located(spec(toy)).close()
    monkeypatch.delenv(building_double.FAILS)
    assert spec(toy).locate() == built


def test_what_the_watcher_raises_ends_the_build_and_frees_the_lock(toy):
    class Stopped(Exception):
        pass

    def stop(_fraction: float) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        build(toy, Watch(progress=stop))
    build(toy)


def test_options_that_shape_the_engine_build_it_anew_and_any_of_them_runs(toy, compiled_backend):
    build(toy)
    quick = replace(OPTIONS, optimization_level=0)
    assert build(toy, options=quick).manifest.build.flags == {"optimization_level": 0}
    build(toy, options=quick)
    assert compiled_backend() == 2
    load_located(spec(toy)).close()


def test_an_engine_for_given_targets_is_bound_to_no_gpu(toy, tmp_path, monkeypatch):
    monkeypatch.setenv(building_double.DEVICE, "")
    monkeypatch.setenv(building_double.CAPABILITY, "")
    out = tmp_path / "engines" / "shipped.json"
    built = build(toy, options=replace(OPTIONS, targets=("8.6", "12.0")), out=out)
    assert built.manifest.build.device_name == "" and built.manifest.build.targets == ("8.6", "12.0")
    with pytest.raises(NotBuiltError, match="8.6, 12.0, found no GPU"):
        load_located(spec(out))
    monkeypatch.setenv(building_double.CAPABILITY, "12.0")
    load_located(spec(out)).close()


def test_a_network_of_another_precision_is_refused_with_the_command_that_exports_it(toy):
    with pytest.raises(EngineError, match="fp16 .*found one in fp32.*--precision fp16"):
        build(toy, options=replace(OPTIONS, precision=Precision.FP16))


@pytest.mark.parametrize(
    ("precision", "says"),
    [(Precision.INT8, "--precision int8 --images FOLDER_OR_BAG"), (Precision.FP16, "export-network --precision fp16")],
)
def test_a_node_does_not_convert(toy, compiled_backend, precision, says):
    def never(*_told: object) -> None:
        raise AssertionError("a build has begun")

    with pytest.raises(NotBuiltError, match=says):
        ensure_built(spec(toy, precision=precision, if_missing=True), never, never)
    assert compiled_backend() == 0


def test_a_quantised_network_is_compiled_like_any_other(toy):
    quantised = BuildInfo("onnxruntime", "1.0", Precision.INT8, "toy", "a" * 64)
    replace(load_manifest(toy), build=quantised, precision=Precision.INT8).save(toy)
    built = build(toy, options=replace(OPTIONS, precision=Precision.INT8))
    assert built.manifest.precision is Precision.INT8 and built.manifest.files.keys() == {"engine"}
    load_located(spec(toy)).close()
    load_engine(toy).close()  # and the network itself still runs where it is


def test_a_cache_that_cannot_be_written_is_still_read(toy, tmp_path):
    """Engines that were built into an image of a disk which is then mounted read-only."""
    from ros_anomaly.runtime.building import folders

    shipped = tmp_path / "shipped"
    built = build(toy, cache=shipped)
    said: list[str] = []
    original = folders._why_not_writable
    try:
        folders._why_not_writable = lambda folder, private=False: f"{folder} cannot be written"
        assert build(toy, Watch(say=said.append), cache=shipped) == built
        assert spec(toy, cache=shipped).locate() == built
    finally:
        folders._why_not_writable = original
    assert not said, "nothing is written, so nobody has to hear of it"
