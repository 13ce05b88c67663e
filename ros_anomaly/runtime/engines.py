"""Engines by name and backend, and the checks around every inference."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TypeVar

import numpy as np

from ros_anomaly.runtime.contract import Prediction, RawPrediction
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.locate import DEFAULT_ENGINE, manifest_path
from ros_anomaly.runtime.manifest import EngineKind, Manifest, load_manifest
from ros_anomaly.runtime.session import FUSED_OUTPUTS, RAW_OUTPUTS, SCENE_SCORE, Session

_BACKENDS: dict[str, tuple[str, str, str]] = {
    # name: (role of the file that it runs, module, class); imported when asked for, each needs its own libraries
    "onnxruntime": ("onnx", "ros_anomaly.runtime.onnxruntime_session", "OnnxRuntimeSession"),
    "torch": ("torch_program", "ros_anomaly.runtime.torch_session", "TorchSession"),
}
BACKEND_NAMES: tuple[str, ...] = tuple(_BACKENDS)


@dataclass(frozen=True)
class EngineSpec:
    """Which engine to run and how.

    Attributes:
        engine: name or path.
        backend: library that runs it.
        threads: CPU threads; None leaves it to the backend.
        fingerprint: of the only manifest that will do; None takes whatever is there. A threshold that was taken from
            one engine says nothing of another that came to lie in its place.
    """

    engine: str = DEFAULT_ENGINE
    backend: str = "onnxruntime"
    threads: int | None = None
    fingerprint: str | None = None

    def __post_init__(self) -> None:
        if self.backend not in _BACKENDS:
            raise ValueError(f"backend: expected one of {', '.join(BACKEND_NAMES)}; found {self.backend!r}")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads: expected at least 1, found {self.threads}")

    def check_files(self, kind: EngineKind = EngineKind.FUSED) -> Manifest:
        """The manifest, after a check of kind and of the file that the backend would run: there, with its hash.

        Nothing is loaded, so a node can cheaply refuse a bad engine before it starts anything.

        Raises:
            EngineError: something is not so; the message names expected and found.
        """
        return self.locate(kind)[1]

    def locate(self, kind: EngineKind) -> tuple[Path, Manifest]:
        """(file that the backend runs, manifest), checked as by ``check_files``."""
        path = manifest_path(self.engine)
        manifest = load_manifest(path)
        if self.fingerprint not in (None, manifest.fingerprint):
            raise EngineError(
                f"{path}: the engine was replaced while in use; expected the manifest with fingerprint "
                f"{self.fingerprint}, found {manifest.fingerprint}; configure anew to take it"
            )
        if manifest.kind is not kind:
            raise EngineError(f"{path}: expected an engine of kind {kind.value}, found {manifest.kind.value}")
        return manifest.file(_BACKENDS[self.backend][0], path.parent), manifest


class _CheckedEngine:
    """A session, its manifest, and the checks before and after every run."""

    def __init__(self, session: Session, manifest: Manifest) -> None:
        self._session: Session | None = session
        self.manifest = manifest

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of the image that ``infer`` takes."""
        return self.manifest.input_size

    def close(self) -> None:
        """Release the network; a second call does nothing."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _run(self, image: np.ndarray, names: tuple[str, ...]) -> Mapping[str, np.ndarray]:
        check_image(image, self.manifest.input_size)
        if self._session is None:
            raise EngineError(f"engine {self.manifest.name!r} is closed")
        try:
            outputs = self._session.run(np.ascontiguousarray(image))
        except Exception as error:  # each backend has exceptions of its own, with no common base
            raise EngineError(f"engine {self.manifest.name!r}: inference failed: {error}") from error
        if missing := [name for name in names if name not in outputs]:
            raise EngineError(f"engine {self.manifest.name!r}: expected outputs {list(names)}, found no {missing[0]!r}")
        return outputs


class FusedEngine(_CheckedEngine):
    """Engine of kind fused. ``infer`` checks shape, type and values of every output of every frame."""

    def infer(self, image: np.ndarray) -> Prediction:
        """Score and class ids of one uint8 [H, W, 3] RGB image of ``input_size``.

        Raises:
            ValueError: image of another shape or dtype.
            EngineError: the backend failed, or an output has the wrong shape or type, or is not finite.
        """
        outputs = self._run(image, FUSED_OUTPUTS)
        size = self.manifest.output_size
        score = _output(outputs, "score", np.float32, size)
        class_ids = _output(outputs, "class_ids", np.uint8, size)
        if (highest := int(class_ids.max())) >= len(self.manifest.classes):
            raise EngineError(f"output class_ids: expected ids below {len(self.manifest.classes)}, found {highest}")
        scene_score = None
        if SCENE_SCORE in outputs:
            scene_score = float(_output(outputs, SCENE_SCORE, np.float32, ()))
        return Prediction(score, class_ids, scene_score)


class RawEngine(_CheckedEngine):
    """Engine of kind raw: class and mask logits, for comparison of scores and debugging."""

    def infer(self, image: np.ndarray) -> RawPrediction:
        """Class logits float32 [N, K+2] and mask logits float32 [N, h, w]; errors as ``FusedEngine.infer``.

        A network without outlier class gives [N, K+1] class logits; the scores check what they need.
        """
        outputs = self._run(image, RAW_OUTPUTS)
        queries, rows = self.manifest.num_queries, len(self.manifest.classes) + 2
        without_outlier = outputs["class_logits"].shape == (queries, rows - 1)
        class_logits = _output(outputs, "class_logits", np.float32, (queries, rows - without_outlier))
        mask_logits = _output(outputs, "mask_logits", np.float32, (queries, *self.manifest.output_size))
        return RawPrediction(class_logits, mask_logits)


_SomeEngine = TypeVar("_SomeEngine", FusedEngine, RawEngine)


def load_engine(
    path_or_name: str | os.PathLike[str] = DEFAULT_ENGINE,
    backend: str = "onnxruntime",
    threads: int | None = None,
    fingerprint: str | None = None,
) -> FusedEngine:
    """Load a fused engine, check it against its manifest, and run it once.

    Args:
        path_or_name: as ``locate.manifest_path`` takes it.
        backend: one of ``BACKEND_NAMES``.
        threads: CPU threads; None leaves it to the backend.
        fingerprint: of the only manifest that will do; None takes whatever is there.

    Raises:
        ValueError: unknown backend, threads below 1.
        EngineError: manifest, files, network or outputs are not what they must be; such an engine is never run.
    """
    spec = EngineSpec(os.fspath(path_or_name), backend, threads, fingerprint)
    return _warmed_up(FusedEngine(*_load(spec, EngineKind.FUSED)))


def load_raw_engine(
    path_or_name: str | os.PathLike[str], backend: str = "onnxruntime", threads: int | None = None
) -> RawEngine:
    """As ``load_engine``, for an engine of kind raw."""
    spec = EngineSpec(os.fspath(path_or_name), backend, threads)
    return _warmed_up(RawEngine(*_load(spec, EngineKind.RAW)))


def check_image(image: np.ndarray, size: tuple[int, int]) -> None:
    """ValueError unless ``image`` is uint8 [H, W, 3] with (H, W) = ``size``."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.shape != (*size, 3):
        found = f"{image.dtype} {list(image.shape)}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ValueError(f"engine image: expected uint8 {[*size, 3]}, found {found}")


def _load(spec: EngineSpec, kind: EngineKind) -> tuple[Session, Manifest]:
    file, manifest = spec.locate(kind)
    _, module_name, class_name = _BACKENDS[spec.backend]
    try:
        make_session = getattr(import_module(module_name), class_name)
    except ImportError as error:
        raise EngineError(f"backend {spec.backend!r}: expected its library to be installed, found {error}") from error
    return make_session(file, manifest, spec.threads), manifest


def _warmed_up(engine: _SomeEngine) -> _SomeEngine:
    """``engine`` after one inference: a wrong output shows at load time, and the first frame is as fast as others."""
    try:
        engine.infer(np.full((*engine.input_size, 3), 127, np.uint8))
    except EngineError as error:
        engine.close()
        raise EngineError(f"engine {engine.manifest.name!r} failed its first run: {error}") from error
    return engine


def _output(outputs: Mapping[str, np.ndarray], name: str, dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    value = outputs[name]
    if value.dtype != dtype or value.shape != shape:
        wanted = np.dtype(dtype).name
        raise EngineError(f"output {name}: expected {wanted} {list(shape)}, found {value.dtype} {list(value.shape)}")
    if dtype is np.float32 and not np.isfinite(value).all():
        bad = int(value.size - np.isfinite(value).sum())
        raise EngineError(f"output {name}: expected finite values, found {bad} of {value.size} non-finite")
    return value
