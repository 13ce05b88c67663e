"""Writes an engine: ONNX, manifest, and where asked for weights and torch program, side by side."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ros_anomaly.data.labels import STREET_CLASSES, ClassSet

if TYPE_CHECKING:
    from ros_anomaly.network.fused import FusedNetwork, RawNetwork
    from ros_anomaly.network.model import AnomalyNetwork
    from ros_anomaly.network.parity import ExportParity
    from ros_anomaly.runtime.manifest import Manifest
    from ros_anomaly.runtime.threshold import Threshold
    from ros_anomaly.scores.names import Aggregation

EXPORTED_PRECISIONS = ("fp32", "fp16")
PARITY_INFO = "parity"
"""Key of a manifest's info: figures of ``ExportParity`` by file role."""


@dataclass(frozen=True)
class EngineRequest:
    """What to export.

    Attributes:
        size: (height, width) of the image.
        score: of a fused engine; None exports a raw one.
        aggregation: of a fused engine, else None.
        precision: of matrices and features, one of :data:`EXPORTED_PRECISIONS`.
        target: ``embedded`` or ``any`` (``network.operators.Target``): the operators that the ONNX may hold.
        program: write a torch program (``.pt2``) too.
        weights: write the weights (matrices in float16) too, and export what they hold after rounding.
        thresholds: by score, for the manifest; decisions are compared at that of ``score``.
        info: goes into weights and manifest.
        classes: the K inlier classes of the network.

    Raises:
        ValueError: a precision that is not exported, or no such target.
    """

    size: tuple[int, int]
    score: str | None = None
    aggregation: Aggregation | None = None
    precision: str = "fp32"
    target: str = "embedded"
    program: bool = False
    weights: bool = False
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)
    classes: ClassSet = STREET_CLASSES

    def __post_init__(self) -> None:
        from ros_anomaly.network.operators import Target

        if self.precision not in EXPORTED_PRECISIONS:
            raise ValueError(
                f"precision: expected {' or '.join(EXPORTED_PRECISIONS)} (int8 is built from fp32 by "
                f"ros-anomaly-build-engine), found {self.precision!r}"
            )
        Target(self.target)


def write_engine(
    network: AnomalyNetwork, manifest_path: Path, request: EngineRequest, images: Sequence[np.ndarray] = ()
) -> ExportParity:
    """Export, compare every exported file with torch in float32, and put the files in place, the manifest last.

    Args:
        manifest_path: ``<name>.json``; the other files take its stem.
        images: uint8 [H, W, 3] of the request's size for the comparison; none uses three made-up ones.

    Returns:
        Parity of the ONNX; the manifest's info has that of the program too.

    Raises:
        ValueError: a score that the network's head cannot give, or another number of classes than it has.
        ExportError: the graph is not for the target, or the exported network is not what torch computes. Files that
            were there before are as they were.
    """
    if request.classes.count != network.config.inlier_classes:
        raise ValueError(f"classes: expected {network.config.inlier_classes}, found {request.classes.count}")
    # Beside the place where they will be, so that moving them there is a renaming.
    with tempfile.TemporaryDirectory(dir=manifest_path.parent, prefix=f".{manifest_path.stem}-") as folder:
        files, reference = _write_files(network, Path(folder), manifest_path.stem, request)
        manifest = _manifest(manifest_path.stem, files, request, network.config.queries)
        images = images or made_up_images(request.size)
        found = {"onnx": _parity("onnx", files["onnx"], manifest, reference, images, request)}
        if "torch_program" in files:
            # One image: it is the network that the ONNX was made from, and CPUs take long over halves.
            program = files["torch_program"]
            found["torch_program"] = _parity("torch_program", program, manifest, reference, images[:1], request)
        info = {**request.info, PARITY_INFO: {role: asdict(parity) for role, parity in found.items()}}
        for path in files.values():
            os.replace(path, manifest_path.parent / path.name)
        replace(manifest, info=info).save(manifest_path)
    return found["onnx"]


def _write_files(
    network: AnomalyNetwork, folder: Path, stem: str, request: EngineRequest
) -> tuple[dict[str, Path], FusedNetwork | RawNetwork]:
    """Files by role, and the network as it was trained, in float32, which the exported ones are held to."""
    from ros_anomaly.network.export import export_onnx, export_program
    from ros_anomaly.network.operators import Target
    from ros_anomaly.network.weights import load_weights, save_weights

    files = {}
    if request.weights:
        files["weights"] = folder / f"{stem}.safetensors"
        save_weights(files["weights"], network, request.info, half=True)
        network, _ = load_weights(files["weights"])
    module = _module(network, request)
    files["onnx"] = folder / f"{stem}.onnx"
    export_onnx(module, request.size, files["onnx"], Target(request.target))
    if request.program:
        files["torch_program"] = folder / f"{stem}.pt2"
        export_program(module, request.size, files["torch_program"])
    return files, _module(network.eval(), request, as_trained=True)


def _module(network: AnomalyNetwork, request: EngineRequest, as_trained: bool = False) -> FusedNetwork | RawNetwork:
    from ros_anomaly.network.fused import FusedNetwork, RawNetwork

    half = request.precision == "fp16" and not as_trained
    if request.score is None or request.aggregation is None:
        return RawNetwork(network, folded=not as_trained, half=half)
    return FusedNetwork(network, request.score, request.aggregation, folded=not as_trained, half=half)


def _manifest(name: str, files: Mapping[str, Path], request: EngineRequest, queries: int) -> Manifest:
    from ros_anomaly.network.export import OPSET, onnx_output_shape
    from ros_anomaly.runtime.building.options import Precision
    from ros_anomaly.runtime.manifest import EngineKind, Manifest, class_entries, file_entry

    fused = request.score is not None and request.aggregation is not None
    height, width = onnx_output_shape(files["onnx"], "score" if fused else "mask_logits")[-2:]
    return Manifest(
        name=name,
        kind=EngineKind.FUSED if fused else EngineKind.RAW,
        input_size=request.size,
        output_size=(height, width),
        num_queries=queries,
        classes=class_entries(request.classes),
        score=request.score if fused else None,
        aggregation=request.aggregation if fused else None,
        thresholds=request.thresholds,
        opset=OPSET,
        precision=Precision(request.precision),
        files={role: file_entry(path) for role, path in files.items()},
    )


def _parity(
    role: str,
    path: Path,
    manifest: Manifest,
    reference: FusedNetwork | RawNetwork,
    images: Sequence[np.ndarray],
    request: EngineRequest,
) -> ExportParity:
    """Of one exported file. ExportError where it does not run, or a figure is above its bound."""
    from ros_anomaly.network.export import ExportError
    from ros_anomaly.network.parity import BOUNDS, RAW_BOUNDS, measure_parity
    from ros_anomaly.runtime.backends import BACKENDS, BackendChoice
    from ros_anomaly.runtime.engines import session_class
    from ros_anomaly.runtime.session import SessionOptions

    backend = next(backend for backend in BACKENDS.values() if backend.role == role)
    choice = BackendChoice.parse(backend.name)
    session = session_class(choice)(path, manifest, SessionOptions(device=choice.device, mode=choice.mode))

    def run(image: np.ndarray) -> Mapping[str, np.ndarray]:
        try:
            return session.run(image)
        except Exception as error:  # each backend has exceptions of its own, with no common base
            raise ExportError(
                f"{path.name} in {request.precision} does not run under {backend.name}: {error}"
            ) from error

    try:
        own = request.thresholds.get(request.score) if request.score else None
        found = measure_parity(reference, run, images, own.value if own else None)
    finally:
        session.close()
    bounds = (RAW_BOUNDS if request.score is None else BOUNDS)[request.precision]
    if problem := bounds.broken(found):
        raise ExportError(f"{path.name} in {request.precision} under {backend.name} against torch in fp32: {problem}")
    return found


def made_up_images(size: tuple[int, int], count: int = 3) -> list[np.ndarray]:
    """Smooth random colour fields, uint8 [H, W, 3]: enough to compare two implementations of one network."""
    import cv2

    rng = np.random.default_rng(0)
    small = (rng.integers(0, 256, (size[0] // 32 + 1, size[1] // 32 + 1, 3), dtype=np.uint8) for _ in range(count))
    return [cv2.resize(field, (size[1], size[0]), interpolation=cv2.INTER_CUBIC) for field in small]
