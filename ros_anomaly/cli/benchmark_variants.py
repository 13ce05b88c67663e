"""An engine in another size or precision: exported from its weights when it is first asked for, kept in the cache."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from ros_anomaly.cli import common
from ros_anomaly.cli.cache import cache_folder

_COMPARED_IMAGES = 4


@dataclass(frozen=True)
class Variant:
    """Which: engine (name or manifest), (height, width) and precision (``fp32``, ``fp16``) of the exported network."""

    engine: str
    size: tuple[int, int]
    precision: str


def variant_manifest(variant: Variant, role: str) -> Path:
    """Manifest of an engine of this size and precision that has a file of ``role``.

    The engine's own where it is such a one, else one that is exported from its weights into the cache.

    Raises:
        EngineError: no such engine, or its weights are not those of its manifest.
        CliError: it has no weights to export from.
        ValueError, RuntimeError: it cannot be exported so.
    """
    from ros_anomaly.runtime.locate import manifest_path
    from ros_anomaly.runtime.manifest import load_manifest

    path = manifest_path(variant.engine)
    manifest = load_manifest(path)
    if (manifest.input_size, manifest.precision.value) == (variant.size, variant.precision) and role in manifest.files:
        return path
    weights_file(variant.engine)
    height, width = variant.size
    key = f"{manifest.files['weights'].sha256[:16]}-{exporter_fingerprint()}-{width}x{height}-{variant.precision}"
    folder = cache_folder("engine_variants", key)
    found = folder / f"{manifest.name}.json"
    if not found.exists():  # it is written last: an interrupted export leaves none and is begun again
        export_variant(variant, found)
    return found


def weights_file(engine: str) -> Path:
    """The weights of an engine. CliError where it has none; EngineError where they are not its manifest's."""
    from ros_anomaly.runtime.locate import manifest_path
    from ros_anomaly.runtime.manifest import load_manifest

    path = manifest_path(engine)
    manifest = load_manifest(path)
    if "weights" not in manifest.files:
        raise common.CliError(
            f"engine {manifest.name!r}: expected weights beside it, found {', '.join(manifest.files)}"
        )
    return manifest.file("weights", path.parent)


def export_variant(variant: Variant, target: Path) -> None:
    """Export the weights of an engine as ``variant`` says, ONNX and torch program, to the manifest ``target``.

    The parity with torch is looked at on made-up pictures that look like streets: there may be nothing to render with.

    Raises:
        As ``variant_manifest``.
    """
    from ros_anomaly.benchmark.street_images import street_like_images
    from ros_anomaly.cli.engine_files import EngineRequest, write_engine
    from ros_anomaly.network.weights import load_weights
    from ros_anomaly.runtime.locate import manifest_path
    from ros_anomaly.runtime.manifest import load_manifest

    weights = weights_file(variant.engine)
    manifest = load_manifest(manifest_path(variant.engine))
    common.say(f"exporting engine {manifest.name!r} in {variant.precision} to {target.parent}")
    target.parent.mkdir(parents=True, exist_ok=True)
    network, info = load_weights(weights)
    request = EngineRequest(
        variant.size,
        score=manifest.score,
        aggregation=manifest.aggregation,
        precision=variant.precision,
        program=True,
        info=info,
        classes=manifest.class_set,
    )
    write_engine(network, target, request, street_like_images(variant.size, _COMPARED_IMAGES))


def exporter_fingerprint() -> str:
    """Hash of the sources that decide what an exported engine is: 8 hexadecimal digits."""
    import ros_anomaly

    root = Path(ros_anomaly.__file__).resolve().parent
    digest = hashlib.sha256()
    for path in sorted([*root.glob("network/**/*.py"), *root.glob("scores/*.py"), root / "cli" / "engine_files.py"]):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
