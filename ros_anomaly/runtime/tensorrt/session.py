"""TensorRT plans: everything is allocated when the engine is loaded, and a frame is one launch and one wait."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.manifest import Manifest
from ros_anomaly.runtime.session import INPUT_NAME, SessionOptions
from ros_anomaly.runtime.tensorrt.api import complaints, load_api, logger_of
from ros_anomaly.runtime.tensorrt.device import missing_for
from ros_anomaly.runtime.tensorrt.driver import CudaDevice
from ros_anomaly.runtime.tensorrt.tensors import TensorBuffers, check_input, read_specs

_LOG = logging.getLogger(__name__)


class TensorRtSession:
    """Session over a plan file.

    A frame: the image is copied into page-locked memory; upload, network and downloads are one CUDA graph, recorded
    when the session was made; the outputs are copied out, since callers keep them. No memory of CUDA's is allocated.
    Where a network cannot be recorded the same calls are enqueued one by one (``uses_graph`` says which).

    ``options.threads`` means nothing to a GPU and is not looked at. ``device`` is given by tests alone.

    Raises:
        EngineError: no library, driver or GPU; a plan that this library or GPU refuses, or of other inputs than the
            manifest's. What was allocated until then is freed.
    """

    backend = "tensorrt"

    def __init__(
        self, path: Path, manifest: Manifest, options: SessionOptions, device: CudaDevice | None = None
    ) -> None:
        self._lock = threading.Lock()
        self._api = load_api(self.backend)
        self._logger = logger_of(self._api)
        self._runtime: Any = None
        self._engine: Any = None
        self._context: Any = None
        self._buffers: dict[str, TensorBuffers] = {}
        with ExitStack() as stack:
            self._device = device or CudaDevice()
            stack.callback(self._device.close)
            stack.callback(self._forget)
            self._load(path)
            specs = read_specs(self._api, self._engine)
            try:
                check_input(specs, manifest.input_size)
            except EngineError as error:
                raise EngineError(f"{path}: {error}") from None
            self._stream = self._device.create_stream()
            stack.callback(self._device.destroy_stream, self._stream)
            for spec in specs:
                self._buffers[spec.name] = TensorBuffers(spec, self._device, stack)
            stack.callback(self._device.settle, self._stream)
            self._bind(path)
            self._outputs = [name for name, buffers in self._buffers.items() if not buffers.spec.is_input]
            self._graph = self._record(stack)
            self._stack: ExitStack | None = stack.pop_all()

    @classmethod
    def obstacle(cls, options: SessionOptions) -> str:
        """Why no plan can run on this machine, or an empty text."""
        return missing_for(cls.backend)

    @property
    def uses_graph(self) -> bool:
        """Whether frames run as one recorded CUDA graph."""
        return self._graph is not None

    def run(self, image: np.ndarray) -> Mapping[str, np.ndarray]:
        with self._lock:
            if self._stack is None:
                raise EngineError("expected an open session, found a closed one")
            self._device.make_current()
            np.copyto(self._buffers[INPUT_NAME].host, image)
            if self._graph is not None:
                self._device.launch(self._graph, self._stream)
            else:
                self._enqueue()
            self._device.synchronise(self._stream)
            return {name: self._buffers[name].host.copy() for name in self._outputs}

    def close(self) -> None:
        with self._lock:
            stack, self._stack = self._stack, None
            if stack is not None:
                with stack:
                    try:
                        self._device.make_current()
                    except EngineError as error:
                        _LOG.warning("while closing: %s", error)

    def _load(self, path: Path) -> None:
        self._runtime = self._api.Runtime(self._logger)
        self._engine = self._runtime.deserialize_cuda_engine(path.read_bytes())
        if self._engine is None:
            raise self._failure(f"{path}: expected a plan of {self.backend} {self._api.__version__} for this GPU")
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise self._failure(f"{path}: expected an execution context, found none")

    def _bind(self, path: Path) -> None:
        for name, buffers in self._buffers.items():
            if not self._context.set_tensor_address(name, buffers.device_address):
                raise self._failure(f"{path}: tensor {name} takes no address")

    def _record(self, stack: ExitStack) -> int | None:
        """The frame as a graph, or None where it cannot be recorded."""
        # Once for real: what the library prepares on first use must not end up in the recording.
        self._enqueue()
        self._device.synchronise(self._stream)
        if not getattr(self._context, "is_stream_capturable", lambda stream: True)(self._stream):
            _LOG.warning("frames are enqueued call by call: %s says that this network cannot be recorded", self.backend)
            return None
        try:
            graph = self._device.capture(self._enqueue, self._stream)
        except EngineError as error:
            _LOG.warning("frames are enqueued call by call, since they cannot be recorded as a CUDA graph: %s", error)
            return None
        stack.callback(self._device.destroy_graph, graph)
        return graph

    def _enqueue(self) -> None:
        image = self._buffers[INPUT_NAME]
        self._device.upload(image.device_address, image.host_address, image.spec.size_bytes, self._stream)
        self._logger.complaints.clear()
        if not self._context.execute_async_v3(self._stream):
            raise self._failure(f"{self.backend} refused to run the network")
        for name in self._outputs:
            output = self._buffers[name]
            self._device.download(output.host_address, output.device_address, output.spec.size_bytes, self._stream)

    def _forget(self) -> None:
        """Let the library's objects go, users before what they use."""
        self._context = self._engine = self._runtime = None
        self._buffers = {}

    def _failure(self, what: str) -> EngineError:
        return EngineError(f"{what}; found: {complaints(self._logger)}")


class TensorRtRtxSession(TensorRtSession):
    """As ``TensorRtSession``, for plans of TensorRT-RTX, which compiles kernels for the GPU when a plan is loaded."""

    backend = "tensorrt_rtx"
