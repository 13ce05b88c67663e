"""The cache of processed models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ros_anomaly_sim.street.mesh import Model
from ros_anomaly_sim.street.objects import library as library_module
from ros_anomaly_sim.street.objects.furniture import MissingModelsError
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.objects.spec import ObjectSpec
from ros_anomaly_sim.street.objects.store import cache_directory

NAME = "blob_3"


def _same(first: Model, second: Model) -> bool:
    return (
        all(np.array_equal(a.vertices, b.vertices) for a, b in zip(first.lods, second.lods, strict=True))
        and all(np.array_equal(a, b) for a, b in zip(first.textures, second.textures, strict=True))
        and (first.name, first.class_id, first.size_m, first.credit)
        == (second.name, second.class_id, second.size_m, second.credit)
    )


def _count_builds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    built: list[str] = []
    build = library_module.build_shape_model

    def counted(spec: ObjectSpec) -> Model:
        built.append(spec.name)
        return build(spec)

    monkeypatch.setattr(library_module, "build_shape_model", counted)
    return built


def test_second_load_reads_what_the_first_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = _count_builds(monkeypatch)
    first = ModelLibrary(cache=tmp_path).load(NAME)
    second = ModelLibrary(cache=tmp_path).load(NAME)
    assert built == [NAME]
    assert _same(first, second)


@pytest.mark.parametrize("damage", ["truncate", "garbage", "flip", "empty"])
def test_damaged_file_is_rebuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    first = ModelLibrary(cache=tmp_path).load(NAME)
    (path,) = tmp_path.glob("*.npz")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    if damage == "flip":
        content[middle : middle + 64] = bytes(255 - b for b in content[middle : middle + 64])
    damaged = {"truncate": bytes(content[:middle]), "garbage": b"not a zip", "empty": b""}
    path.write_bytes(damaged.get(damage, bytes(content)))
    built = _count_builds(monkeypatch)
    assert _same(first, ModelLibrary(cache=tmp_path).load(NAME))
    assert built == [NAME]
    assert _same(first, ModelLibrary(cache=tmp_path).load(NAME))
    assert built == [NAME], "the rebuilt file was not stored"


def test_no_temporary_files_stay(tmp_path: Path) -> None:
    ModelLibrary(cache=tmp_path).load(NAME)
    assert [p.suffix for p in tmp_path.iterdir()] == [".npz"]


def test_cache_directory_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_ANOMALY_CACHE", str(tmp_path))
    assert cache_directory() == tmp_path / "models"


def test_prepare_reports_progress(tmp_path: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    ModelLibrary(cache=tmp_path).prepare(
        [NAME, "ring_16"], workers=2, progress=lambda done, total, name: seen.append((done, total, name))
    )
    assert seen == [(1, 2, NAME), (2, 2, "ring_16")]
    assert len(list(tmp_path.glob("*.npz"))) == 2


def test_missing_package_is_named(tmp_path: Path) -> None:
    library = ModelLibrary(furniture=tmp_path, cache=tmp_path)
    with pytest.raises(MissingModelsError, match="apt-get install sweethome3d-furniture"):
        library.load("van")


def test_damaged_library_is_named(tmp_path: Path) -> None:
    (tmp_path / "Scopia.sh3f").write_bytes(b"no zip")
    with pytest.raises(MissingModelsError, match="Scopia.sh3f is not a furniture library.*sweethome3d-furniture"):
        ModelLibrary(furniture=tmp_path, cache=tmp_path).load("van")


def test_shapes_need_no_package(tmp_path: Path) -> None:
    assert ModelLibrary(furniture=tmp_path / "none", cache=tmp_path).load("cabinet_1").size_m[2] > 0.8
