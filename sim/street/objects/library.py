"""The models by name: what each split may use, and loading through the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import cached_property
from pathlib import Path

from ros_anomaly_sim.street.mesh import Model
from ros_anomaly_sim.street.objects.build import build_catalogue_model
from ros_anomaly_sim.street.objects.furniture import (
    DEBIAN_PACKAGE,
    Entry,
    MissingModelsError,
    furniture_directory,
    read_catalogue,
)
from ros_anomaly_sim.street.objects.shapes import build_shape_model
from ros_anomaly_sim.street.objects.spec import ObjectKind, ObjectSpec
from ros_anomaly_sim.street.objects.store import ModelStore, cache_directory
from ros_anomaly_sim.street.objects.table import OBJECTS
from ros_anomaly_sim.street.splits import Split

Progress = Callable[[int, int, str], None]


class ModelLibrary:
    """Objects of the table as models, read once from the furniture libraries and then from the cache."""

    def __init__(self, furniture: Path | None = None, cache: Path | None = None) -> None:
        self._furniture = furniture or furniture_directory()
        self._store = ModelStore(cache or cache_directory())
        self._loaded: dict[str, Model] = {}

    @cached_property
    def _catalogue(self) -> dict[str, Entry]:
        return read_catalogue(self._furniture)

    def names(self, kind: str, split: Split, form: str | None = None) -> tuple[str, ...]:
        """Names of the objects of a kind ("car", "negative" …) in a split, in the table's order.

        ``form`` narrows a kind ("van", "bench"). Raises ValueError for an unknown kind or split.
        """
        wanted = ObjectKind(kind)
        split = Split(split)
        return tuple(
            spec.name
            for spec in OBJECTS.values()
            if spec.kind == wanted and spec.split == split and form in (None, spec.form)
        )

    def spec(self, name: str) -> ObjectSpec:
        """Row of the table; KeyError that names the object where there is none."""
        if name not in OBJECTS:
            raise KeyError(f"no object {name!r} in the table of {len(OBJECTS)}")
        return OBJECTS[name]

    def load(self, name: str) -> Model:
        """The model of an object, built and stored on first use.

        Raises:
            KeyError: no such object.
            MissingModelsError: the furniture libraries are not installed, or lack the model.
        """
        if name not in self._loaded:
            self._loaded[name] = self._load(self.spec(name))
        return self._loaded[name]

    def _load(self, spec: ObjectSpec) -> Model:
        entry = None if spec.is_computed else self._entry(spec)
        identity = spec.source if entry is None else entry.identity
        model = self._store.read(spec, identity)
        if model is None:
            model = build_shape_model(spec) if entry is None else build_catalogue_model(spec, entry)
            self._store.write(model, spec, identity)
        return model

    def _entry(self, spec: ObjectSpec) -> Entry:
        entry = self._catalogue.get(spec.source)
        if entry is None:
            raise MissingModelsError(
                f"object {spec.name}: {spec.source!r} is not in {self._furniture}: apt-get install {DEBIAN_PACKAGE}"
            )
        return entry

    def prepare(self, names: Iterable[str] | None = None, workers: int = 1, progress: Progress | None = None) -> None:
        """Build and store what the cache lacks (default: every object) with ``workers`` processes.

        ``progress(done, total, name)`` is called after each.
        """
        wanted = list(OBJECTS if names is None else names)
        arguments = [(name, self._furniture, self._store.directory) for name in wanted]
        if workers <= 1:
            for done, argument in enumerate(arguments, start=1):
                _report(progress, done, len(wanted), _prepare_one(*argument))
            return
        with ProcessPoolExecutor(workers) as pool:
            for done, name in enumerate(pool.map(_prepare_one, *zip(*arguments, strict=True), chunksize=4), start=1):
                _report(progress, done, len(wanted), name)


def _report(progress: Progress | None, done: int, total: int, name: str) -> None:
    if progress is not None:
        progress(done, total, name)


def _prepare_one(name: str, furniture: Path, cache: Path) -> str:
    ModelLibrary(furniture, cache).load(name)
    return name
