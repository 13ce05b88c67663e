"""Training on a machine without internet: what is packed comes out as it went in; a dry run without a GPU."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from ros_anomaly_sim.street.mesh import TEXTURE_SIZE, Mesh, Model, columns
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.objects.shapes import build_shape_model
from ros_anomaly_sim.street.objects.table import OBJECTS

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE_LINES = {
    "id": "KatorLegaz#hydrant",
    "name": "Hydrant",
    "model": "/models/hydrant.obj",
    "width": "30",
    "depth": "30",
    "height": "80",
    "creator": "Someone",
}


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec and spec.loader
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def gpu_models() -> ModuleType:
    return script("gpu_models")


def shape_models(count: int) -> list[Model]:
    """Objects that are computed, so that no furniture library is needed."""
    return [build_shape_model(spec) for spec in OBJECTS.values() if spec.is_computed][:count]


def photo_and_leaf() -> tuple[np.ndarray, np.ndarray]:
    """A smooth opaque texture, and one with transparent places of another colour."""
    ramp = np.linspace(0, 255, TEXTURE_SIZE, dtype=np.uint8)
    photo = np.full((TEXTURE_SIZE, TEXTURE_SIZE, 4), 255, np.uint8)
    photo[..., 0], photo[..., 1] = ramp[None], ramp[:, None]
    leaf = photo.copy()
    leaf[::2, :, 3] = 0
    leaf[::2, :, :3] = (10, 200, 30)
    return photo, leaf


def test_models_come_back_within_the_stated_bounds(gpu_models):
    shapes = shape_models(3)
    near, middle, far = shapes[0].lods
    stretched = near.vertices.copy()
    stretched[:, columns("uv")] *= 40  # a texture that repeats
    textured = Model("textured", 13, (Mesh(stretched), middle, far), photo_and_leaf(), (1.0, 2.0, 3.0), "someone’s")
    models, catalogues = gpu_models.decode(gpu_models.encode([*shapes, textured], {"a.sh3f": b"id#1=x\n\xe9"}))
    assert catalogues == {"a.sh3f": b"id#1=x\n\xe9"}
    for expected, found in zip([*shapes, textured], models, strict=True):
        assert (found.name, found.class_id, found.credit) == (expected.name, expected.class_id, expected.credit)
        assert found.size_m == pytest.approx(expected.size_m)
        for ours, theirs in zip(expected.lods, found.lods, strict=True):
            assert theirs.vertices.shape == ours.vertices.shape and theirs.vertices.dtype == np.float32
            error = np.abs(theirs.vertices - ours.vertices).max(0)
            assert error[columns("position")].max() <= 0.00026
            assert error[columns("normal")].max() <= 0.5 / 127 + 1e-6
            assert error[columns("uv")].max() <= max(1 / 4096, 40 / 65535) + 1e-6
            assert error[columns("colour")].max() <= 0.5 / 255 + 1e-6
            assert error[columns("layer")].max() == error[columns("class_id")].max() == 0
    photo, leaf = photo_and_leaf()
    found_photo, found_leaf = models[-1].textures
    assert np.abs(found_photo.astype(int) - photo).mean() < 2
    assert np.array_equal(found_leaf, leaf)


def test_what_is_no_pack_or_does_not_fit_in_one_is_refused(gpu_models):
    with pytest.raises(gpu_models.PackError, match="expected a pack of models"):
        gpu_models.decode(b"something else")
    model = shape_models(1)[0]
    vertices = model.lods[2].vertices.copy()
    vertices[:, columns("layer")] = 300
    many = Model(model.name, model.class_id, (*model.lods[:2], Mesh(vertices)), (), model.size_m, model.credit)
    with pytest.raises(gpu_models.PackError, match=rf"model {model.name}, layer: expected 0 to 255, found 300"):
        gpu_models.encode([many], {})


def test_an_unpacked_cache_serves_a_library_that_has_catalogues_alone(gpu_models, tmp_path):
    shapes = shape_models(2)
    catalogue = "".join(f"{key}#1={value}\n" for key, value in CATALOGUE_LINES.items()).encode("latin1")
    # Any row of the table that is not computed will do: its model is never built here.
    spec = next(spec for spec in OBJECTS.values() if not spec.is_computed)
    listed = catalogue.replace(CATALOGUE_LINES["id"].encode(), spec.source.encode())
    borrowed = Model(spec.name, spec.class_id, shapes[0].lods, (), shapes[0].size_m, "credit")
    (tmp_path / "models.xz").write_bytes(gpu_models.encode([*shapes, borrowed], {"KatorLegaz.sh3f": listed}))
    count = gpu_models.unpack(tmp_path / "models.xz", tmp_path / "cache", tmp_path / "furniture", workers=1)
    assert count == 3
    library = ModelLibrary(tmp_path / "furniture", tmp_path / "cache" / "models")
    for model in (*shapes, borrowed):
        loaded = library.load(model.name)
        np.testing.assert_allclose(
            loaded.lods[0].vertices[:, columns("position")], model.lods[0].vertices[:, columns("position")], atol=3e-4
        )


def run_script(name: str, *arguments: object, **extra: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(ROOT / "scripts" / name), *map(str, arguments)]
    inherited = {name: value for name, value in os.environ.items() if name != "OUT"}
    environment = {**inherited, "PYTHON": sys.executable, "OMP_NUM_THREADS": "1", **extra}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=800)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--recipe", "none.yaml"], "--recipe: expected a file, found nothing at none.yaml"),
        (["--limit", "long"], "--limit: expected minutes, found long"),
        (["--limit"], "--limit: expected a value, found none"),
        (["--fast"], "unknown argument --fast"),
        (["--start", "none.safetensors"], "--start: expected a file"),
    ],
)
def test_mistakes_of_the_command_line_are_one_line(arguments, message):
    done = run_script("gpu_train.sh", *arguments)
    assert done.returncode == 2
    assert message in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_python_without_torch_is_refused(tmp_path):
    (tmp_path / "python").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python").chmod(0o755)
    arguments = ("--state", tmp_path / "state", "--out", tmp_path / "out")
    done = run_script("gpu_train.sh", *arguments, PYTHON=str(tmp_path / "python"))
    assert done.returncode == 2 and "expected a Python with torch" in done.stderr


@pytest.mark.timeout(900)
def test_the_dry_run_goes_on_where_time_ran_out_and_brings_everything_home(tmp_path):
    from safetensors.torch import load_file
    from training_rig import write_frames

    write_frames(tmp_path / "frames")
    arguments = ["--small", "--frames", tmp_path / "frames", "--state", tmp_path / "state", "--out", tmp_path / "out"]
    pack = {"GPU_PACK": str(tmp_path / "no_pack")}
    done = run_script("gpu_train.sh", *arguments, "--limit", "0.1", **pack)
    assert done.returncode == 75 and "call again with the same arguments" in done.stderr
    done = run_script("gpu_train.sh", *arguments, "--limit", "10", **pack)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "closed.safetensors",
        "outlier.safetensors",
        "run.tar.gz",
    }
    assert str(load_file(tmp_path / "out" / "outlier.safetensors")["dense_head.weight"].dtype) == "torch.float16"
    with tarfile.open(tmp_path / "out" / "run.tar.gz") as archive:
        names = set(archive.getnames())
    wanted = ("log.jsonl", "summary.json", "loss.png", "pictures/training_batch.png", "pictures/iteration_000000.png")
    assert {f"{stage}/{name}" for stage in ("closed", "outlier") for name in wanted} <= names


def test_the_check_of_a_machine_says_how_it_is_used_and_what_it_lacks(tmp_path):
    done = run_script("gpu_check.sh", "--help")
    assert done.returncode == 0 and "acceptance" in done.stdout and "set -euo" not in done.stdout
    (tmp_path / "python").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python").chmod(0o755)
    done = run_script("gpu_check.sh", VENV=str(tmp_path / "none"), PYTHON=str(tmp_path / "python"))
    assert done.returncode == 2 and "expected a Python with numpy" in done.stderr


def test_the_check_of_a_machine_runs_without_a_gpu_and_keeps_its_figures(tmp_path):
    import toy_engine

    engine = toy_engine.make_toy_engine(tmp_path)
    arguments = ["--engine", engine, "--images", "made-up", "--frames", "3", "--precisions", "fp32"]
    folders = {"GPU_PACK": str(tmp_path / "no_pack"), "GPU_STATE": str(tmp_path / "state")}
    backends = ["--backends", "onnxruntime,tensorrt"]
    done = run_script("gpu_check.sh", *arguments, *backends, "--save", tmp_path / "out", **folders)
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "out").iterdir()
    figures = json.loads(path.read_text())["subjects"]["parity"]["figures"]
    assert [row["verdict"] for row in figures["backends"]] == ["absent", "alike"]
    done = run_script(
        "gpu_check.sh", *arguments, *backends, "--require", "tensorrt", OUT=str(tmp_path / "out"), **folders
    )
    assert done.returncode == 1 and "expected tensorrt to agree in fp32" in done.stderr
