"""Programs compiled by Torch-TensorRT. They need torch and torch_tensorrt, none of the code that made the network."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.manifest import EngineKind, Manifest
from ros_anomaly.runtime.session import FUSED_OUTPUTS, RAW_OUTPUTS, SCENE_SCORE, SessionOptions
from ros_anomaly.runtime.tensorrt.device import missing_for
from ros_anomaly.runtime.tensorrt.torch_tensorrt_api import BACKEND, load_torch_tensorrt


class TorchTensorRtSession:
    """Session over a program of ``build_program``: the contract's outputs in their order.

    The image and the outputs pass through page-locked memory that is allocated once; the TensorRT parts replay CUDA
    graphs. What the compiler left to torch computes without TF32. ``options.threads`` means nothing to a GPU and is not
    looked at.

    Raises:
        EngineError: library or GPU missing, or a program that does not load or run.
    """

    device = "cuda"

    def __init__(self, path: Path, manifest: Manifest, options: SessionOptions) -> None:
        self._lock = threading.Lock()
        module = load_torch_tensorrt()
        if self.device == "cuda" and not torch.cuda.is_available():
            raise EngineError(f"{BACKEND}: expected a GPU that torch can use, found none")
        try:
            self._module: Any = torch.export.load(str(path)).module()
        except Exception as error:  # zip, pickle and schema errors have no common base
            raise EngineError(
                f"{path}: expected a program of {BACKEND}, found one that does not load: {error}"
            ) from error
        # TF32 would round the float32 parts to ten bits of mantissa, which the manifest's precision does not say.
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        self._names = RAW_OUTPUTS if manifest.kind is EngineKind.RAW else (*FUSED_OUTPUTS, SCENE_SCORE)
        try:
            module.runtime.set_cudagraphs_mode(True)
            self._make_ready(manifest.input_size)
        except Exception as error:  # torch's, CUDA's and TensorRT's own have no common base
            self._module = None
            reason = " ".join(str(error).split()) or type(error).__name__
            raise EngineError(
                f"{path}: expected a program that runs with {BACKEND} {module.__version__}, found: {reason}"
            ) from error

    def _make_ready(self, size: tuple[int, int]) -> None:
        """Allocate what frames pass through, and run once: only then the outputs are known."""
        pinned = self.device == "cuda"
        self._host_image = torch.empty(*size, 3, dtype=torch.uint8, pin_memory=pinned)
        self._image = torch.empty_like(self._host_image, device=self.device)
        with torch.inference_mode():
            outputs = self._module(self._image.zero_())
        self._host_outputs = [torch.empty(o.shape, dtype=o.dtype, pin_memory=pinned) for o in outputs]

    @classmethod
    def obstacle(cls, options: SessionOptions) -> str:
        """Why no program can run on this machine, or an empty text."""
        return missing_for(BACKEND)

    def run(self, image: np.ndarray) -> Mapping[str, np.ndarray]:
        with self._lock, torch.inference_mode():
            if self._module is None:
                raise EngineError("expected an open session, found a closed one")
            np.copyto(self._host_image.numpy(), image)
            self._image.copy_(self._host_image, non_blocking=True)
            for host, output in zip(self._host_outputs, self._module(self._image), strict=True):
                host.copy_(output, non_blocking=True)
            if self.device == "cuda":
                torch.cuda.current_stream().synchronize()
            # Copied, since callers keep them.
            return {name: host.numpy().copy() for name, host in zip(self._names, self._host_outputs, strict=False)}

    def close(self) -> None:
        with self._lock:
            self._module = None
