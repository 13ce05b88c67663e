"""PyTorch: a program saved by torch.export. Needs torch alone, none of the code that made the network."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.export import ExportedProgram
from torch.export.passes import move_to_device_pass

from ros_anomaly.runtime.backends import CUDA, CUDA_GRAPH
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.manifest import EngineKind, Manifest
from ros_anomaly.runtime.session import FUSED_OUTPUTS, RAW_OUTPUTS, SCENE_SCORE, SessionOptions
from ros_anomaly.runtime.torch_graph import RecordedFrame

_Module = Callable[[Tensor], tuple[Tensor, ...]]
_COMPILERS = ("g++", "clang++", "c++")


class TorchSession:
    """Session over a ``.pt2`` program: one uint8 [H, W, 3] tensor in, the contract's outputs in their order out.

    Modes: ``eager`` runs operator by operator; ``compile`` has torch.compile make kernels when the engine is loaded
    (minutes); ``cuda_graph`` records a frame with its copies once and launches that. ``threads`` sets torch's threads
    for the whole process.

    Raises:
        EngineError: not a readable torch.export program, no such device, or no compiler.
    """

    def __init__(self, path: Path, manifest: Manifest, options: SessionOptions) -> None:
        if problem := self.obstacle(options):
            raise EngineError(f"backend torch: {problem}")
        if options.threads is not None:
            torch.set_num_threads(options.threads)
        try:
            program = torch.export.load(str(path))
        except Exception as error:  # zip, pickle and schema errors have no common base
            raise EngineError(
                f"{path}: expected a torch.export program, found one that does not load: {error}"
            ) from error
        self._device = torch.device(options.device)
        self._names = RAW_OUTPUTS if manifest.kind is EngineKind.RAW else (*FUSED_OUTPUTS, SCENE_SCORE)
        self._lock = threading.Lock()
        try:
            self._module: _Module | None = _made_ready(program, manifest.input_size, options)
        except RuntimeError as error:  # CUDA's errors, of memory too
            raise EngineError(f"{path}: expected a program that runs as {options}, found: {error}") from error

    @classmethod
    def obstacle(cls, options: SessionOptions) -> str:
        """Why this machine cannot run it so, in one line; empty where it can."""
        if options.device == CUDA and not torch.cuda.is_available():
            found = f"CUDA {torch.version.cuda} without a GPU that answers" if torch.version.cuda else "one for the CPU"
            return f"expected a build of torch with CUDA and a GPU, found {found}"
        if options.mode == "compile" and options.device != CUDA and not any(map(shutil.which, _COMPILERS)):
            return f"expected a C++ compiler ({', '.join(_COMPILERS)}), found none"
        return ""

    def run(self, image: np.ndarray) -> Mapping[str, np.ndarray]:
        # torch warns about read-only memory, which a message's buffer is; the copy costs far less than the network.
        tensor = torch.from_numpy(image if image.flags.writeable else image.copy())
        with self._lock, torch.inference_mode():
            if self._module is None:
                raise EngineError("expected an open session, found a closed one")
            if not isinstance(self._module, RecordedFrame):
                tensor = tensor.to(self._device)
            outputs = [output.cpu() for output in self._module(tensor)]
        return {name: output.numpy() for name, output in zip(self._names, outputs, strict=False)}

    def close(self) -> None:
        with self._lock:
            self._module = None
            if self._device.type == CUDA:
                torch.cuda.empty_cache()


def _made_ready(program: ExportedProgram, size: tuple[int, int], options: SessionOptions) -> _Module:
    if options.device == CUDA:
        # TF32 would round the float32 parts to ten bits of mantissa, which the manifest's precision does not say.
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        program = move_to_device_pass(program, options.device)
    module: _Module = program.module()
    if options.mode == "compile":
        return torch.compile(module)
    return RecordedFrame(module, (*size, 3)) if options.mode == CUDA_GRAPH else module
