"""Writes an engine: ONNX, manifest, and where asked for weights and torch program, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ros_anomaly.data.labels import STREET_CLASSES, ClassSet

if TYPE_CHECKING:
    from ros_anomaly.network.export import ExportParity
    from ros_anomaly.network.fused import FusedNetwork, RawNetwork
    from ros_anomaly.network.model import AnomalyNetwork
    from ros_anomaly.scores.names import Aggregation

MAX_ERROR = 1e-3
MAX_CLASS_CHANGES = 1e-3


@dataclass(frozen=True)
class EngineRequest:
    """What to export.

    Attributes:
        size: (height, width) of the image.
        score: of a fused engine; None exports a raw one.
        aggregation: of a fused engine, else None.
        program: write a torch program (``.pt2``) too.
        weights: write the weights (matrices in float16) too, and export what they hold after rounding.
        info: goes into weights and manifest.
        classes: the K inlier classes of the network.
    """

    size: tuple[int, int]
    score: str | None = None
    aggregation: Aggregation | None = None
    program: bool = False
    weights: bool = False
    info: Mapping[str, Any] = field(default_factory=dict)
    classes: ClassSet = STREET_CLASSES


def write_engine(
    network: AnomalyNetwork, manifest_path: Path, request: EngineRequest, images: Sequence[np.ndarray] = ()
) -> ExportParity:
    """Export, compare with torch and write the manifest last.

    Args:
        manifest_path: ``<name>.json``; the other files take its stem.
        images: uint8 [H, W, 3] of the request's size for the comparison; none uses three made-up ones.

    Raises:
        ValueError: a score that the network's head cannot give, or another number of classes than it has.
        ExportError: the exported network is not what torch computes.
    """
    from ros_anomaly.network.export import OPSET, ExportError, export_onnx, export_program, parity
    from ros_anomaly.network.fused import FusedNetwork
    from ros_anomaly.network.weights import load_weights, save_weights
    from ros_anomaly.runtime.manifest import EngineKind, Manifest, class_entries, file_entry
    from ros_anomaly.runtime.onnxruntime_session import OnnxRuntimeSession

    if request.classes.count != network.config.inlier_classes:
        raise ValueError(f"classes: expected {network.config.inlier_classes}, found {request.classes.count}")
    paths = {"onnx": manifest_path.with_suffix(".onnx")}
    if request.weights:
        paths["weights"] = manifest_path.with_suffix(".safetensors")
        save_weights(paths["weights"], network, request.info, half=True)
        network, _ = load_weights(paths["weights"])
    module, reference = _module(network, request), _module(network.eval(), request, folded=False)
    export_onnx(module, request.size, paths["onnx"])
    if request.program:
        paths["torch_program"] = manifest_path.with_suffix(".pt2")
        export_program(module, request.size, paths["torch_program"])
    fused = isinstance(module, FusedNetwork)
    manifest = Manifest(
        name=manifest_path.stem,
        kind=EngineKind.FUSED if fused else EngineKind.RAW,
        input_size=request.size,
        output_size=_output_size(module, request.size),
        num_queries=network.config.queries,
        classes=class_entries(request.classes),
        score=request.score if fused else None,
        aggregation=request.aggregation if fused else None,
        opset=OPSET,
        files={role: file_entry(path) for role, path in paths.items()},
    )
    session = OnnxRuntimeSession(paths["onnx"], manifest, threads=None)
    found = parity(reference, session.run, images or made_up_images(request.size))
    session.close()
    if found.max_error > MAX_ERROR or found.class_changes > MAX_CLASS_CHANGES:
        raise ExportError(
            f"{paths['onnx']}: expected an error up to {MAX_ERROR} and up to {MAX_CLASS_CHANGES:.1%} changed class "
            f"decisions against torch, found {found.max_error:.2g} and {found.class_changes:.2%}"
        )
    info = {**request.info, "onnx_max_error": found.max_error, "onnx_class_changes": found.class_changes}
    replace(manifest, info=info).save(manifest_path)
    return found


def _module(network: AnomalyNetwork, request: EngineRequest, folded: bool = True) -> FusedNetwork | RawNetwork:
    """What is exported, or with ``folded=False`` the network as it was trained, which the export is held to."""
    from ros_anomaly.network.fused import FusedNetwork, RawNetwork

    if request.score is None or request.aggregation is None:
        return RawNetwork(network, folded)
    return FusedNetwork(network, request.score, request.aggregation, folded)


def made_up_images(size: tuple[int, int], count: int = 3) -> list[np.ndarray]:
    """Smooth random colour fields, uint8 [H, W, 3]: enough to compare two implementations of one network."""
    import cv2

    rng = np.random.default_rng(0)
    small = (rng.integers(0, 256, (size[0] // 32 + 1, size[1] // 32 + 1, 3), dtype=np.uint8) for _ in range(count))
    return [cv2.resize(field, (size[1], size[0]), interpolation=cv2.INTER_CUBIC) for field in small]


def _output_size(module: Any, size: tuple[int, int]) -> tuple[int, int]:
    import torch

    with torch.inference_mode():
        outputs = module(torch.zeros(*size, 3, dtype=torch.uint8))
    shape = outputs[module.output_names.index("score" if "score" in module.output_names else "mask_logits")].shape
    return int(shape[-2]), int(shape[-1])
