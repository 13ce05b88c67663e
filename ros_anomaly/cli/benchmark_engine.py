"""An engine as a contender: found or exported, built where it must be, or refused with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ros_anomaly.cli import common
from ros_anomaly.cli.benchmark_variants import Variant, variant_manifest

if TYPE_CHECKING:
    from ros_anomaly.benchmark.contender import ContenderSpec

PRECISIONS = ("fp32", "fp16", "int8")
_EXPORTED_AS = {"fp32": "fp32", "fp16": "fp16", "int8": "fp32"}
_ENGINE = "ros_anomaly.benchmark.engine_contender"


@dataclass(frozen=True)
class EngineEntry:
    """Which engine by name or manifest, on which backend (``NAME[:DEVICE][:MODE]``), in which precision and size."""

    engine: str
    backend: str
    precision: str
    size: tuple[int, int]
    group: str


def engine_spec(entry: EngineEntry, images: str, threads: int) -> ContenderSpec:
    """The contender; one that fails with the reason where the engine cannot be had. ``images``: file of the images."""
    from ros_anomaly.benchmark.contender import ContenderSpec
    from ros_anomaly.runtime.backends import BackendChoice
    from ros_anomaly.runtime.building.builders import compiler, is_compiled
    from ros_anomaly.runtime.errors import EngineError
    from ros_anomaly.runtime.usable import obstacle

    label = f"{entry.backend} {entry.precision}"
    facts = {"kind": "engine", "backend": entry.backend, "precision": entry.precision}
    try:
        choice = BackendChoice.parse(entry.backend)
        compiled = is_compiled(choice.name)
        role = compiler(choice.name).source_role if compiled else choice.backend.role
        if reason := obstacle(choice):
            raise EngineError(reason)
        path = variant_manifest(Variant(entry.engine, entry.size, _EXPORTED_AS[entry.precision]), role)
    except (common.CliError, EngineError, ValueError, RuntimeError, OSError, ImportError) as error:
        return refused(label, entry.group, facts, common.one_line(str(error)))
    options = {"backend": entry.backend, "images": images, "threads": threads}
    if compiled or entry.precision == "int8":
        built = {**options, "source": str(path), "precision": entry.precision}
        return ContenderSpec(label, f"{_ENGINE}:make_built_engine", built, entry.group, facts=facts)
    return ContenderSpec(label, f"{_ENGINE}:make_engine", {**options, "engine": str(path)}, entry.group, facts=facts)


def refused(label: str, group: str, facts: dict[str, Any], message: str) -> ContenderSpec:
    """A contender whose failure is ``message``."""
    from ros_anomaly.benchmark.contender import ContenderSpec

    return ContenderSpec(label, f"{_ENGINE}:refuse", {"message": message}, group, facts=facts)
