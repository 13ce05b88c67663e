"""Which engines are held to torch in float32, in which order, and what keeps the others from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli import common
from ros_anomaly.cli.benchmark_variants import Variant, variant_manifest

if TYPE_CHECKING:
    import numpy as np

    from ros_anomaly.benchmark.contender import ContenderSpec
    from ros_anomaly.benchmark.parity import ParityCase
    from ros_anomaly.runtime.backends import BackendChoice
    from ros_anomaly.runtime.manifest import Manifest

_FACTORY = "ros_anomaly.benchmark.parity_contender:make_parity"
_REFERENCES = (("torch", "torch_program"), ("onnxruntime", "onnx"))
"""(backend, role of its file): what gives the reference, the first that is there."""

# EngineError and ExportError are RuntimeErrors. Whatever keeps an engine from being exported or loaded is a line in the
# result: the others are to be tried.
_EXPORT_ERRORS = (common.CliError, ImportError, OSError, RuntimeError, ValueError)


@dataclass(frozen=True)
class ParityFiles:
    """What all cases share: images (``.npy``), reference outputs (``.npz``), threshold of the decisions."""

    images: str
    reference: str
    threshold: float | None


def write_reference(engine: str, images: Sequence[np.ndarray], path: Path) -> str:
    """Run torch in float32 on the CPU over the images and write what it gives; return the backend's name.

    Where torch is not installed, or the engine cannot be exported for it here, ONNX Runtime takes its place, with a
    word on standard error: its difference to torch was measured when the engine was exported.
    """
    from ros_anomaly.benchmark.parity_contender import save_reference
    from ros_anomaly.runtime.engines import load_engine

    problems = []
    for backend, role in _REFERENCES:
        try:
            loaded = load_engine(_manifest(engine, "fp32", role), backend)
        except _EXPORT_ERRORS as error:
            problems.append(f"{backend}: {error}")
            continue
        outputs = []
        for image in common.track(images, f"reference ({backend})"):
            prediction = loaded.infer(image)
            outputs.append({"score": prediction.score, "class_ids": prediction.class_ids})
        loaded.close()
        save_reference(outputs, str(path))
        if problems:
            common.say(f"the reference is {backend}, not torch ({problems[0]})")
        return backend
    raise common.CliError(f"expected torch or ONNX Runtime for the reference, found neither ({'; '.join(problems)})")


def parity_cases(
    engines: dict[str, str], precisions: Sequence[str], chosen: Sequence[str] | None, files: ParityFiles
) -> list[ParityCase]:
    """A case for every backend, device and mode in every precision: those of a GPU first, compilers last.

    Args:
        engines: by precision, the engine whose weights or files are used.
        chosen: texts of the backends to try; None tries all.
    """
    from ros_anomaly.runtime.backends import CUDA, BackendChoice, choices

    found = choices() if chosen is None else tuple(map(BackendChoice.parse, chosen))
    ordered = sorted(found, key=lambda choice: (choice.mode == "compile", choice.device != CUDA))
    exports = _Exports(engines)
    return [case for choice in ordered for case in _cases(choice, exports, precisions, files)]


class _Exports:
    """Manifests of the engines to run, exported where they must be; what fails is not tried for each backend anew."""

    def __init__(self, engines: dict[str, str]) -> None:
        self._engines = engines
        self._found: dict[tuple[str, str], Path | Exception] = {}

    def manifest(self, precision: str, role: str) -> Path:
        """Of an engine that has a file of the role. Raises what ``variant_manifest`` raises, each time."""
        key = (precision, role)
        if key not in self._found:
            try:
                self._found[key] = _manifest(self._engines[precision], precision, role)
            except _EXPORT_ERRORS as error:
                self._found[key] = error
        found = self._found[key]
        if isinstance(found, Exception):
            raise found
        return found


def _cases(
    choice: BackendChoice, exports: _Exports, precisions: Sequence[str], files: ParityFiles
) -> Iterator[ParityCase]:
    from ros_anomaly.benchmark.parity import ParityCase
    from ros_anomaly.network.parity import BOUNDS
    from ros_anomaly.runtime.usable import obstacle

    missing = obstacle(choice)
    for precision in precisions:
        # Where the backend rounds by itself it may be as far off as a network in half precision.
        case = ParityCase(str(choice), precision, BOUNDS["fp16" if choice.mode == "bf16" else precision])
        if missing:
            yield replace(case, reason=missing, absent=True)
            continue
        try:
            yield replace(case, spec=_spec(choice, exports, precision, files))
        except _EXPORT_ERRORS as error:
            yield replace(case, reason=str(error))


def _spec(choice: BackendChoice, exports: _Exports, precision: str, files: ParityFiles) -> ContenderSpec:
    from ros_anomaly.benchmark.contender import ContenderSpec
    from ros_anomaly.runtime.building.builders import compiler, is_compiled

    compiled = is_compiled(choice.name)
    role = compiler(choice.name).source_role if compiled else choice.backend.role
    options = {
        "engine": str(exports.manifest(precision, role)),
        "backend": str(choice),
        "images": files.images,
        "reference": files.reference,
        "threshold": files.threshold,
        "build": precision if compiled else None,
    }
    return ContenderSpec(f"{choice} {precision}", _FACTORY, options)


def _manifest(engine: str, precision: str, role: str) -> Path:
    return variant_manifest(Variant(engine, engine_manifest(engine).input_size, precision), role)


def engine_manifest(engine: str) -> Manifest:
    """Manifest of an engine by name or path."""
    from ros_anomaly.runtime.locate import manifest_path
    from ros_anomaly.runtime.manifest import load_manifest

    return load_manifest(manifest_path(engine))
