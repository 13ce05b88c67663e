"""A double of NVIDIA's tensorrt module for the run path: plans that score by colour, refusals on demand."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from cuda_double import CudaDouble

from ros_anomaly.data.labels import StreetClass
from ros_anomaly.runtime.manifest import EngineKind, Manifest, file_entry
from ros_anomaly.scores.names import Aggregation

STRIDE = 4


def expected_outputs(image: np.ndarray) -> dict[str, np.ndarray]:
    """What a plan of the double gives: mean red of a cell, less its mean green, over 255; class ids are road."""
    height, width = image.shape[0] // STRIDE, image.shape[1] // STRIDE
    cells = image.astype(np.float32).reshape(height, STRIDE, width, STRIDE, 3).mean((1, 3))
    score = ((cells[..., 0] - cells[..., 1]) / 255).astype(np.float32)
    return {"score": score, "class_ids": np.full((height, width), int(StreetClass.ROAD), np.uint8)}


def make_plan(folder: Path, size: tuple[int, int] = (8, 12), **changes: object) -> tuple[Path, Manifest]:
    """A plan of the double and its manifest; ``changes`` go into the plan's tensors: {name: [type, shape]}."""
    cells = [size[0] // STRIDE, size[1] // STRIDE]
    tensors = {"image": ["UINT8", [*size, 3]], "score": ["FLOAT", cells], "class_ids": ["UINT8", cells], **changes}
    path = folder / "net.engine"
    path.write_text(json.dumps({name: value for name, value in tensors.items() if value is not None}))
    manifest = Manifest(
        name="net",
        kind=EngineKind.FUSED,
        input_size=size,
        output_size=(cells[0], cells[1]),
        num_queries=4,
        files={"engine": file_entry(path)},
        score="uno",
        aggregation=Aggregation.MASKS,
    )
    return path, manifest


class TensorRtDouble:
    """Put it into ``sys.modules`` under the name of the module.

    Attributes:
        refuse: what to refuse: "plan", "context", "address", "run" (every time), "record" (while recording),
            "capture" (says so when asked).
        contexts: how many execution contexts are alive.
    """

    __name__ = "tensorrt"
    TensorIOMode = SimpleNamespace(INPUT="input", OUTPUT="output")

    class ILogger:
        INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)

        def __init__(self) -> None:
            self.is_made = True

    def __init__(self, cuda: CudaDouble, version: str = "10.3.0") -> None:
        self.cuda, self.__version__ = cuda, version
        self.refuse: set[str] = set()
        self.contexts = 0

    def Runtime(self, logger: ILogger) -> SimpleNamespace:
        assert logger.is_made

        def deserialise(plan: bytes) -> _Engine | None:
            if "plan" in self.refuse:
                logger.log(self.ILogger.ERROR, "the plan is\nof another version")
                return None
            return _Engine(self, logger, json.loads(plan))

        return SimpleNamespace(deserialize_cuda_engine=deserialise)


class _Engine:
    def __init__(self, api: TensorRtDouble, logger: TensorRtDouble.ILogger, tensors: dict[str, list]) -> None:
        self._api, self._logger, self._tensors = api, logger, tensors
        self.num_io_tensors = len(tensors)

    def get_tensor_name(self, index: int) -> str:
        return list(self._tensors)[index]

    def get_tensor_dtype(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(name=self._tensors[name][0])

    def get_tensor_shape(self, name: str) -> list[int]:
        return self._tensors[name][1]

    def get_tensor_mode(self, name: str) -> str:
        return "input" if name == "image" else "output"

    def create_execution_context(self) -> _Context | None:
        return None if "context" in self._api.refuse else _Context(self, self._api, self._logger)


class _Context:
    def __init__(self, engine: _Engine, api: TensorRtDouble, logger: TensorRtDouble.ILogger) -> None:
        self._engine, self._api, self._logger = engine, api, logger
        self._addresses: dict[str, int] = {}
        self._runs = 0
        api.contexts += 1

    def __del__(self) -> None:
        self._api.contexts -= 1

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return "address" not in self._api.refuse

    def is_stream_capturable(self, stream: int) -> bool:
        return "capture" not in self._api.refuse

    def execute_async_v3(self, stream: int) -> bool:
        self._runs += 1
        recording = self._runs == 2
        if "run" in self._api.refuse or ("record" in self._api.refuse and recording):
            self._logger.log(self._api.ILogger.ERROR, "a layer failed")
            return False
        # The work may outlive the context in the double's queue, so it must not hold it.
        cuda, addresses, shape = self._api.cuda, dict(self._addresses), self._engine.get_tensor_shape("image")

        def work() -> None:
            size = int(np.prod(shape))
            image = np.frombuffer(bytes(cuda.in_memory(addresses["image"], size)), np.uint8).reshape(shape)
            for name, values in expected_outputs(image).items():
                if name in addresses:
                    cuda.in_memory(addresses[name], values.nbytes)[:] = values.tobytes()

        cuda.enqueue(stream, work)
        return True
