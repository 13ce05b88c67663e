"""Input and outputs of a compiled network: their names, types and shapes, and one pair of buffers for each."""

from __future__ import annotations

import ctypes
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.session import INPUT_NAME
from ros_anomaly.runtime.tensorrt.driver import CudaDevice

_DTYPES = {"FLOAT": np.float32, "HALF": np.float16, "UINT8": np.uint8, "INT32": np.int32, "INT64": np.int64}


@dataclass(frozen=True)
class TensorSpec:
    """One tensor of a compiled network. Its shape is fixed."""

    name: str
    is_input: bool
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        return self.dtype.itemsize * int(np.prod(self.shape, dtype=np.int64))

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} {list(self.shape)}"


def read_specs(api: Any, engine: Any) -> list[TensorSpec]:
    """Inputs and outputs of a deserialised engine. EngineError for types and shapes that no engine of ours has."""
    specs = []
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        kind, shape = engine.get_tensor_dtype(name).name, tuple(engine.get_tensor_shape(name))
        if kind not in _DTYPES:
            raise EngineError(f"tensor {name}: expected one of the types {', '.join(_DTYPES)}; found {kind}")
        if any(side < 1 for side in shape):
            raise EngineError(f"tensor {name}: expected a fixed shape, found {list(shape)}")
        is_input = engine.get_tensor_mode(name) == api.TensorIOMode.INPUT
        specs.append(TensorSpec(name, is_input, np.dtype(_DTYPES[kind]), shape))
    return specs


def check_input(specs: list[TensorSpec], size: tuple[int, int]) -> None:
    """EngineError unless there is one input, the uint8 image of ``size`` (height, width)."""
    expected = TensorSpec(INPUT_NAME, True, np.dtype(np.uint8), (*size, 3))
    found = [spec for spec in specs if spec.is_input]
    if found != [expected]:
        raise EngineError(f"expected the input {expected}, found {', '.join(map(str, found)) or 'none'}")


class TensorBuffers:
    """Memory of one tensor on the GPU and, page-locked, on the host; ``host`` is a view of the latter."""

    def __init__(self, spec: TensorSpec, device: CudaDevice, stack: ExitStack) -> None:
        """Allocate; ``stack`` frees."""
        self.spec = spec
        self.device_address = device.allocate(spec.size_bytes)
        stack.callback(device.free, self.device_address)
        self.host_address = device.allocate_pinned(spec.size_bytes)
        stack.callback(device.free_pinned, self.host_address)
        memory = (ctypes.c_ubyte * spec.size_bytes).from_address(self.host_address)
        self.host: np.ndarray = np.frombuffer(memoryview(memory), spec.dtype).reshape(spec.shape)
