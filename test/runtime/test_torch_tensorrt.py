"""Torch-TensorRT over a double of it: what it is asked to do, and the program that comes of it as an engine."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tensorrt_builder_double import TensorRtBuilderDouble

from ros_anomaly.runtime.building.options import BuildOptions
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.manifest import EngineKind, Manifest
from ros_anomaly.runtime.session import SessionOptions
from ros_anomaly.runtime.tensorrt import torch_program
from ros_anomaly.runtime.tensorrt.device import device_identity
from ros_anomaly.runtime.tensorrt.torch_program_session import TorchTensorRtSession
from ros_anomaly.scores.names import Aggregation

SIZE = (8, 12)


class RednessNetwork(torch.nn.Module):
    """Score: red less green, over 255. Class ids: 7."""

    def forward(self, image):
        score = (image[..., 0].float() - image[..., 1].float()) / 255
        return score, torch.full_like(image[..., 0], 7)


class TorchTensorRtDouble:
    """Compiles nothing, and says what it was asked for."""

    __version__ = "2.9.0"

    def __init__(self):
        self.settings = {}
        self.error = None
        self.graphs = None
        self.runtime = SimpleNamespace(set_cudagraphs_mode=lambda on: setattr(self, "graphs", on))
        self.dynamo = SimpleNamespace(compile=self._compile)

    def _compile(self, program, arg_inputs, use_explicit_typing=False, **settings):
        if self.error:
            raise self.error
        assert [tuple(image.shape) for image in arg_inputs] == [(*SIZE, 3)]
        assert arg_inputs[0].dtype == torch.uint8
        self.settings = {"use_explicit_typing": use_explicit_typing, **settings}
        return program

    def save(self, compiled, path, output_format, arg_inputs):
        assert output_format == "exported_program" and len(arg_inputs) == 1
        torch.export.save(compiled, path)


class OnTheCpu(TorchTensorRtSession):
    device = "cpu"


@pytest.fixture
def module(monkeypatch):
    module = TorchTensorRtDouble()
    monkeypatch.setitem(sys.modules, "torch_tensorrt", module)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    load = torch_program._load_for
    monkeypatch.setattr(torch_program, "_load_for", lambda path, device: load(path, "cpu"))
    return module


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(RednessNetwork(), (torch.zeros(*SIZE, 3, dtype=torch.uint8),)), path)
    return path


def build(path, progress=lambda share: None, **options):
    return torch_program.build_program(path, BuildOptions("torch_tensorrt", **options), progress)


def engine(tmp_path, content):
    path = tmp_path / "net.engine"
    path.write_bytes(content)
    return path, Manifest("net", EngineKind.FUSED, SIZE, SIZE, 4, {}, score="uno", aggregation=Aggregation.EXACT)


def test_a_program_is_compiled_as_it_is_typed_and_runs_as_an_engine(module, program, tmp_path):
    seen = []
    session = OnTheCpu(*engine(tmp_path, build(program, seen.append)), SessionOptions())
    assert module.settings == {"use_explicit_typing": True, "disable_tf32": True, "workspace_size": 0}
    assert seen[0] == 0 and seen[-1] == 1 and seen == sorted(seen)
    assert module.graphs is True
    images = np.random.default_rng(0).integers(0, 256, (2, *SIZE, 3), dtype=np.uint8)
    images.flags.writeable = False
    outputs = [session.run(image) for image in images]
    for image, output in zip(images, outputs, strict=True):  # the second run left the first one's arrays alone
        red, green = image[..., 0].astype(np.float32), image[..., 1].astype(np.float32)
        np.testing.assert_allclose(output["score"], (red - green) / 255)
        assert output["class_ids"].dtype == np.uint8 and (output["class_ids"] == 7).all()
    session.close()
    session.close()
    with pytest.raises(EngineError, match="found a closed one"):
        session.run(images[0])


def test_options_are_handed_on(module, program, tmp_path):
    build(program, workspace_mib=64, optimization_level=2, timing_cache=tmp_path / "timing.cache")
    assert module.settings["workspace_size"] == 64 * 1024 * 1024
    assert module.settings["optimization_level"] == 2
    assert module.settings["timing_cache_path"] == str(tmp_path / "timing.cache")


def test_versions_that_know_no_other_typing_are_not_asked_for_it(module, program):
    told = {}
    module.dynamo.compile = lambda program, arg_inputs, disable_tf32, workspace_size: told.update(locals()) or program
    build(program)
    assert told["disable_tf32"] is True


def test_what_it_refuses_is_told(module, program, tmp_path):
    module.error = RuntimeError("no converter\nfor aten.odd")
    with pytest.raises(EngineError, match=r"torch_tensorrt 2\.9\.0 built nothing: no converter for aten\.odd"):
        build(program)
    with pytest.raises(EngineError, match="expected no targets"):
        build(program, targets=("8.6",))
    program.write_bytes(b"not a program")
    with pytest.raises(EngineError, match=r"net\.pt2: expected a torch\.export program, found one that does not load"):
        build(program)
    with pytest.raises(EngineError, match="expected a program of torch_tensorrt, found one that does not load"):
        OnTheCpu(*engine(tmp_path, b"not a program"), SessionOptions())


def test_progress_that_raises_ends_the_build(module, program):
    def progress(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(program, progress)
    assert module.settings == {}


def test_without_a_gpu_or_the_library(module, program, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EngineError, match="expected a GPU that torch can use, found none"):
        build(program)
    with pytest.raises(EngineError, match="expected a GPU that torch can use, found none"):
        TorchTensorRtSession(*engine(tmp_path, b""), SessionOptions())
    monkeypatch.setitem(sys.modules, "torch_tensorrt", None)
    with pytest.raises(EngineError, match="expected the Python module torch_tensorrt, found"):
        build(program)


def test_its_engines_are_bound_to_both_libraries(module, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorrt", TensorRtBuilderDouble())
    assert device_identity("torch_tensorrt").backend_version == "2.9.0 with TensorRT 10.3.0"


@pytest.mark.parametrize("error", [KeyError("aten.odd"), ValueError("odd shape"), AssertionError()])
def test_whatever_the_library_raises_is_one_line(module, program, error):
    module.error = error
    with pytest.raises(EngineError, match=r"torch_tensorrt 2\.9\.0 built nothing: .+"):
        build(program)


def test_progress_of_a_late_moment_passes_too(module, program):
    class Stopped(RuntimeError):
        pass

    def progress(share):
        if share > 0.5:
            raise Stopped

    with pytest.raises(Stopped):
        build(program, progress)


def test_a_program_that_does_not_run_is_refused_when_it_is_loaded(module, program, tmp_path):
    path, manifest = engine(tmp_path, build(program))
    with pytest.raises(
        EngineError, match=r"net\.engine: expected a program that runs with torch_tensorrt 2\.9\.0, found"
    ):
        OnTheCpu(path, replace(manifest, input_size=(4, 4)), SessionOptions())

    def refuse(on):
        raise AttributeError("no such mode")

    module.runtime.set_cudagraphs_mode = refuse
    with pytest.raises(EngineError, match="found: no such mode"):
        OnTheCpu(path, manifest, SessionOptions())


def test_what_is_left_to_torch_computes_without_tf32(module, program, tmp_path):
    switches = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [switch.allow_tf32 for switch in switches]
    try:
        for switch in switches:
            switch.allow_tf32 = True
        OnTheCpu(*engine(tmp_path, build(program)), SessionOptions()).close()
        assert not any(switch.allow_tf32 for switch in switches)
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.allow_tf32 = value
