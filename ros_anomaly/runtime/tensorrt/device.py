"""What a compiled engine is bound to on this machine: the library that runs it, and the GPU."""

from __future__ import annotations

from ros_anomaly.runtime.building.options import DeviceIdentity
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.tensorrt.api import load_api
from ros_anomaly.runtime.tensorrt.driver import find_gpu
from ros_anomaly.runtime.tensorrt.torch_tensorrt_api import BACKEND as TORCH_TENSORRT
from ros_anomaly.runtime.tensorrt.torch_tensorrt_api import load_torch_tensorrt


def device_identity(backend: str) -> DeviceIdentity:
    """Library version and GPU of this machine for ``tensorrt``, ``tensorrt_rtx`` or ``torch_tensorrt``.

    Makes no CUDA context. Name and compute capability are empty where there is no GPU, or no driver for one.

    Raises:
        ValueError: another backend.
        EngineError: the library is not installed or too old, or the driver does not answer as it should.
    """
    version = _torch_tensorrt_version() if backend == TORCH_TENSORRT else str(load_api(backend).__version__)
    gpu = find_gpu()
    if gpu is None:
        return DeviceIdentity(backend, version)
    return DeviceIdentity(backend, version, gpu.name, gpu.compute_capability)


def missing_for(backend: str) -> str:
    """What this machine lacks to run engines of the backend, in a line; empty where it lacks nothing."""
    try:
        identity = device_identity(backend)
    except EngineError as error:
        return str(error).removeprefix(f"backend {backend!r}: ")
    return "" if identity.device_name else "expected a GPU and its driver, found none"


def _torch_tensorrt_version() -> str:
    """Of both libraries: the engines inside a program are TensorRT's own."""
    return f"{load_torch_tensorrt().__version__} with TensorRT {load_api('tensorrt').__version__}"
