"""Engines by name and backend, and the checks around every inference."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TypeVar

import numpy as np

from ros_anomaly.runtime.backends import DEFAULT_BACKEND, BackendChoice
from ros_anomaly.runtime.building.builders import is_compiled
from ros_anomaly.runtime.building.lookup import Located, locate_engine, planned_engine
from ros_anomaly.runtime.building.options import BuildPolicy
from ros_anomaly.runtime.contract import Prediction, RawPrediction
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.locate import DEFAULT_ENGINE, manifest_path
from ros_anomaly.runtime.manifest import EngineKind, Manifest
from ros_anomaly.runtime.session import FUSED_OUTPUTS, RAW_OUTPUTS, SCENE_SCORE, Session, SessionOptions


@dataclass(frozen=True)
class EngineSpec:
    """Which engine to run and how.

    Attributes:
        engine: name or path.
        backend: library that runs it, with device and mode where these are not its defaults: ``torch:cuda:compile``
            (``backends.BackendChoice``).
        threads: CPU threads; None leaves it to the backend.
        fingerprint: of the only manifest that will do; None takes whatever is there. A threshold that was taken from
            one engine says nothing of another that came to lie in its place.
        build: what is done about an engine that has to be built for this machine first.
    """

    engine: str = DEFAULT_ENGINE
    backend: str = DEFAULT_BACKEND
    threads: int | None = None
    fingerprint: str | None = None
    build: BuildPolicy = BuildPolicy()

    def __post_init__(self) -> None:
        BackendChoice.parse(self.backend)
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads: expected at least 1, found {self.threads}")

    @property
    def choice(self) -> BackendChoice:
        """The backend, its device and its mode."""
        return BackendChoice.parse(self.backend)

    @property
    def role(self) -> str:
        """Role in the manifest of the file that the backend runs."""
        return self.choice.backend.role

    def check_files(self, kind: EngineKind = EngineKind.FUSED) -> Manifest:
        """The manifest, after a check of kind and of the file that the backend would run: there, with its hash.

        Nothing is loaded, neither network nor library, so a node can cheaply refuse a bad engine before it starts
        anything. Of an engine that has to be built first it is the manifest that this will have; whether what is built
        fits this machine shows when it is located.

        Raises:
            EngineError: something is not so; the message names expected and found.
        """
        manifest = planned_engine(manifest_path(self.engine), self.choice.name, self.role, self.build)
        return self._checked(manifest, kind, pinned=self._is_final(manifest))

    def pinned_to(self, manifest: Manifest) -> EngineSpec:
        """This engine and no other; ``manifest`` is what ``check_files`` gave. Itself where it is not built yet."""
        return replace(self, fingerprint=manifest.fingerprint) if self._is_final(manifest) else self

    def _is_final(self, manifest: Manifest) -> bool:
        """Whether a checked manifest is of the engine that will run, neither planned nor of one that may be stale."""
        return bool(manifest.files) and not is_compiled(self.choice.name)

    def locate(self, kind: EngineKind = EngineKind.FUSED) -> Located:
        """The engine that the backend runs, checked as by ``check_files``, and against this machine if it is compiled.

        Raises:
            NotBuiltError: it has to be built first.
            EngineError: as ``check_files``.
        """
        located = locate_engine(manifest_path(self.engine), self.choice.name, self.role, self.build)
        self._checked(located.manifest, kind, pinned=True)
        return located

    def _checked(self, manifest: Manifest, kind: EngineKind, pinned: bool) -> Manifest:
        path = manifest_path(self.engine)
        if pinned and self.fingerprint not in (None, manifest.fingerprint):
            raise EngineError(
                f"{path}: the engine was replaced while in use; expected the manifest with fingerprint "
                f"{self.fingerprint}, found {manifest.fingerprint}; configure anew to take it"
            )
        if manifest.kind is not kind:
            raise EngineError(f"{path}: expected an engine of kind {kind.value}, found {manifest.kind.value}")
        return manifest


class _CheckedEngine:
    """A session, its manifest, and the checks before and after every run.

    Attributes:
        manifest: of the engine.
        backend: that runs it, as the shortest text of ``BackendChoice``.
    """

    def __init__(self, session: Session, manifest: Manifest, backend: str) -> None:
        self._session: Session | None = session
        self.manifest = manifest
        self.backend = backend

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
    backend: str = DEFAULT_BACKEND,
    threads: int | None = None,
    fingerprint: str | None = None,
) -> FusedEngine:
    """Load a fused engine, check it against its manifest, and run it once.

    Args:
        path_or_name: as ``locate.manifest_path`` takes it.
        backend: as ``EngineSpec`` takes it.
        threads: CPU threads; None leaves it to the backend.
        fingerprint: of the only manifest that will do; None takes whatever is there.

    Raises:
        ValueError: unknown backend, threads below 1.
        EngineError: manifest, files, network or outputs are not what they must be; such an engine is never run.
    """
    return load_located(EngineSpec(os.fspath(path_or_name), backend, threads, fingerprint))


def load_located(spec: EngineSpec, located: Located | None = None) -> FusedEngine:
    """As ``load_engine``, for a specification that is made already and what it located, where that is known."""
    return _warmed_up(FusedEngine(*_load(spec, EngineKind.FUSED, located)))


def load_raw_engine(
    path_or_name: str | os.PathLike[str], backend: str = DEFAULT_BACKEND, threads: int | None = None
) -> RawEngine:
    """As ``load_engine``, for an engine of kind raw."""
    spec = EngineSpec(os.fspath(path_or_name), backend, threads)
    return _warmed_up(RawEngine(*_load(spec, EngineKind.RAW)))


def session_class(choice: BackendChoice) -> type[Session]:
    """The class whose sessions run engines on a backend. EngineError where the backend's library is not installed."""
    module_name, _, class_name = choice.backend.session.partition(":")
    try:
        found: type[Session] = getattr(import_module(module_name), class_name)
    except (ImportError, OSError) as error:  # OSError: a library's own libraries are missing
        raise EngineError(
            f"backend {choice.name}: expected its library to be installed ({choice.backend.install}), found: {error}"
        ) from error
    return found


def check_image(image: np.ndarray, size: tuple[int, int]) -> None:
    """ValueError unless ``image`` is uint8 [H, W, 3] with (H, W) = ``size``."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.shape != (*size, 3):
        found = f"{image.dtype} {list(image.shape)}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ValueError(f"engine image: expected uint8 {[*size, 3]}, found {found}")


def _load(spec: EngineSpec, kind: EngineKind, located: Located | None = None) -> tuple[Session, Manifest, str]:
    located = located or spec.locate(kind)
    options = SessionOptions(spec.threads, spec.choice.device, spec.choice.mode)
    session = session_class(spec.choice)(located.file, located.manifest, options)
    return session, located.manifest, str(spec.choice)


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
