"""The raw engine that goes with a fused one: made from the same weights when it is first asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli import common
from ros_anomaly.cli.cache import cache_folder

if TYPE_CHECKING:
    from ros_anomaly.runtime.engines import RawEngine
    from ros_anomaly.runtime.manifest import Manifest


def open_raw_engine(engine: str, threads: int | None = None) -> RawEngine:
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
        path = _exported(manifest, path.parent)
    return load_raw_engine(path, threads=threads)


def _exported(fused: Manifest, folder: Path) -> Path:
    """Manifest of the raw engine of a fused one's weights, made now unless it is in the cache already."""
    from ros_anomaly.cli.engine_files import EngineRequest, write_engine
    from ros_anomaly.network.weights import load_weights

    weights = fused.file("weights", folder)
    sha256 = fused.files["weights"].sha256
    height, width = fused.input_size
    path = cache_folder("raw_engines", f"{sha256[:16]}-{width}x{height}") / f"{fused.name}_raw.json"
    if not path.exists():  # it is written last: an interrupted export leaves none and is begun again
        common.say(f"exporting the raw engine of {fused.name!r} to {path.parent}")
        path.parent.mkdir(parents=True, exist_ok=True)
        network, _ = load_weights(weights)
        write_engine(network, path, EngineRequest(fused.input_size, info={"weights_sha256": sha256}))
    return path
