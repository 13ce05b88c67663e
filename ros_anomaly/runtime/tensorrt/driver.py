"""One GPU through CUDA's driver: memory, one stream, graphs. The thin layer that the run path stands on."""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.tensorrt.driver_calls import DriverCalls, load_library

_LOG = logging.getLogger(__name__)

_NAME_BYTES = 256
# Values of CUDA's enumerations.
_COMPUTE_CAPABILITY_MAJOR, _COMPUTE_CAPABILITY_MINOR = 75, 76
_STREAM_NON_BLOCKING = 1
_CAPTURE_THREAD_LOCAL = 1


@dataclass(frozen=True)
class Gpu:
    """Name and compute capability, such as "8.7", of a GPU."""

    name: str
    compute_capability: str


def find_gpu(library: Any = None) -> Gpu | None:
    """The first GPU that this process may use (CUDA_VISIBLE_DEVICES), or None. No context is made: that costs nothing.

    Raises:
        EngineError: there is a driver, and it does not answer as it should.
    """
    if library is None:
        try:
            library = load_library()
        except EngineError:
            return None
    calls = DriverCalls(library)
    if (device := _first_device(calls)) is None:
        return None
    name = ctypes.create_string_buffer(_NAME_BYTES)
    calls("cuDeviceGetName", name, _NAME_BYTES, device)
    major = calls.integer("cuDeviceGetAttribute", _COMPUTE_CAPABILITY_MAJOR, device)
    minor = calls.integer("cuDeviceGetAttribute", _COMPUTE_CAPABILITY_MINOR, device)
    return Gpu(name.value.decode(errors="replace"), f"{major}.{minor}")


def _first_device(calls: DriverCalls) -> int | None:
    try:
        calls("cuInit", 0)
    except EngineError as error:
        if "NO_DEVICE" in str(error):
            return None
        raise
    return calls.integer("cuDeviceGet", 0) if calls.integer("cuDeviceGetCount") else None


class CudaDevice:
    """The primary context of the first GPU, which TensorRT and torch use as well.

    Addresses and handles are plain integers. Whoever allocates or creates also releases, before ``close``. What fails
    while something is released is logged and not raised: nobody could do anything about it.

    Raises:
        EngineError: no driver, no GPU, or the driver refuses; so do all methods that take or run something.
    """

    def __init__(self, library: Any = None) -> None:
        self._calls = DriverCalls(load_library() if library is None else library)
        device = _first_device(self._calls)
        if device is None:
            raise EngineError("CUDA: expected a GPU, found none")
        self._device: int | None = device
        self._context = self._calls.handle("cuDevicePrimaryCtxRetain", device)
        try:
            self.make_current()
        except EngineError:
            self.close()
            raise

    def make_current(self) -> None:
        """Let the calling thread use the GPU: contexts are per thread, and frames may come from any."""
        self._calls("cuCtxSetCurrent", self._context)

    def close(self) -> None:
        """Give the context back; a second call does nothing."""
        if self._device is not None:
            device, self._device = self._device, None
            self._release("cuDevicePrimaryCtxRelease_v2", device)

    def allocate(self, size_bytes: int) -> int:
        """Address of new memory on the GPU."""
        return self._calls.address("cuMemAlloc_v2", size_bytes)

    def free(self, address: int) -> None:
        self._release("cuMemFree_v2", address)

    def allocate_pinned(self, size_bytes: int) -> int:
        """Address of new page-locked host memory, from which the GPU copies by itself."""
        return self._calls.handle("cuMemHostAlloc", size_bytes, 0)

    def free_pinned(self, address: int) -> None:
        self._release("cuMemFreeHost", address)

    def create_stream(self) -> int:
        """A new stream, which does not wait for the default one."""
        return self._calls.handle("cuStreamCreate", _STREAM_NON_BLOCKING)

    def destroy_stream(self, stream: int) -> None:
        self._release("cuStreamDestroy_v2", stream)

    def upload(self, to_device: int, from_host: int, size_bytes: int, stream: int) -> None:
        """Enqueue a copy from pinned host memory to the GPU."""
        self._calls("cuMemcpyHtoDAsync_v2", to_device, from_host, size_bytes, stream)

    def download(self, to_host: int, from_device: int, size_bytes: int, stream: int) -> None:
        """Enqueue a copy from the GPU to pinned host memory."""
        self._calls("cuMemcpyDtoHAsync_v2", to_host, from_device, size_bytes, stream)

    def synchronise(self, stream: int) -> None:
        """Wait until all that was enqueued is done; errors of that work show here."""
        self._calls("cuStreamSynchronize", stream)

    def settle(self, stream: int) -> None:
        """As ``synchronise``, before something is released: errors are logged."""
        self._release("cuStreamSynchronize", stream)

    def capture(self, enqueue: Callable[[], None], stream: int) -> int:
        """Record what ``enqueue`` puts on the stream, without running it, as a graph to ``launch``."""
        self._calls("cuStreamBeginCapture_v2", stream, _CAPTURE_THREAD_LOCAL)
        try:
            enqueue()
        except BaseException:
            self._end_broken_capture(stream)
            raise
        graph = self._calls.handle("cuStreamEndCapture", before=(stream,))
        try:
            return self._calls.handle("cuGraphInstantiateWithFlags", graph, 0)
        finally:
            self._release("cuGraphDestroy", graph)

    def launch(self, graph: int, stream: int) -> None:
        """Enqueue all that was recorded."""
        self._calls("cuGraphLaunch", graph, stream)

    def destroy_graph(self, graph: int) -> None:
        self._release("cuGraphExecDestroy", graph)

    def _end_broken_capture(self, stream: int) -> None:
        """Bring the stream out of recording, so that it can be used as if nothing had been tried."""
        try:
            graph = self._calls.handle("cuStreamEndCapture", before=(stream,))
        except EngineError as error:
            _LOG.debug("end of a broken capture: %s", error)
        else:
            self._release("cuGraphDestroy", graph)

    def _release(self, name: str, handle: int) -> None:
        try:
            self._calls(name, handle)
        except EngineError as error:
            _LOG.warning("%s", error)
