"""Building plans: what the builder is told, what becomes of its refusals, progress and giving up."""

from __future__ import annotations

import sys

import pytest
from cuda_double import CudaDouble
from tensorrt_builder_double import TensorRtBuilderDouble

from ros_anomaly.runtime.building.options import BuildOptions, Precision
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.tensorrt import driver, plan
from ros_anomaly.runtime.tensorrt.build_progress import PhaseTree
from ros_anomaly.runtime.tensorrt.device import device_identity, missing_for


@pytest.fixture
def api(monkeypatch):
    api = TensorRtBuilderDouble()
    monkeypatch.setitem(sys.modules, "tensorrt", api)
    monkeypatch.setattr(driver, "load_library", CudaDouble)
    return api


def build(tmp_path, progress=lambda share: None, **options):
    return plan.build_plan(tmp_path / "net.onnx", BuildOptions("tensorrt", Precision.FP16, **options), progress)


def test_a_plan_is_what_the_builder_gives_of_a_strongly_typed_network(api, tmp_path):
    assert build(tmp_path) == b"plan"
    assert api.network_flags == 1 << api.NetworkDefinitionCreationFlag.STRONGLY_TYPED
    assert api.parsed == str(tmp_path / "net.onnx")
    assert api.config.cleared == ["tf32"]
    assert api.config.pools == {} and not hasattr(api.config, "builder_optimization_level")


def test_workspace_and_optimisation_level_are_handed_on(api, tmp_path):
    build(tmp_path, workspace_mib=256, optimization_level=5)
    assert api.config.pools == {"workspace": 256 * 1024 * 1024}
    assert api.config.builder_optimization_level == 5


def test_an_operator_that_is_not_supported_is_named(api, tmp_path):
    api.parser_errors = [("Deform", "Plugin not found\n[source.cpp:1] noise"), ("Deform", "again"), ("", "bad file")]
    message = (
        "expected a network that tensorrt 10.3.0 takes, found it refusing Deform, the file: Plugin not found; bad file$"
    )
    with pytest.raises(EngineError, match=message):
        build(tmp_path)


def test_layers_that_interpolate_as_they_like_are_refused(api, tmp_path):
    api.layers = ["CAST"]
    assert build(tmp_path) == b"plan"
    api.layers = ["CAST", "GRID_SAMPLE"]
    with pytest.raises(EngineError, match="expected a network without GRID_SAMPLE.*found layer of GRID_SAMPLE"):
        build(tmp_path)


def test_a_build_that_fails_is_told_in_the_library_s_words(api, tmp_path):
    api.refuse = {"build"}
    with pytest.raises(EngineError, match=r"net\.onnx: tensorrt 10\.3\.0 built nothing: no kernel fits$"):
        build(tmp_path)


def test_the_timing_cache_is_read_and_written_back(api, tmp_path):
    cache = tmp_path / "new" / "timing.cache"
    build(tmp_path, timing_cache=cache)
    assert api.config.caches == [b""] and cache.read_bytes() == b"measured"
    build(tmp_path, timing_cache=cache)
    assert api.config.caches == [b"measured"]


def test_a_timing_cache_of_another_gpu_is_begun_anew(api, tmp_path, caplog):
    cache = tmp_path / "timing.cache"
    cache.write_bytes(b"of another")
    api.refuse = {"timing cache"}
    assert build(tmp_path, timing_cache=cache) == b"plan"
    assert api.config.caches == [b""] and "found another" in caplog.text
    assert cache.read_bytes() == b"measured"


def test_a_timing_cache_that_cannot_be_kept_does_no_harm(api, tmp_path, caplog):
    (tmp_path / "file").touch()
    assert build(tmp_path, timing_cache=tmp_path / "file" / "timing.cache") == b"plan"
    assert "expected to write it" in caplog.text


def tell_phases(monitor):
    """Two steps in a phase, the first of which has a phase of its own with two steps."""
    monitor.phase_start("build", None, 2)
    monitor.phase_start("tune", "build", 2)
    go_on = monitor.step_complete("tune", 0) and monitor.step_complete("tune", 1)
    monitor.phase_finish("tune")
    go_on = go_on and monitor.step_complete("build", 0) and monitor.step_complete("build", 1)
    monitor.phase_finish("build")
    return go_on


def test_progress_rises_from_nothing_to_all(api, tmp_path):
    api.phases = tell_phases
    seen = []
    build(tmp_path, seen.append)
    assert seen[0] == 0 and seen[-1] == 1 and seen == sorted(seen)
    assert {round(share / 0.95, 3) for share in seen} >= {0.25, 0.5, 1.0}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("no one asks any more")])
def test_what_progress_raises_ends_the_build_and_passes(api, tmp_path, error):
    api.phases = tell_phases
    calls = []

    def progress(share):
        calls.append(share)
        if share > 0.2:
            raise error

    with pytest.raises(type(error)):
        build(tmp_path, progress)
    assert len(calls) < 6  # it was not asked again


def test_phases_that_come_in_any_order_never_take_progress_back():
    seen = []
    tree = PhaseTree(seen.append)
    tree.step("unknown", 3)
    tree.finish("unknown")
    for name in ("first", "second"):
        tree.start(name, None, 4)
        for step in (2, 0, 3):
            tree.step(name, step)
        tree.start("part", name, 0)
        tree.finish(name)
        tree.finish("part")
    assert seen == sorted(seen) and seen[-1] < 1


def test_targets_are_for_rtx_alone_and_a_gpu_is_needed(api, tmp_path, monkeypatch):
    with pytest.raises(EngineError, match=r"expected no targets.*found \('8.6',\)"):
        build(tmp_path, targets=("8.6",))
    monkeypatch.setattr(driver, "load_library", lambda: CudaDouble(devices=0))
    with pytest.raises(EngineError, match="tensorrt: expected a GPU to build for, found none"):
        build(tmp_path)


def test_backends_and_versions_that_will_not_do(api, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="expected one of tensorrt, tensorrt_rtx; found 'torch'"):
        plan.build_plan(tmp_path / "net.onnx", BuildOptions("torch"), lambda share: None)
    api.__version__ = "8.6.2"
    with pytest.raises(EngineError, match=r"expected TensorRT 10 or later, found 8\.6\.2"):
        build(tmp_path)
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(EngineError, match="expected the Python module tensorrt, found"):
        build(tmp_path)


def test_this_machine_is_library_and_gpu(api, monkeypatch):
    identity = device_identity("tensorrt")
    assert (identity.backend, identity.backend_version) == ("tensorrt", "10.3.0")
    assert (identity.device_name, identity.compute_capability) == ("Double GPU", "8.7")
    monkeypatch.setattr(driver, "load_library", lambda: CudaDouble(devices=0))
    assert device_identity("tensorrt").device_name == ""
    assert missing_for("tensorrt") == "expected a GPU and its driver, found none"


def test_a_machine_without_a_driver_has_no_gpu(api, monkeypatch):
    def none():
        raise EngineError("no such library")

    monkeypatch.setattr(driver, "load_library", none)
    assert device_identity("tensorrt").compute_capability == ""


def test_what_a_machine_lacks_is_told_in_a_line(api, monkeypatch):
    assert missing_for("tensorrt") == ""
    assert missing_for("torch_tensorrt").startswith("expected the Python module torch_tensorrt, found")


def test_asking_for_the_gpu_makes_no_context_and_errors_are_told(api, monkeypatch):
    cuda = CudaDouble()
    monkeypatch.setattr(driver, "load_library", lambda: cuda)
    device_identity("tensorrt")
    assert not cuda.alive and "cuDevicePrimaryCtxRetain" not in cuda.calls
    cuda.fail = {"cuInit": 999}
    with pytest.raises(EngineError, match="cuInit failed with CUDA_ERROR_UNKNOWN"):
        device_identity("tensorrt")
