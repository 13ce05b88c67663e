"""What a backend has to offer: run one image through a network, nothing more."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ros_anomaly.runtime.backends import CPU

if TYPE_CHECKING:
    from ros_anomaly.runtime.manifest import Manifest

INPUT_NAME = "image"
FUSED_OUTPUTS = ("score", "class_ids")
RAW_OUTPUTS = ("class_logits", "mask_logits")
SCENE_SCORE = "scene_score"

_MOST_DEFAULT_THREADS = 8


@dataclass(frozen=True)
class SessionOptions:
    """How a session is to run.

    Attributes:
        threads: CPU threads; None leaves it to the backend.
        device, mode: of the backend's own (``backends.Backend``).
    """

    threads: int | None = None
    device: str = CPU
    mode: str = ""


class Session(Protocol):
    """A network loaded by one backend. The engine around it checks what goes in and what comes out."""

    def __init__(self, path: Path, manifest: Manifest, options: SessionOptions) -> None:
        """Load the file of the backend's role. EngineError for a file, device or mode that does not do here."""
        ...

    @classmethod
    def obstacle(cls, options: SessionOptions) -> str:
        """Why this machine cannot run it so, in one line; empty where it can. Loads nothing."""
        ...

    def run(self, image: np.ndarray) -> Mapping[str, np.ndarray]:
        """Outputs by name for a C-contiguous uint8 [H, W, 3] image. Any exception means: no result.

        The arrays are the caller's: the next run does not change them.
        """
        ...

    def close(self) -> None:
        """Release the network."""
        ...


def default_threads() -> int:
    """CPUs that this process may use, within reason.

    What libraries choose by themselves counts cores, also those that the process may not use, and may take a single
    thread where the two CPUs of a virtual machine look like one core.
    """
    return min(len(os.sched_getaffinity(0)), _MOST_DEFAULT_THREADS)
