"""An engine's network in half precision, exported anew from the weights that lie beside it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli import common

if TYPE_CHECKING:
    from ros_anomaly.runtime.building.source import Source

_SUFFIXES = {"onnx": ".onnx", "torch_program": ".pt2"}


def half_precision(source: Source) -> bytes:
    """The file of ``source``'s role (ONNX or torch program) in half precision.

    Raises:
        EngineError: no weights beside the engine, not those of its manifest, or the export is not what torch computes.
    """
    from ros_anomaly.cli.engine_files import EngineRequest, write_engine
    from ros_anomaly.network.export import ExportError
    from ros_anomaly.network.weights import load_weights
    from ros_anomaly.runtime.errors import EngineError

    manifest = source.manifest
    common.say(f"exporting {manifest.name} in half precision from its weights")
    network, _ = load_weights(manifest.file("weights", source.path.parent))
    request = EngineRequest(
        size=manifest.input_size,
        score=manifest.score,
        aggregation=manifest.aggregation,
        precision="fp16",
        program=source.role == "torch_program",
        thresholds=manifest.thresholds,
        classes=manifest.class_set,
    )
    with tempfile.TemporaryDirectory(prefix="ros_anomaly-half-") as folder:
        path = Path(folder, "half.json")
        try:
            write_engine(network, path, request)
        except ExportError as error:
            raise EngineError(f"{source.path}: expected an export in half precision, found {error}") from error
        return path.with_suffix(_SUFFIXES[source.role]).read_bytes()
