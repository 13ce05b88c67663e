"""The module torch_tensorrt, imported where it is used: without CUDA it cannot even be imported."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ros_anomaly.runtime.errors import EngineError

BACKEND = "torch_tensorrt"


def load_torch_tensorrt() -> Any:
    """The module; torch can load compiled programs from then on. EngineError where it is not installed or not whole."""
    try:
        return import_module(BACKEND)
    except (ImportError, OSError, RuntimeError) as error:  # it loads libraries of CUDA and TensorRT as it is imported
        raise EngineError(f"backend {BACKEND!r}: expected the Python module {BACKEND}, found {error}") from error
