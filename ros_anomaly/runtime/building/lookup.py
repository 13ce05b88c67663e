"""From what was asked for to what is run: an engine that fits this machine and its source, or the reason why none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ros_anomaly.runtime.building.builders import device_identity, is_compiled
from ros_anomaly.runtime.building.cache import Slot, cache_stem
from ros_anomaly.runtime.building.folders import read_folders
from ros_anomaly.runtime.building.info import BuildInfo
from ros_anomaly.runtime.building.options import BuildPolicy, DeviceIdentity, Precision, StalePolicy
from ros_anomaly.runtime.building.precision import way_to
from ros_anomaly.runtime.building.source import Source, open_source, why_changed
from ros_anomaly.runtime.building.staleness import why_not_here, why_not_of
from ros_anomaly.runtime.errors import EngineError, ManifestError
from ros_anomaly.runtime.manifest import Manifest, load_manifest


class NotBuiltError(EngineError):
    """There is no built engine that may be run.

    Attributes:
        stale: there is one, but it does not fit.
        reason: the message, without what can be done about it.
        replaced: how the engine was built that does not fit, where there is one.
    """

    def __init__(self, reason: str, stale: bool, remedy: str = "", replaced: BuildInfo | None = None) -> None:
        super().__init__(f"{reason}; {remedy}" if remedy else reason)
        self.stale = stale
        self.reason = reason
        self.replaced = replaced


@dataclass(frozen=True)
class Located:
    """An engine that may be run: its manifest, where that lies, and its file, checked by hash."""

    path: Path
    manifest: Manifest
    file: Path


def locate_engine(path: Path, backend: str, role: str, policy: BuildPolicy) -> Located:
    """The engine to run for the manifest at ``path``: itself, or what was built from it, for this machine if need be.

    Args:
        role: of the file that the backend runs.

    Raises:
        NotBuiltError: it has to be built first, and nothing is there that fits.
        EngineError: anything else that is wrong; the message names expected and found.
    """
    manifest = load_manifest(path)
    _check_backend(path, manifest, backend)
    _check_program(path, manifest, role, policy)
    machine = device_identity(backend) if is_compiled(backend) else None
    reason = None
    if _is_complete(manifest, backend, role, policy):
        reason = why_not_here(manifest.build, machine) if manifest.build and machine else None
        reason = reason or why_changed(path, manifest)
        if reason is None:
            try:
                return Located(path, manifest, manifest.file(role, path.parent))
            except ManifestError as error:
                if machine is None:
                    raise
                reason = str(error)
        if policy.stale is StalePolicy.REFUSE:
            raise NotBuiltError(f"{path}: {reason}; an engine that does not fit is never run", stale=True)
    try:
        source = open_source(path, backend)
    except EngineError as error:
        raise NotBuiltError(f"{path}: {reason}; {error}", stale=True) if reason else error from None
    found = NotBuiltError(reason, stale=True, replaced=manifest.build) if reason else None
    return _in_cache(source, backend, role, policy, wanted_precision(manifest, policy), machine, found)


def planned_engine(path: Path, backend: str, role: str, policy: BuildPolicy) -> Manifest:
    """The manifest of what ``locate_engine`` would find, of the files alone: no library is loaded, no machine asked.

    Of an engine that has to be built it is what is planned, without files. Of a compiled one that was named itself it
    is its own, though another may be run in its place where it does not fit this machine.

    Raises:
        EngineError: it can be neither there nor built.
    """
    manifest = load_manifest(path)
    _check_backend(path, manifest, backend)
    _check_program(path, manifest, role, policy)
    if _is_complete(manifest, backend, role, policy):
        if is_compiled(backend):
            return manifest  # whether its file is as it must be is judged together with whether it fits
        if why_changed(path, manifest) is None:
            manifest.file(role, path.parent)
            return manifest
    source = open_source(path, backend)
    source.file()
    return source.planned(backend, wanted_precision(manifest, policy))


def _is_complete(manifest: Manifest, backend: str, role: str, policy: BuildPolicy) -> bool:
    """Whether the manifest is of what the backend runs, and not of what that is built from."""
    if is_compiled(backend):
        return manifest.build is not None and role in manifest.files and policy.precision in (None, manifest.precision)
    return policy.precision in (None, manifest.precision)


def located_manifest(path: Path, backend: str, located_path: Path) -> Manifest:
    """What ``locate_engine`` gave as manifest for the engine at ``path`` when it was found at ``located_path``."""
    manifest = load_manifest(located_path)
    if located_path == path:
        return manifest
    return with_thresholds_of(manifest, open_source(path, backend))


def wanted_precision(named: Manifest, policy: BuildPolicy) -> Precision:
    """The precision that is to be run: the policy's, else that of the engine that was named.

    Where that is a built one, what takes its place has its precision, whatever the source has.
    """
    return policy.precision or named.precision


def fitting(slot: Slot, source: Source, role: str, precision: Precision, machine: DeviceIdentity | None) -> Located:
    """The engine in a slot, if it may be run.

    Args:
        machine: that it must have been built for; None where the engine is bound to none.

    Raises:
        NotBuiltError: there is none, or it does not fit.
    """
    path = slot.manifest_path
    if not path.is_file():
        raise NotBuiltError(f"found no {path.name} in {slot.folder}", stale=False)
    built = None
    try:
        built = load_manifest(path)
        if built.build is None:
            raise NotBuiltError(f"{path}: expected a built engine, found one without a build section", stale=True)
        reason = why_not_of(built.build, source.sha256, precision)
        if reason is None and machine is not None:
            reason = why_not_here(built.build, machine)
        if reason is not None:
            raise NotBuiltError(f"{path}: {reason}", stale=True, replaced=built.build)
        return Located(path, with_thresholds_of(built, source), built.file(role, slot.folder))
    except ManifestError as error:
        raise NotBuiltError(str(error), stale=True, replaced=built.build if built else None) from error


def with_thresholds_of(built: Manifest, source: Source) -> Manifest:
    """``built`` with the thresholds that its source has now, but for those that were calibrated on it itself."""
    own = {name: threshold for name, threshold in built.thresholds.items() if not threshold.inherited_from}
    planned = source.planned(built.name, built.precision).thresholds
    return replace(built, thresholds={**planned, **own})


def _in_cache(
    source: Source,
    backend: str,
    role: str,
    policy: BuildPolicy,
    precision: Precision,
    machine: DeviceIdentity | None,
    named: NotBuiltError | None,
) -> Located:
    """The engine in the cache. ``named``: what is wrong with the one that was named itself."""
    stem = cache_stem(source.path, source.manifest.name, backend, precision, machine)
    found = [named] if named else []
    for folder in read_folders(policy.cache):
        try:
            return fitting(Slot(folder, stem), source, role, precision, machine)
        except NotBuiltError as error:
            found.append(error)
    reasons = [str(error) for error in found]
    stale = any(error.stale for error in found)
    if stale and policy.stale is StalePolicy.REFUSE:
        raise NotBuiltError("; ".join([*reasons, "an engine that does not fit is never run"]), stale=True)
    raise NotBuiltError(
        f"engine {source.manifest.name!r}: expected it built for {backend} in {precision.value} on this machine, found "
        f"none that fits ({'; '.join(reasons)})",
        stale,
        _remedy(source, backend, precision),
        next((error.replaced for error in found if error.replaced), None),
    )


def _remedy(source: Source, backend: str, precision: Precision) -> str:
    """What gives the engine that is missing, in words."""
    own = source.manifest.precision
    command = f"build it with ros-anomaly-build-engine {source.path} --backend {backend} --precision {precision.value}"
    if precision is own:
        if not is_compiled(backend):
            return f"run {source.path} itself"
        return f"{command}, or let the node do it (build_if_missing)"
    if precision is Precision.INT8 and own is Precision.FP32 and source.role == "onnx":
        return f"{command} --images FOLDER_OR_BAG"
    if precision is Precision.FP16 and own is Precision.FP32 and "weights" in source.manifest.files:
        return command
    return way_to(precision, source.role)


def _check_backend(path: Path, manifest: Manifest, backend: str) -> None:
    """Scores, and so thresholds, are those of the backend that an engine was built for.

    A network that was only converted may still be compiled for another.
    """
    built_for = manifest.build.backend if manifest.build is not None else backend
    if built_for != backend and (is_compiled(built_for) or not is_compiled(backend)):
        raise EngineError(f"{path}: expected backend {built_for!r}, which it was built for, found {backend!r}")


def _check_program(path: Path, manifest: Manifest, role: str, policy: BuildPolicy) -> None:
    """A torch program is exported, never built: what is not there, or not so, is no matter of the cache."""
    if role != "torch_program":
        return
    precision = policy.precision or manifest.precision
    if role not in manifest.files or precision is not manifest.precision:
        has = manifest.precision.value if role in manifest.files else "none at all"
        raise EngineError(
            f"{path}: expected a torch program in {precision.value}, found {has}; {way_to(precision, role)}"
        )
