"""An engine that is held to what a reference gave for the same images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from ros_anomaly.benchmark.engine_contender import EngineContender, make_built_engine, make_engine
from ros_anomaly.network.parity import compare_outputs

_Outputs = dict[str, np.ndarray]


def save_reference(outputs: list[_Outputs], path: str) -> None:
    """Write what a fused engine gave, one an image, to an ``.npz`` file."""
    stacked: dict[str, Any] = {name: np.stack([one[name] for one in outputs]) for name in outputs[0]}
    np.savez(path, **stacked)


class ParityContender:
    """Runs an engine and keeps what it gives; the facts are the differences to the reference.

    Args:
        contender: the engine with its images.
        reference: of ``save_reference``, over the same images.
        threshold: of the decisions that are compared.
    """

    def __init__(self, contender: EngineContender, reference: str, threshold: float | None) -> None:
        self._contender, self._threshold = contender, threshold
        with np.load(reference) as stored:
            self._expected = dict(stored)
        self._found: dict[int, _Outputs] = {}

    def run(self, index: int) -> None:
        prediction = self._contender.infer(index)
        self._found[index] = {"score": prediction.score, "class_ids": prediction.class_ids}

    def facts(self) -> Mapping[str, Any]:
        pairs = [
            ({name: values[index] for name, values in self._expected.items()}, found)
            for index, found in self._found.items()
        ]
        return {**self._contender.facts(), **asdict(compare_outputs(pairs, self._threshold))}

    def close(self) -> None:
        self._contender.close()


def make_parity(
    engine: str, backend: str, images: str, reference: str, threshold: float | None, build: str | None = None
) -> ParityContender:
    """Factory. ``build``: the precision to build the engine in first, for backends whose engines are compiled."""
    if build is None:
        return ParityContender(make_engine(engine, backend, images), reference, threshold)
    return ParityContender(make_built_engine(engine, backend, build, images), reference, threshold)
