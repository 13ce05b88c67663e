"""PyTorch: a program saved by torch.export. Needs torch alone, none of the code that made the network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.manifest import EngineKind, Manifest
from ros_anomaly.runtime.session import FUSED_OUTPUTS, RAW_OUTPUTS, SCENE_SCORE


class TorchSession:
    """Session over a ``.pt2`` program: one uint8 [H, W, 3] tensor in, the contract's outputs in their order out.

    ``threads`` sets torch's threads for the whole process.

    Raises:
        EngineError: not a readable torch.export program.
    """

    def __init__(self, path: Path, manifest: Manifest, threads: int | None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        try:
            self._module = torch.export.load(str(path)).module()
        except Exception as error:  # zip, pickle and schema errors have no common base
            raise EngineError(
                f"{path}: expected a torch.export program, found one that does not load: {error}"
            ) from error
        self._names = RAW_OUTPUTS if manifest.kind is EngineKind.RAW else (*FUSED_OUTPUTS, SCENE_SCORE)

    def run(self, image: np.ndarray) -> Mapping[str, np.ndarray]:
        # torch warns about read-only memory, which a message's buffer is; the copy costs far less than the network.
        tensor = torch.from_numpy(image if image.flags.writeable else image.copy())
        with torch.inference_mode():
            outputs = self._module(tensor)
        return {name: output.numpy() for name, output in zip(self._names, outputs, strict=False)}

    def close(self) -> None:
        del self._module
