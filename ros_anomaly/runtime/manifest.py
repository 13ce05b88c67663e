"""The manifest: what an engine is, in a JSON file beside it.

Schema of ``<name>.json``, contract version 1::

    {
      "contract_version": 1,
      "name": "default",
      "kind": "fused",                      fused: score and class ids; raw: class and mask logits
      "input_size": [360, 640],             height, width of the uint8 RGB image
      "output_size": [90, 160],             height, width of score, class ids or mask logits
      "num_queries": 50,
      "classes": [{"id": 0, "name": "background", "colour": [70, 130, 180]}, …],
      "score": "uno",                       null for raw
      "aggregation": "masks",            or exact; null for raw
      "thresholds": {"uno": {"value": -0.2, "rule": "…", "data": "…", "figures": {"object_recall": 0.7},
                             "settings": {}, "inherited_from": "", "backend": "onnxruntime",
                             "usual_score": -0.999}},
      "files": {"onnx": {"name": "default.onnx", "sha256": "…"}, "weights": {…}, "torch_program": {…}, "engine": {…}},
      "opset": 18,                          null where there is no ONNX
      "precision": "fp32",                  of the matrices: fp32, fp16 or int8
      "build": null,                        for a built engine what it was made from, by what and for which machine:
                                            {"backend": "tensorrt", "backend_version": "10.3.0", "precision": "fp16",
                                             "source": "default", "source_sha256": "…", "device_name": "Orin",
                                             "compute_capability": "8.7", "targets": [], "flags": {},
                                             "source_path": "../engines/default.json"}
      "info": {}                            anything else worth knowing: training command, data, commit
    }

Hashes are of the files beside the manifest. Thresholds belong to exactly these files: fp16 and int8 shift scores.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ros_anomaly.choice import Choice
from ros_anomaly.data.labels import STREET_CLASSES, ClassSet
from ros_anomaly.runtime.building.info import BuildInfo
from ros_anomaly.runtime.building.options import Precision
from ros_anomaly.runtime.contract import CONTRACT_VERSION
from ros_anomaly.runtime.errors import ManifestError
from ros_anomaly.runtime.files import sha256_of, write_atomically
from ros_anomaly.runtime.threshold import Threshold
from ros_anomaly.scores.names import Aggregation, check_score_name

FILE_ROLES = ("weights", "onnx", "torch_program", "engine")


class EngineKind(Choice):
    """What an engine gives."""

    FUSED = "fused"
    RAW = "raw"


@dataclass(frozen=True)
class ClassEntry:
    """One inlier class: id, name, RGB colour."""

    id: int
    name: str
    colour: tuple[int, int, int]

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ManifestError(f"manifest class {self.id}: expected a name, found {self.name!r}")
        if len(self.colour) != 3 or not all(isinstance(c, int) and 0 <= c <= 255 for c in self.colour):
            raise ManifestError(f"manifest class {self.id}: expected an RGB colour, found {self.colour!r}")


@dataclass(frozen=True)
class FileEntry:
    """A file beside the manifest (a bare name) and the sha256 of its contents, 64 hex digits."""

    name: str
    sha256: str

    def __post_init__(self) -> None:
        if Path(self.name).name != self.name or not self.name:
            raise ManifestError(f"file name: expected one without folders, found {self.name!r}")
        if len(self.sha256) != 64 or set(self.sha256) - set("0123456789abcdef"):
            raise ManifestError(f"sha256 of {self.name}: expected 64 lower-case hex digits, found {self.sha256!r}")


def class_entries(classes: ClassSet) -> tuple[ClassEntry, ...]:
    """A set of classes as manifests list it."""
    pairs = zip(classes.names, classes.colours, strict=True)
    return tuple(ClassEntry(i, name, colour) for i, (name, colour) in enumerate(pairs))


def street_classes() -> tuple[ClassEntry, ...]:
    """The K inlier classes of the street, which engines have unless their network was taught others."""
    return class_entries(STREET_CLASSES)


@dataclass(frozen=True)
class Manifest:
    """What an engine is; fields as in the schema of this module. ManifestError where they do not fit each other."""

    name: str
    kind: EngineKind
    input_size: tuple[int, int]
    output_size: tuple[int, int]
    num_queries: int
    files: Mapping[str, FileEntry]
    score: str | None = None
    aggregation: Aggregation | None = None
    classes: tuple[ClassEntry, ...] = field(default_factory=street_classes)
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    opset: int | None = None
    precision: Precision = Precision.FP32
    build: BuildInfo | None = None
    info: Mapping[str, Any] = field(default_factory=dict)
    contract_version: int = CONTRACT_VERSION

    def __post_init__(self) -> None:
        _expect("contract_version", CONTRACT_VERSION, self.contract_version)
        for label, size in (("input_size", self.input_size), ("output_size", self.output_size)):
            if len(size) != 2 or not all(_is_count(side) for side in size):
                raise ManifestError(f"manifest {label}: expected two positive integers (height, width), found {size}")
        if not _is_count(self.num_queries):
            raise ManifestError(f"manifest num_queries: expected a positive integer, found {self.num_queries!r}")
        self._check_classes()
        for role in self.files:
            if role not in FILE_ROLES:
                raise ManifestError(f"manifest files: expected roles {', '.join(FILE_ROLES)}; found {role!r}")
        if self.build is not None:
            _expect("build.precision", self.precision.value, self.build.precision.value)
        self._check_score()

    def _check_classes(self) -> None:
        ids = [entry.id for entry in self.classes]
        if not ids or ids != list(range(len(ids))):
            raise ManifestError(f"manifest classes: expected ids from 0 on without gaps, found {ids}")
        names = [entry.name for entry in self.classes]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ManifestError(f"manifest classes: expected different names, found twice {', '.join(twice)}")

    def _check_score(self) -> None:
        names = list(self.thresholds)
        if self.kind is EngineKind.RAW:
            if self.score is not None or self.aggregation is not None:
                raise ManifestError(f"manifest of a raw engine: expected no score, found {self.score!r}")
        elif self.score is None or self.aggregation is None:
            raise ManifestError("manifest of a fused engine: expected a score and its aggregation, found none")
        else:
            names.append(self.score)
        for name in names:
            try:
                check_score_name(name)
            except ValueError as error:
                raise ManifestError(f"manifest {error}") from None

    @property
    def class_set(self) -> ClassSet:
        """The K inlier classes; ``STREET_CLASSES`` itself where they are the street's."""
        if self.classes == street_classes():
            return STREET_CLASSES
        return ClassSet("own", tuple(c.name for c in self.classes), tuple(c.colour for c in self.classes))

    @property
    def threshold(self) -> Threshold | None:
        """Threshold of the score that a fused engine gives; None where it was not calibrated."""
        return self.thresholds.get(self.score) if self.score else None

    def file(self, role: str, folder: Path, check_hash: bool = True) -> Path:
        """Path of the file that plays ``role``, present and with the hash that the manifest names.

        Raises:
            ManifestError: the manifest has no such role, the file is missing, or its hash is another.
        """
        if role not in self.files:
            raise ManifestError(f"engine {self.name!r}: expected a file of role {role!r}, found {sorted(self.files)}")
        entry = self.files[role]
        path = folder / entry.name
        if not path.is_file():
            raise ManifestError(f"engine {self.name!r}: expected {entry.name} in {folder}, found no such file")
        if check_hash and (found := sha256_of(path)) != entry.sha256:
            raise ManifestError(f"{path}: expected sha256 {entry.sha256} (manifest), found {found}")
        return path

    @property
    def fingerprint(self) -> str:
        """Hex digest of everything that the manifest says: the same engine, threshold and files, or not."""
        return hashlib.sha256(json.dumps(self._plain(), sort_keys=True).encode()).hexdigest()

    def save(self, path: Path | str) -> None:
        """Write as JSON, whole or not at all. OSError if the folder cannot be written."""
        write_atomically(Path(path), (json.dumps(self._plain(), indent=2, ensure_ascii=False) + "\n").encode())

    def _plain(self) -> dict[str, Any]:
        plain = asdict(self)
        plain["kind"] = self.kind.value
        plain["aggregation"] = self.aggregation.value if self.aggregation else None
        plain["precision"] = self.precision.value
        if self.build is not None:
            plain["build"]["precision"] = self.build.precision.value
        return plain


def file_entry(path: Path | str) -> FileEntry:
    """Entry of an existing file, hashed now."""
    return FileEntry(Path(path).name, sha256_of(path))


def load_manifest(path: Path | str) -> Manifest:
    """Read and check a manifest; the files beside it are checked when they are used (``Manifest.file``).

    Raises:
        ManifestError: missing, not JSON, another contract version, unknown or missing keys, wrong values.
    """
    path = Path(path)
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ManifestError(f"expected an engine manifest at {path}, found no such file") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ManifestError(f"{path}: expected a JSON manifest, found {error}") from error
    try:
        return _from_plain(plain)
    except ManifestError as error:
        raise ManifestError(f"{path}: {error}") from None
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise ManifestError(f"{path}: expected values of the manifest's schema, found {error}") from error


def _from_plain(plain: Any) -> Manifest:
    if not isinstance(plain, dict):
        raise ManifestError(f"expected a JSON object, found {type(plain).__name__}")
    # First of all: another version may have other keys.
    _expect("contract_version", CONTRACT_VERSION, plain.get("contract_version"))
    known = {f.name for f in fields(Manifest)}
    if unknown := sorted(set(plain) - known):
        raise ManifestError(f"unknown key {unknown[0]!r}; expected {', '.join(sorted(known))}")
    if missing := sorted({"name", "kind", "input_size", "output_size", "num_queries", "files", "classes"} - set(plain)):
        raise ManifestError(f"expected the key {missing[0]!r}, found none")
    values = dict(plain)
    values["kind"] = EngineKind(plain["kind"])
    values["input_size"] = tuple(plain["input_size"])
    values["output_size"] = tuple(plain["output_size"])
    values["classes"] = tuple(ClassEntry(c["id"], c["name"], tuple(c["colour"])) for c in plain["classes"])
    values["files"] = {role: FileEntry(**entry) for role, entry in plain["files"].items()}
    values["thresholds"] = {name: Threshold(**entry) for name, entry in plain.get("thresholds", {}).items()}
    if "precision" in plain:
        values["precision"] = Precision(plain["precision"])
    if plain.get("build") is not None:
        values["build"] = BuildInfo.from_plain(plain["build"])
    if plain.get("aggregation") is not None:
        values["aggregation"] = Aggregation(plain["aggregation"])
    return Manifest(**values)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _expect(label: str, expected: object, found: object) -> None:
    if found != expected:
        raise ManifestError(f"manifest {label}: expected {expected!r}, found {found!r}")
