"""The raw engine of a fused one or of a weights file: made when it is first asked for, kept in the cache."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli import common
from ros_anomaly.cli.cache import cache_folder

if TYPE_CHECKING:
    from ros_anomaly.runtime.engines import RawEngine
    from ros_anomaly.runtime.manifest import Manifest

WEIGHTS_SUFFIX = ".safetensors"


def open_raw_engine(engine: str, threads: int | None = None, backend: str = "onnxruntime") -> RawEngine:
    """Raw engine of a name or manifest path: itself if it is raw, else exported from its weights into the cache.

    Raises:
        EngineError: no such engine, or its weights are missing or not those of the manifest.
    """
    from ros_anomaly.runtime.engines import load_raw_engine
    from ros_anomaly.runtime.locate import manifest_path
    from ros_anomaly.runtime.manifest import EngineKind, load_manifest

    path = manifest_path(engine)
    manifest = load_manifest(path)
    if manifest.kind is EngineKind.FUSED:
        path = _of_fused(manifest, path.parent)
    return load_raw_engine(path, backend, threads)


def engine_of(name: str, size: tuple[int, int]) -> str:
    """What names an engine: ``name`` itself, or for a weights file on its own the manifest of its raw engine.

    Args:
        name: name of an engine, path of a manifest or of a file beside one, or path of a weights file
            (``.safetensors``) without a manifest.
        size: (height, width) of the images that a weights file's engine is made for.

    Raises:
        FileNotFoundError, ValueError: no such weights file, or none of a network.
    """
    from ros_anomaly.runtime.files import sha256_of

    path = Path(name).expanduser()
    if path.suffix != WEIGHTS_SUFFIX or path.with_suffix(".json").is_file():
        return name
    if not path.is_file():
        raise FileNotFoundError(f"expected a weights file, found nothing at {name}")
    return str(_exported(path, sha256_of(path), path.stem, size))


def _of_fused(fused: Manifest, folder: Path) -> Path:
    weights = fused.file("weights", folder)
    return _exported(weights, fused.files["weights"].sha256, fused.name, fused.input_size)


def _exported(weights: Path, sha256: str, name: str, size: tuple[int, int]) -> Path:
    """Manifest of the raw engine of a weights file, made now unless it is in the cache already."""
    from ros_anomaly.cli.engine_files import EngineRequest, write_engine
    from ros_anomaly.network.class_info import classes_from_info
    from ros_anomaly.network.weights import load_weights

    height, width = size
    path = cache_folder("raw_engines", f"{sha256[:16]}-{width}x{height}") / f"{name}_raw.json"
    if not path.exists():  # it is written last: an interrupted export leaves none and is begun again
        common.say(f"exporting the raw engine of {name!r} to {path.parent}")
        path.parent.mkdir(parents=True, exist_ok=True)
        network, info = load_weights(weights)
        classes = classes_from_info(info, network.config.inlier_classes)
        if classes is None:
            raise ValueError(
                f"{weights}: expected the names of its {network.config.inlier_classes} classes in the file, found none"
            )
        write_engine(network, path, EngineRequest(size, info={"weights_sha256": sha256}, classes=classes))
    return path
