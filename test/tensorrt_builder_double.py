"""A double of the building half of NVIDIA's tensorrt module, version 10: it notes what it is told to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any


@dataclass
class TensorRtBuilderDouble:
    """Put it into ``sys.modules`` under the name of the module.

    Attributes:
        parser_errors: (operator, description) of what the parser refuses; it refuses the file where there are any.
        layers: types of the layers that it made of the file.
        phases: called with the progress monitor while building; gives whether to go on.
        refuse: what goes wrong: "build", "timing cache".
        config: what the builder was told, by the names of attributes and calls.
    """

    __version__: str = "10.3.0"
    parser_errors: list[tuple[str, str]] = field(default_factory=list)
    layers: list[str] = field(default_factory=list)
    phases: Callable[[Any], bool] = lambda monitor: True
    refuse: set[str] = field(default_factory=set)
    config: SimpleNamespace | None = None
    parsed: str = ""
    network_flags: int = -1

    __name__ = "tensorrt"
    NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=1)
    LayerType = SimpleNamespace(GRID_SAMPLE=SimpleNamespace(name="GRID_SAMPLE"), CAST=SimpleNamespace(name="CAST"))
    BuilderFlag = SimpleNamespace(TF32="tf32")
    MemoryPoolType = SimpleNamespace(WORKSPACE="workspace")

    class ILogger:
        INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)

        def __init__(self) -> None:
            self.is_made = True

    class IProgressMonitor:
        def __init__(self) -> None:
            self.is_made = True

    def Builder(self, logger: Any) -> SimpleNamespace:
        return SimpleNamespace(
            create_network=self._create_network,
            create_builder_config=self._create_config,
            build_serialized_network=lambda network, config: self._build(logger, config),
        )

    def OnnxParser(self, network: Any, logger: Any) -> SimpleNamespace:
        def parse(path: str) -> bool:
            self.parsed = path
            return not self.parser_errors

        def error(index: int) -> SimpleNamespace:
            operator, text = self.parser_errors[index]
            return SimpleNamespace(node_operator=lambda: operator, desc=lambda: text)

        return SimpleNamespace(parse_from_file=parse, num_errors=len(self.parser_errors), get_error=error)

    def _create_network(self, flags: int) -> SimpleNamespace:
        self.network_flags = flags
        layers = [SimpleNamespace(type=getattr(self.LayerType, name), name=f"layer of {name}") for name in self.layers]
        return SimpleNamespace(num_layers=len(layers), get_layer=layers.__getitem__)

    def _create_config(self) -> SimpleNamespace:
        told = self.config = SimpleNamespace(cleared=[], pools={}, caches=[], progress_monitor=None)

        def set_timing_cache(cache: bytes, ignore_mismatch: bool) -> bool:
            assert ignore_mismatch is False
            if cache and "timing cache" in self.refuse:
                return False
            told.caches.append(cache)
            return True

        told.clear_flag = told.cleared.append
        told.set_memory_pool_limit = told.pools.__setitem__
        told.create_timing_cache = bytes
        told.set_timing_cache = set_timing_cache
        told.get_timing_cache = lambda: SimpleNamespace(serialize=lambda: bytearray(b"measured"))
        return told

    def _build(self, logger: Any, config: SimpleNamespace) -> bytearray | None:
        if "build" in self.refuse:
            logger.log(self.ILogger.ERROR, "no kernel\nfits")
            return None
        return bytearray(b"plan") if self.phases(config.progress_monitor) else None
