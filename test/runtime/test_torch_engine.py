"""The torch backend runs an exported program and gives what ONNX Runtime gives."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
import toy_engine

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
