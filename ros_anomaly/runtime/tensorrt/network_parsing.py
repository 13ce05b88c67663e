"""From an ONNX file to a network that TensorRT can build, or to an error that names the operator in the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ros_anomaly.runtime.errors import EngineError

# By the way they interpolate: several versions have taken one for another without a word.
_REFUSED_LAYERS = ("GRID_SAMPLE",)


def parse_network(api: Any, builder: Any, logger: Any, onnx_path: Path) -> tuple[Any, Any]:
    """(strongly typed network, parser); the parser holds the weights, so it must live as long as the network.

    Raises:
        EngineError: not an ONNX file, or an operator that is not supported or not trusted; the message names it.
    """
    network = builder.create_network(1 << int(api.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = api.OnnxParser(network, logger)
    if not parser.parse_from_file(str(onnx_path)):
        errors = [parser.get_error(index) for index in range(parser.num_errors)]
        raise EngineError(f"{onnx_path}: {_refusal(api, errors)}")
    refused = [getattr(api.LayerType, name) for name in _REFUSED_LAYERS if hasattr(api.LayerType, name)]
    for index in range(network.num_layers):
        layer = network.get_layer(index)
        if layer.type in refused:
            raise EngineError(
                f"{onnx_path}: expected a network without {layer.type.name}, whose interpolation some versions of "
                f"TensorRT get wrong; found {layer.name}"
            )
    return network, parser


def _refusal(api: Any, errors: list[Any]) -> str:
    """The parser's errors in a line."""
    operators: dict[str, str] = {}
    for error in errors:
        operators.setdefault(error.node_operator() or "the file", _reason(error.desc()))
    if not operators:
        return f"expected an ONNX network, found one that {api.__name__} {api.__version__} cannot read"
    names, reasons = ", ".join(operators), "; ".join(operators.values())
    return f"expected a network that {api.__name__} {api.__version__} takes, found it refusing {names}: {reasons}"


def _reason(description: str) -> str:
    """The lines that speak of the network; those in brackets speak of TensorRT's source and of missing GPUs."""
    return " ".join(line.strip() for line in description.splitlines() if not line.startswith("["))
