"""Export of a network to ONNX and to a torch program."""

from __future__ import annotations

import logging
import os
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ros_anomaly.network.fused import FusedNetwork, RawNetwork
from ros_anomaly.network.operators import Target, check_graph

if TYPE_CHECKING:
    import onnx

OPSET = 18


class ExportError(RuntimeError):
    """The exported network holds what its target must not be given, or does not give what torch gives."""


def export_onnx(
    module: FusedNetwork | RawNetwork, size: tuple[int, int], path: str | Path, target: Target = Target.EMBEDDED
) -> Counter[str]:
    """Write an ONNX file of opset 18 for images of ``size`` (height, width), weights inside; atomic.

    Returns:
        The number of nodes by operator.

    Raises:
        ExportError: the graph holds what the target must not be given; it names operators. Nothing is written.
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
    if problem := check_graph(model, target):
        raise ExportError(f"{path.name}: {problem}")
    onnx.checker.check_model(model)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    onnx.save(model, str(temporary))
    os.replace(temporary, path)
    return Counter(node.op_type for node in model.graph.node)


def onnx_output_shape(path: str | Path, name: str) -> tuple[int, ...]:
    """Shape of an output of an exported graph. ExportError if it is not there or not of fixed size."""
    import onnx

    outputs = {output.name: output for output in onnx.load(str(path)).graph.output}
    if name not in outputs:
        raise ExportError(f"{Path(path).name}: expected the output {name}, found {', '.join(outputs)}")
    sides = outputs[name].type.tensor_type.shape.dim
    if any(side.HasField("dim_param") or side.dim_value < 1 for side in sides):
        found = [side.dim_param or side.dim_value for side in sides]
        raise ExportError(f"{Path(path).name}: expected a fixed size of {name}, found {found}")
    return tuple(side.dim_value for side in sides)


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
