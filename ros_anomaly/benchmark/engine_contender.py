"""An engine as the detector runs it: image in host memory in, maps in host memory out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from ros_anomaly.runtime.contract import Prediction
from ros_anomaly.runtime.engines import load_engine
from ros_anomaly.runtime.errors import EngineError


class EngineContender:
    """``load_engine`` and its ``infer``, checks of every output included.

    Args:
        engine, backend, threads: of ``load_engine``.
        images: ``.npy`` file, uint8 [n, H, W, 3]; they take turns.
    """

    def __init__(self, engine: str, backend: str, threads: int | None, images: str) -> None:
        self._images = np.load(images)
        self._engine = load_engine(engine, backend, threads)

    def run(self, index: int) -> None:
        self.infer(index)

    def infer(self, index: int) -> Prediction:
        """What the engine gives for an image."""
        return self._engine.infer(self._images[index % len(self._images)])

    def facts(self) -> Mapping[str, Any]:
        height, width = self._engine.manifest.output_size
        return {"map_size": f"{width}x{height}"}

    def close(self) -> None:
        self._engine.close()


def make_engine(engine: str, backend: str, images: str, threads: int | None = None) -> EngineContender:
    """Factory of :class:`EngineContender`. EngineError where the engine is not run here."""
    return EngineContender(engine, backend, threads, images)


def make_built_engine(
    source: str, backend: str, precision: str, images: str, threads: int | None = None
) -> EngineContender:
    """As ``make_engine``, of an engine that is built from ``source`` (a manifest) first, or found in the cache.

    int8 is calibrated on ``images``.
    """
    from ros_anomaly.runtime.backends import BackendChoice
    from ros_anomaly.runtime.building.builder import BuildRequest, build_engine
    from ros_anomaly.runtime.building.options import BuildOptions, Precision
    from ros_anomaly.runtime.building.source import open_source

    name = BackendChoice.parse(backend).name
    options = BuildOptions(backend=name, precision=Precision(precision))
    built = build_engine(BuildRequest(open_source(Path(source), name), options, images=list(np.load(images))))
    return EngineContender(str(built.path), backend, threads, images)


def refuse(message: str) -> NoReturn:
    """Factory of what could not be prepared: its failure is ``message``."""
    raise EngineError(message)
