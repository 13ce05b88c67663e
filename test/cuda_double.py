"""A double of CUDA's driver library: real host memory, work that is done when it is waited for, errors on demand."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

INVALID_VALUE, INVALID_CONTEXT, CAPTURE_INVALIDATED, ILLEGAL_ADDRESS = 1, 201, 901, 700
NO_DEVICE = 100
NAMES = {
    INVALID_VALUE: "CUDA_ERROR_INVALID_VALUE",
    INVALID_CONTEXT: "CUDA_ERROR_INVALID_CONTEXT",
    CAPTURE_INVALIDATED: "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
    ILLEGAL_ADDRESS: "CUDA_ERROR_ILLEGAL_ADDRESS",
    NO_DEVICE: "CUDA_ERROR_NO_DEVICE",
}
_NEED_NO_CONTEXT = ("cuInit", "cuGetError", "cuDevice", "cuCtxSetCurrent")

Work = Callable[[], None]


@dataclass
class Stream:
    """Work that waits; while recording, it goes into ``recorded`` instead."""

    waiting: list[Work] = field(default_factory=list)
    recorded: list[Work] | None = None


class _Function:
    """What ctypes makes of a function of a library, as far as callers use it."""

    def __init__(self, call: Callable[..., int]) -> None:
        self._call = call
        self.argtypes: Any = None
        self.restype: Any = None

    def __call__(self, *arguments: Any) -> int:
        assert self.argtypes is not None and len(arguments) == len(self.argtypes)
        return self._call(*arguments)


class CudaDouble:
    """Pass it where the driver library is expected.

    Attributes:
        calls: names of all calls so far.
        alive: what was made and not released: (kind, handle).
        fail: number of a call (from 0) or its name -> status that it returns instead of working. Calls that release
            do so all the same, as CUDA's do where an earlier error comes to light in them.
        devices: how many GPUs there are.
    """

    def __init__(self, name: str = "Double GPU", capability: tuple[int, int] = (8, 7), devices: int = 1) -> None:
        self.name, self.capability, self.devices = name, capability, devices
        self.calls: list[str] = []
        self.alive: set[tuple[str, int]] = set()
        self.fail: dict[int | str, int] = {}
        self._memory: dict[int, Any] = {}
        self._streams: dict[int, Stream] = {}
        self._graphs: dict[int, list[Work]] = {}
        self._current = threading.local()
        self._next_handle = 1000

    def __getattr__(self, name: str) -> _Function:
        if not name.startswith("cu"):
            raise AttributeError(name)
        work = getattr(type(self), f"_{name}")
        return _Function(lambda *arguments: self._call(name, work, arguments))

    def _call(self, name: str, work: Callable[..., int | None], arguments: tuple[Any, ...]) -> int:
        number = len(self.calls)
        self.calls.append(name)
        status = self.fail.get(number, self.fail.get(name, 0))
        if status and not any(word in name for word in ("Free", "Destroy", "Release")):
            if name == "cuStreamEndCapture":
                self._streams[arguments[0]].recorded = None
            return status
        if not name.startswith(_NEED_NO_CONTEXT) and getattr(self._current, "context", None) is None:
            return INVALID_CONTEXT
        return work(self, *arguments) or status

    def enqueue(self, stream: int, work: Work) -> None:
        """What a library does that puts work of its own on a stream."""
        waiting = self._streams[stream]
        (waiting.waiting if waiting.recorded is None else waiting.recorded).append(work)

    def in_memory(self, address: int, size_bytes: int) -> Any:
        """The bytes at an address, which must be that of memory that was allocated and not freed."""
        assert {("device memory", address), ("pinned memory", address)} & self.alive, "no memory of ours"
        block = self._memory[address]
        assert size_bytes <= len(block), f"{size_bytes} bytes in a block of {len(block)}"
        return (ctypes.c_ubyte * size_bytes).from_buffer(block)

    @contextmanager
    def no_new_calls(self, *allowed: str):
        """Every call within must be one of ``allowed``."""
        before = len(self.calls)
        yield
        assert set(self.calls[before:]) <= set(allowed)

    def _make(self, kind: str) -> int:
        self._next_handle += 1
        self.alive.add((kind, self._next_handle))
        return self._next_handle

    def _unmake(self, kind: str, handle: int) -> int:
        if (kind, handle) not in self.alive:
            return INVALID_VALUE
        self.alive.remove((kind, handle))
        return 0

    def _cuInit(self, flags: int) -> int:
        return 0 if self.devices else NO_DEVICE

    def _cuGetErrorName(self, status: int, text: Any) -> None:
        text._obj.value = NAMES.get(status, "CUDA_ERROR_UNKNOWN").encode()

    def _cuGetErrorString(self, status: int, text: Any) -> None:
        text._obj.value = b"in words"

    def _cuDeviceGetCount(self, count: Any) -> None:
        count._obj.value = self.devices

    def _cuDeviceGet(self, device: Any, ordinal: int) -> None:
        device._obj.value = ordinal

    def _cuDeviceGetName(self, buffer: Any, size: int, device: int) -> None:
        buffer.value = self.name.encode()[: size - 1]

    def _cuDeviceGetAttribute(self, value: Any, attribute: int, device: int) -> None:
        value._obj.value = dict(zip((75, 76), self.capability, strict=True))[attribute]

    def _cuDevicePrimaryCtxRetain(self, context: Any, device: int) -> None:
        context._obj.value = self._make("context")

    def _cuDevicePrimaryCtxRelease_v2(self, device: int) -> int:
        kept = [item for item in self.alive if item[0] == "context"]
        return self._unmake(*kept[0]) if kept else INVALID_CONTEXT

    def _cuCtxSetCurrent(self, context: int) -> int:
        if ("context", context) not in self.alive:
            return INVALID_CONTEXT
        self._current.context = context
        return 0

    def _allocate(self, kind: str, size: int) -> int:
        block = bytearray(b"\xee" * size)
        address = ctypes.addressof((ctypes.c_ubyte * size).from_buffer(block))
        self._memory[address] = block
        self.alive.add((kind, address))
        return address

    def _cuMemAlloc_v2(self, address: Any, size: int) -> None:
        address._obj.value = self._allocate("device memory", size)

    def _cuMemFree_v2(self, address: int) -> int:
        return self._unmake("device memory", address)

    def _cuMemHostAlloc(self, address: Any, size: int, flags: int) -> None:
        address._obj.value = self._allocate("pinned memory", size)

    def _cuMemFreeHost(self, address: int) -> int:
        return self._unmake("pinned memory", address)

    def _cuMemcpyHtoDAsync_v2(self, to_device: int, from_host: int, size: int, stream: int) -> int:
        return self._copy(("device memory", to_device), ("pinned memory", from_host), size, stream)

    def _cuMemcpyDtoHAsync_v2(self, to_host: int, from_device: int, size: int, stream: int) -> int:
        return self._copy(("pinned memory", to_host), ("device memory", from_device), size, stream)

    def _copy(self, to: tuple[str, int], source: tuple[str, int], size: int, stream: int) -> int:
        if to not in self.alive or source not in self.alive:
            return INVALID_VALUE

        def copy() -> None:
            self.in_memory(to[1], size)[:] = bytes(self.in_memory(source[1], size))

        self.enqueue(stream, copy)
        return 0

    def _cuStreamCreate(self, stream: Any, flags: int) -> None:
        handle = stream._obj.value = self._make("stream")
        self._streams[handle] = Stream()

    def _cuStreamDestroy_v2(self, stream: int) -> int:
        return self._unmake("stream", stream)

    def _cuStreamSynchronize(self, stream: int) -> int:
        if self._streams[stream].recorded is not None:
            return CAPTURE_INVALIDATED
        waiting, self._streams[stream].waiting = self._streams[stream].waiting, []
        for work in waiting:
            work()
        return 0

    def _cuStreamBeginCapture_v2(self, stream: int, mode: int) -> None:
        self._streams[stream].recorded = []

    def _cuStreamEndCapture(self, stream: int, graph: Any) -> int:
        recorded, self._streams[stream].recorded = self._streams[stream].recorded, None
        if recorded is None:
            return CAPTURE_INVALIDATED
        handle = graph._obj.value = self._make("graph")
        self._graphs[handle] = recorded
        return 0

    def _cuGraphInstantiateWithFlags(self, executable: Any, graph: int, flags: int) -> None:
        handle = executable._obj.value = self._make("executable graph")
        self._graphs[handle] = self._graphs[graph]

    def _cuGraphLaunch(self, executable: int, stream: int) -> None:
        for work in self._graphs[executable]:
            self.enqueue(stream, work)

    def _cuGraphExecDestroy(self, executable: int) -> int:
        return self._unmake("executable graph", executable)

    def _cuGraphDestroy(self, graph: int) -> int:
        return self._unmake("graph", graph)
