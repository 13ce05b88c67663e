"""ONNX Runtime on the CPU."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime

from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.manifest import Manifest
from ros_anomaly.runtime.session import INPUT_NAME

_LOG_ERRORS_ONLY = 3
_MOST_DEFAULT_THREADS = 8


class OnnxRuntimeSession:
    """Session over an ONNX file with input ``image`` uint8 [H, W, 3] and the outputs of the engine contract.

    Raises:
        EngineError: not a readable ONNX file, or its input is not the manifest's.
    """

    def __init__(self, path: Path, manifest: Manifest, threads: int | None) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _LOG_ERRORS_ONLY
        options.inter_op_num_threads = 1
        options.intra_op_num_threads = threads or _default_threads()
        # Threads that spin while they wait save a few milliseconds a frame and burn a core between frames.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions have no common base of their own
            raise EngineError(f"{path}: expected an ONNX network, found one that does not load: {error}") from error
        self._check_input(path, manifest)
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run(self, image: np.ndarray) -> Mapping[str, np.ndarray]:
        return dict(zip(self._outputs, self._session.run(self._outputs, {INPUT_NAME: image}), strict=True))

    def close(self) -> None:
        del self._session

    def _check_input(self, path: Path, manifest: Manifest) -> None:
        expected = [(INPUT_NAME, "tensor(uint8)", [*manifest.input_size, 3])]
        found = [(i.name, i.type, list(i.shape)) for i in self._session.get_inputs()]
        if found != expected:
            raise EngineError(f"{path}: expected the input {expected} (manifest), found {found}")


def _default_threads() -> int:
    """CPUs that this process may use, within reason.

    ONNX Runtime's own choice counts cores, also those that the process may not use, and takes a single thread where
    the two CPUs of a virtual machine look like one core.
    """
    return min(len(os.sched_getaffinity(0)), _MOST_DEFAULT_THREADS)
