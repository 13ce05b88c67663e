"""Runs what the compiler of ``building_double`` gave; apart from it, for it alone needs ONNX Runtime."""

from __future__ import annotations

import os
from pathlib import Path

from building_double import network_of

from ros_anomaly.runtime.manifest import Manifest
from ros_anomaly.runtime.onnxruntime_session import OnnxRuntimeSession
from ros_anomaly.runtime.session import SessionOptions


class DoubleSession(OnnxRuntimeSession):
    """A session of ONNX Runtime over the network in an engine."""

    def __init__(self, path: Path, manifest: Manifest, options: SessionOptions) -> None:
        copy = path.with_name(f".{path.name}.{os.getpid()}.onnx")
        copy.write_bytes(network_of(path.read_bytes()))
        try:
            super().__init__(copy, manifest, options)
        finally:
            copy.unlink()
