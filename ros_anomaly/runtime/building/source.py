"""What an engine is built from: an exported engine, and which of its files a backend's compiler takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ros_anomaly.runtime.building.builders import compiler, is_compiled
from ros_anomaly.runtime.building.options import Precision
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.locate import manifest_path
from ros_anomaly.runtime.manifest import Manifest, load_manifest


@dataclass(frozen=True)
class Source:
    """An exported engine: its manifest, where that lies, and the role of the file that is built from."""

    path: Path
    manifest: Manifest
    role: str

    @property
    def sha256(self) -> str:
        """Of the file that is built from, as the manifest has it."""
        return self.manifest.files[self.role].sha256

    def file(self) -> Path:
        """The file that is built from, checked by its hash. ManifestError where it is not what it must be."""
        return self.manifest.file(self.role, self.path.parent)

    def planned(self, backend: str, precision: Precision) -> Manifest:
        """The manifest that an engine built from this one will have, without its files and how it was built."""
        thresholds = {name: taken.inherited(self.manifest.name) for name, taken in self.manifest.thresholds.items()}
        name = f"{self.manifest.name}-{backend}-{precision.value}"
        return replace(self.manifest, name=name, files={}, thresholds=thresholds, precision=precision, build=None)


def open_source(path: Path, backend: str) -> Source:
    """What the engine at a manifest's path is built from for ``backend``.

    A built engine leads to its own source: the file beside it, else the engine of the name that it was built from,
    where that is still the same.

    Raises:
        EngineError: there is no such source; the message names what was expected and found.
    """
    manifest = load_manifest(path)
    role = compiler(backend).source_role if is_compiled(backend) else "onnx"
    if manifest.build is not None and role not in manifest.files:
        return _named_source(path, manifest, role)
    if role not in manifest.files:
        raise EngineError(
            f"{path}: expected a file of role {role!r} to build for {backend} from, found {', '.join(manifest.files)}"
        )
    return Source(path, manifest, role)


def _named_source(path: Path, built: Manifest, role: str) -> Source:
    assert built.build is not None
    wanted = f"engine {built.build.source!r} with a file of role {role!r} and sha256 {built.build.source_sha256}"
    beside = path.with_name(f"{built.build.source}.json")
    try:
        source_path = beside if beside.is_file() else manifest_path(built.build.source)
        source = load_manifest(source_path)
    except EngineError as error:
        raise EngineError(f"{path}: cannot be built anew: expected {wanted}, found none: {error}") from error
    found = source.files[role].sha256 if role in source.files else "no such file"
    if found != built.build.source_sha256:
        raise EngineError(f"{path}: cannot be built anew: expected {wanted}, found {found} in {source_path}")
    return Source(source_path, source, role)
