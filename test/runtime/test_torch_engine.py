"""The torch backend runs an exported program and gives what ONNX Runtime gives."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
import toy_engine

from ros_anomaly.runtime import torch_session
from ros_anomaly.runtime.engines import load_engine
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.manifest import file_entry

SIZE = (24, 32)


class ToyNetwork(torch.nn.Module):
    """What ``toy_engine`` computes, without its poison."""

    def forward(self, image):
        red, green, blue = image.float().permute(2, 0, 1)
        magenta = (torch.minimum(red, blue) - green) / 255
        score = torch.nn.functional.avg_pool2d(magenta[None, None], 4)[0, 0]
        return score, torch.full(score.shape, 7, dtype=torch.uint8)


@pytest.fixture(scope="module")
def toy_with_program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engines")
    manifest = toy_engine.make_toy_engine(folder, SIZE)
    program = torch.export.export(ToyNetwork(), (torch.zeros((*SIZE, 3), dtype=torch.uint8),))
    torch.export.save(program, str(folder / "toy.pt2"))
    plain = json.loads(manifest.read_text())
    entry = file_entry(folder / "toy.pt2")
    plain["files"]["torch_program"] = {"name": entry.name, "sha256": entry.sha256}
    manifest.write_text(json.dumps(plain))
    return manifest


def test_both_backends_agree(toy_with_program):
    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    image.flags.writeable = False
    onnx, program = (load_engine(toy_with_program, backend).infer(image) for backend in ("onnxruntime", "torch"))
    np.testing.assert_allclose(program.score, onnx.score, atol=1e-6)
    np.testing.assert_array_equal(program.class_ids, onnx.class_ids)
    assert program.score.dtype == np.float32 and program.class_ids.dtype == np.uint8


def test_compile_has_the_program_compiled(toy_with_program, monkeypatch):
    compiled = []

    def fake(module):
        compiled.append(module)
        return lambda image: [2 * output if output.is_floating_point() else output for output in module(image)]

    monkeypatch.setattr(torch, "compile", fake)
    monkeypatch.setattr(torch_session.shutil, "which", lambda name: f"/usr/bin/{name}")
    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    engine = load_engine(toy_with_program, "torch:compile")
    expected = load_engine(toy_with_program, "torch").infer(image)
    np.testing.assert_allclose(engine.infer(image).score, 2 * expected.score, atol=1e-6)
    assert len(compiled) == 1
    engine.close()
    with pytest.raises(EngineError, match="is closed"):
        engine.infer(image)


def test_compile_needs_a_compiler(toy_with_program, monkeypatch):
    monkeypatch.setattr(torch_session.shutil, "which", lambda name: None)
    with pytest.raises(EngineError, match=r"expected a C\+\+ compiler \(g\+\+, clang\+\+, c\+\+\), found none"):
        load_engine(toy_with_program, "torch:compile")


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a GPU")
@pytest.mark.parametrize("backend", ["torch:cuda", "torch:cuda_graph"])
def test_cuda_is_not_to_be_had(toy_with_program, backend):
    with pytest.raises(EngineError, match="expected a build of torch with CUDA and a GPU, found"):
        load_engine(toy_with_program, backend)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("backend", ["torch:cuda", "torch:cuda_graph", "torch:cuda:compile"])
def test_on_a_gpu(toy_with_program, backend):
    first, second = np.random.default_rng(0).integers(0, 256, (2, *SIZE, 3), np.uint8)
    engine, reference = load_engine(toy_with_program, backend), load_engine(toy_with_program, "torch")
    found = engine.infer(first)
    engine.infer(second)  # must not change what the caller has
    np.testing.assert_allclose(found.score, reference.infer(first).score, atol=1e-5)
    np.testing.assert_array_equal(found.class_ids, reference.infer(first).class_ids)
    engine.close()


def test_what_is_no_program_is_refused(toy_with_program, tmp_path):
    plain = json.loads(toy_with_program.read_text())
    (tmp_path / "toy.pt2").write_bytes(b"no program")
    plain["files"]["torch_program"]["sha256"] = file_entry(tmp_path / "toy.pt2").sha256
    (tmp_path / "toy.json").write_text(json.dumps(plain))
    with pytest.raises(EngineError, match=r"expected a torch\.export program"):
        load_engine(tmp_path / "toy.json", backend="torch")


def test_the_onnx_runtime_backend_never_imports_torch(toy_with_program):
    code = (
        "import sys; from ros_anomaly.runtime.engines import load_engine; import ros_anomaly.runtime.worker_main;"
        "load_engine(sys.argv[1]); assert not {'torch', 'transformers', 'cv2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(toy_with_program)], check=True)
