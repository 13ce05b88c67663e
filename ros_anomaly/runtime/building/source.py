"""What an engine is built from: an exported engine, and which of its files a backend's compiler takes."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from ros_anomaly.runtime.building.builders import compiler, is_compiled
from ros_anomaly.runtime.building.options import Precision
from ros_anomaly.runtime.building.staleness import why_not_of
from ros_anomaly.runtime.errors import EngineError, ManifestError
from ros_anomaly.runtime.files import sha256_of
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

    A built engine leads to what it was built from: the engine at hand (``source_at_hand``) as that is now, else the one
    that its name leads to, where that is still the same. A network that was only converted is compiled as it is.

    Raises:
        EngineError: there is no such source; the message names what was expected and found.
    """
    manifest = load_manifest(path)
    role = compiler(backend).source_role if is_compiled(backend) else "onnx"
    if manifest.build is not None and (role not in manifest.files or not is_compiled(backend)):
        return source_at_hand(path, manifest, role) or _named_source(path, manifest, role)
    if role not in manifest.files:
        raise EngineError(
            f"{path}: expected a file of role {role!r} to build for {backend} from, found {', '.join(manifest.files)}"
            + ("; export it with ros-anomaly-export-network --program" if role == "torch_program" else "")
        )
    return Source(path, manifest, role)


def source_at_hand(path: Path, built: Manifest, role: str) -> Source | None:
    """The engine that a built one was made from, whether or not it changed since; None where it is not to be found.

    It is where the manifest says, else beside. An engine elsewhere that happens to have its name may be any other.

    Args:
        path: of the built engine's manifest.
        role: of the file that it was built from.
    """
    if built.build is None:
        return None
    folder = path.parent.resolve()
    recorded = [Path(os.path.normpath(folder / built.build.source_path))] if built.build.source_path else []
    for candidate in (*recorded, path.with_name(f"{built.build.source}.json")):
        if not candidate.is_file() or candidate.resolve() == path.resolve():
            continue
        try:
            source = load_manifest(candidate)
        except ManifestError:
            continue  # it tells nothing, not even that it changed
        if role in source.files:
            return Source(candidate, source, role)
    return None


def why_changed(path: Path, built: Manifest) -> str | None:
    """What became of the source of a built engine, with both hashes; None where it is the same or not at hand.

    It is the file itself that counts, not what the manifest beside it says.
    """
    if built.build is None:
        return None
    backend = built.build.backend
    source = source_at_hand(path, built, compiler(backend).source_role if is_compiled(backend) else "onnx")
    if source is None:
        return None
    file = source.path.parent / source.manifest.files[source.role].name
    return why_not_of(built.build, sha256_of(file) if file.is_file() else source.sha256, built.build.precision)


def _named_source(path: Path, built: Manifest, role: str) -> Source:
    assert built.build is not None
    wanted = f"engine {built.build.source!r} with a file of role {role!r} and sha256 {built.build.source_sha256}"
    try:
        source_path = manifest_path(built.build.source)
        source = load_manifest(source_path)
    except EngineError as error:
        raise EngineError(f"{path}: cannot be built anew: expected {wanted}, found none: {error}") from error
    found = source.files[role].sha256 if role in source.files else "no such file"
    if found != built.build.source_sha256:
        raise EngineError(f"{path}: cannot be built anew: expected {wanted}, found {found} in {source_path}")
    return Source(source_path, source, role)
