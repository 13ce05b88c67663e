"""OpenVINO on the CPU."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import openvino

from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.manifest import Manifest
from ros_anomaly.runtime.session import INPUT_NAME, SessionOptions, default_threads

_DEVICE = "CPU"


class OpenVinoSession:
    """Session over an ONNX file with input ``image`` uint8 [H, W, 3] and the outputs of the engine contract.

    Mode ``f32`` computes what the file says. OpenVINO by itself would take bfloat16 on CPUs that have it: three digits,
    scores that are off by up to half their range at the edges of masks; mode ``bf16`` asks for that, and ends in an
    error on CPUs that have not.

    Raises:
        EngineError: not a readable ONNX file, its input is not the manifest's, or a mode that this CPU does not have.
    """

    def __init__(self, path: Path, manifest: Manifest, options: SessionOptions) -> None:
        if problem := self.obstacle(options):
            raise EngineError(f"backend openvino: {problem}")
        settings = {
            "PERFORMANCE_HINT": "LATENCY",  # one frame at a time, on all threads
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": str(options.threads or default_threads()),
            "INFERENCE_PRECISION_HINT": options.mode,
            # A thread that is tied to a core waits for it while others are free: this is not the only process here.
            "ENABLE_CPU_PINNING": "NO",
        }
        try:
            network = openvino.Core().read_model(str(path))
            compiled = openvino.Core().compile_model(network, _DEVICE, settings)
        except RuntimeError as error:
            raise EngineError(f"{path}: expected an ONNX network, found one that does not load: {error}") from error
        _check_input(path, manifest, compiled)
        self._outputs = {output.any_name: index for index, output in enumerate(compiled.outputs)}
        self._request = compiled.create_infer_request()
        self._lock = threading.Lock()

    @classmethod
    def obstacle(cls, options: SessionOptions) -> str:
        """Why this machine cannot run it so, in one line; empty where it can."""
        core = openvino.Core()
        if _DEVICE not in core.available_devices:
            return f"expected the device {_DEVICE}, found {', '.join(core.available_devices) or 'none'}"
        found = core.get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES")
        if options.mode == "bf16" and "BF16" not in found:
            return f"expected a CPU with bfloat16, found {', '.join(found)}"
        return ""

    def run(self, image: np.ndarray) -> Mapping[str, np.ndarray]:
        with self._lock:  # one request
            results = self._request.infer({INPUT_NAME: image}, share_inputs=True)  # outputs are copied
            return {name: results[index] for name, index in self._outputs.items()}

    def close(self) -> None:
        del self._request


def _check_input(path: Path, manifest: Manifest, network: openvino.CompiledModel) -> None:
    expected = [(INPUT_NAME, "u8", [*manifest.input_size, 3])]
    found = [
        (i.any_name, i.element_type.to_string(), [d.get_length() if d.is_static else -1 for d in i.partial_shape])
        for i in network.inputs
    ]
    if found != expected:
        raise EngineError(f"{path}: expected the input {expected} (manifest), found {found}")
