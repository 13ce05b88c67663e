"""Export of a network to ONNX and to a torch program, with the proof that both give what torch gives."""

from __future__ import annotations

import logging
import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ros_anomaly.network.fused import FusedNetwork, RawNetwork

if TYPE_CHECKING:
    import onnx

Run = Callable[[np.ndarray], Mapping[str, np.ndarray]]
"""Outputs by name for a uint8 [H, W, 3] image."""

OPSET = 18
# TensorRT has read GridSample with another interpolation than written, without a word (facts: opset 20, NEAREST).
FORBIDDEN_OPS = ("GridSample", "If", "Loop", "Scan")


class ExportError(RuntimeError):
    """The exported network holds what engines must not be given, or does not give what torch gives."""


@dataclass(frozen=True)
class ExportParity:
    """How far an exported network is from torch over some images.

    Attributes:
        max_error: largest absolute difference of the float outputs.
        class_changes: share of cells whose class decision differs (fused only; 0 for raw).
    """

    max_error: float
    class_changes: float


def export_onnx(module: FusedNetwork | RawNetwork, size: tuple[int, int], path: str | Path) -> Counter[str]:
    """Write an ONNX file of opset 18 for images of ``size`` (height, width), weights inside; atomic.

    Returns:
        The number of nodes by operator.

    Raises:
        ExportError: the graph holds one of :data:`FORBIDDEN_OPS`.
    """
    import onnx
    import onnxslim

    path = Path(path)
    with _quiet_exporter():
        program = torch.onnx.export(
            module.eval(),
            (torch.zeros(*size, 3, dtype=torch.uint8),),
            dynamo=True,
            opset_version=OPSET,
            external_data=False,
            input_names=["image"],
            output_names=list(module.output_names),
            verbose=False,
        )
    assert program is not None  # only the legacy exporter returns nothing
    model = onnxslim.slim(program.model_proto)
    _shrink_uniform_choices(model)
    operators = Counter(node.op_type for node in model.graph.node)
    if found := [name for name in FORBIDDEN_OPS if operators[name]]:
        raise ExportError(f"{path}: expected a graph without {', '.join(FORBIDDEN_OPS)}; found {', '.join(found)}")
    onnx.checker.check_model(model)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    onnx.save(model, str(temporary))
    os.replace(temporary, path)
    return operators


def export_program(module: FusedNetwork | RawNetwork, size: tuple[int, int], path: str | Path) -> None:
    """Write a torch.export program (``.pt2``), which runs with torch alone; atomic."""
    path = Path(path)
    image = torch.zeros(*size, 3, dtype=torch.uint8)
    with torch.no_grad(), _quiet_exporter():
        program = torch.export.export(module.eval(), (image,))
    # torch insists on the suffix.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp.pt2")
    torch.export.save(program, str(temporary))
    os.replace(temporary, path)


def parity(module: FusedNetwork | RawNetwork, run: Run, images: Sequence[np.ndarray]) -> ExportParity:
    """Compare what ``run`` (an exported network under some runtime) gives with the module on uint8 [H, W, 3] images."""
    max_error, changed, cells = 0.0, 0, 0
    for image in images:
        outputs = run(image)
        found = [outputs[name] for name in module.output_names]
        with torch.inference_mode():
            expected = [output.numpy() for output in module.eval()(torch.from_numpy(image.copy()))]
        for ours, theirs in zip(expected, found, strict=True):
            if ours.dtype == np.uint8:
                changed += int((ours != theirs).sum())
                cells += ours.size
            else:
                max_error = max(max_error, float(np.abs(ours - theirs).max()))
    return ExportParity(max_error, changed / cells if cells else 0.0)


def _shrink_uniform_choices(model: onnx.ModelProto) -> None:
    """Replace constants of one value among the inputs of ``Where`` by that value, in place; it broadcasts.

    Attention masks are written as a choice between -inf and a full tensor of zeros: 8 MB of zeros at 640x360.
    """
    from onnx import numpy_helper

    constants = {initializer.name: initializer for initializer in model.graph.initializer}
    users = Counter(name for node in model.graph.node for name in node.input)
    for node in model.graph.node:
        for name in node.input[1:] if node.op_type == "Where" else ():
            if name not in constants or users[name] > 1:
                continue
            values = numpy_helper.to_array(constants[name])
            if values.size > 1 and (values == values.flat[0]).all():
                single = values.flat[0].reshape((1,) * values.ndim)
                constants[name].CopyFrom(numpy_helper.from_array(single, name))


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """The exporters warn about their own internals; what matters is checked after."""
    names = ("torch.onnx", "torch.export", "onnxscript", "torch._dynamo")
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
