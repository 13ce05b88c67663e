"""ONNX Runtime on the CPU or on an NVIDIA GPU."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime

from ros_anomaly.runtime.backends import CPU, CUDA
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.manifest import Manifest
from ros_anomaly.runtime.session import INPUT_NAME, SessionOptions, default_threads

_LOG_ERRORS_ONLY = 3
_PROVIDERS = {CPU: "CPUExecutionProvider", CUDA: "CUDAExecutionProvider"}


class OnnxRuntimeSession:
    """Session over an ONNX file with input ``image`` uint8 [H, W, 3] and the outputs of the engine contract.

    Raises:
        EngineError: not a readable ONNX file, its input is not the manifest's, or the device is not to be had.
    """

    def __init__(self, path: Path, manifest: Manifest, options: SessionOptions) -> None:
        if problem := self.obstacle(options):
            raise EngineError(f"backend onnxruntime: {problem}")
        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = _LOG_ERRORS_ONLY
        settings.inter_op_num_threads = 1
        settings.intra_op_num_threads = options.threads or default_threads()
        # Threads that spin while they wait save a few milliseconds a frame and burn a core between frames.
        settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
        provider = _PROVIDERS[options.device]
        try:
            self._session = onnxruntime.InferenceSession(str(path), settings, providers=_providers(options.device))
        except Exception as error:  # onnxruntime's exceptions have no common base of their own
            raise EngineError(f"{path}: expected an ONNX network, found one that does not load: {error}") from error
        # It would go on without a word on the CPU where the libraries of CUDA do not load.
        if provider not in (found := self._session.get_providers()):
            raise EngineError(f"backend onnxruntime: expected {provider} to start, found {', '.join(found)} alone")
        self._session.disable_fallback()  # nor may it go on there when CUDA fails later
        self._check_input(path, manifest)
        self._outputs = [output.name for output in self._session.get_outputs()]

    @classmethod
    def obstacle(cls, options: SessionOptions) -> str:
        """Why this machine cannot run it so, in one line; empty where it can."""
        wanted, found = _PROVIDERS[options.device], onnxruntime.get_available_providers()
        return "" if wanted in found else f"expected {wanted} (pip install onnxruntime-gpu), found {', '.join(found)}"

    def run(self, image: np.ndarray) -> Mapping[str, np.ndarray]:
        return dict(zip(self._outputs, self._session.run(self._outputs, {INPUT_NAME: image}), strict=True))

    def close(self) -> None:
        del self._session

    def _check_input(self, path: Path, manifest: Manifest) -> None:
        expected = [(INPUT_NAME, "tensor(uint8)", [*manifest.input_size, 3])]
        found = [(i.name, i.type, list(i.shape)) for i in self._session.get_inputs()]
        if found != expected:
            raise EngineError(f"{path}: expected the input {expected} (manifest), found {found}")


def _providers(device: str) -> list[str | tuple[str, dict[str, str]]]:
    if device == CPU:
        return [_PROVIDERS[CPU]]
    # TF32 would round the float32 parts to ten bits of mantissa, which the manifest's precision does not say. What CUDA
    # has no kernel for runs on the CPU.
    return [(_PROVIDERS[CUDA], {"use_tf32": "0"}), _PROVIDERS[CPU]]
