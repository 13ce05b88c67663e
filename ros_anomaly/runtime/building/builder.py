"""The builder: from an exported engine to one that is built for a backend, in the cache or where it is wanted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ros_anomaly.runtime.building.builders import build_function, compiler, device_identity, is_compiled
from ros_anomaly.runtime.building.cache import Slot, cache_stem
from ros_anomaly.runtime.building.folders import read_folders, writable_folder
from ros_anomaly.runtime.building.info import BuildInfo
from ros_anomaly.runtime.building.lookup import Located, NotBuiltError, fitting
from ros_anomaly.runtime.building.options import BuildOptions, DeviceIdentity, StalePolicy
from ros_anomaly.runtime.building.precision import in_precision
from ros_anomaly.runtime.building.source import Source
from ros_anomaly.runtime.errors import EngineError, ManifestError
from ros_anomaly.runtime.manifest import load_manifest

_SHARE_OF_CONVERSION = 0.3


def _ignore(_: object) -> None:
    pass


@dataclass(frozen=True)
class Watch:
    """Who is told while a build goes on. What any of them raises ends the build and passes.

    Attributes:
        progress: the share done, 0 to 1, never backwards.
        waiting: again and again while another process builds the same engine, with its name.
        say: what a user must know, once.
    """

    progress: Callable[[float], None] = _ignore
    waiting: Callable[[str], None] = _ignore
    say: Callable[[str], None] = _ignore


@dataclass(frozen=True)
class BuildRequest:
    """What to build, from what, and where to.

    Attributes:
        source: the exported engine.
        options: backend, precision and what the compiler is asked for.
        out: manifest to write; None builds into the cache.
        cache: folder of built engines; None takes the user's cache.
        images: uint8 [H, W, 3] RGB of the engine's size, to calibrate int8 on; read once, and only where int8 has to be
            made.
        export: makes the source's file in half precision, of the weights beside it; None goes without, as there is no
            way from one ONNX file to the other.
        stale: whether a built engine that no longer fits is replaced or an error.
        force: build even where the built engine fits.
    """

    source: Source
    options: BuildOptions
    out: Path | None = None
    cache: Path | None = None
    images: Iterable[np.ndarray] = ()
    export: Callable[[Source], bytes] | None = None
    stale: StalePolicy = StalePolicy.REBUILD
    force: bool = False


def build_engine(request: BuildRequest, watch: Watch | None = None) -> Located:
    """The built engine: from the cache where it is there and fits, else built now.

    One process builds at a time; others wait and then find what it built. A builder that dies leaves the engine that
    was there before, and no lock.

    Raises:
        NotBuiltError: a stale engine is there and the policy is to refuse it.
        EngineError: another engine, or no engine at all, is at ``out``, and nothing was said of replacing it.
        EngineError: it cannot be built.
        OSError: the folder given cannot be written.
    """
    watch = watch or Watch()
    machine = _machine(request.options)
    _check_out(request)
    slots = _slots(request, machine, watch)
    if (found := _found(request, slots, machine)) is not None:
        return found
    slot = slots[-1]
    with slot.lock(watch.waiting):
        if (found := _found(request, [slot], machine)) is not None:
            return found
        return _build(request, slot, machine, watch)


def _machine(options: BuildOptions) -> DeviceIdentity:
    """To what the engine will be bound. A network that was only converted is bound to no machine."""
    if is_compiled(options.backend):
        return device_identity(options.backend)
    if options.targets:
        raise EngineError(f"targets: expected a backend that compiles, found {options.backend!r}")
    try:
        # The module's own word: several distributions bring it (onnxruntime, onnxruntime-gpu), each under its own name.
        from onnxruntime import __version__ as version
    except ImportError as error:
        raise EngineError(f"expected the module onnxruntime, which makes int8 networks, found {error}") from error
    return DeviceIdentity(options.backend, version)


def _check_out(request: BuildRequest) -> None:
    """EngineError where something else is at ``out`` than an earlier build of the same source, backend and options."""
    if request.out is None or request.force or not request.out.exists():
        return
    options = request.options
    wanted = (request.source.manifest.name, options.backend, options.precision.value, options.targets, options.flags)
    try:
        there = load_manifest(request.out)
    except ManifestError as error:
        found = str(error)
    else:
        build = there.build
        if build is None:
            found = f"the exported engine {there.name!r}"
        else:
            its = (build.source, build.backend, build.precision.value, build.targets, dict(build.flags))
            if its == wanted:
                return
            found = f"the engine {there.name!r}, which is {_named(*its)}"
    raise EngineError(
        f"{request.out}: expected nothing there, or an engine {_named(*wanted)}, to be replaced; found {found}; "
        "write it elsewhere, or replace what is there with --force"
    )


def _named(source: str, backend: str, precision: str, targets: Sequence[str], flags: Mapping[str, object]) -> str:
    """How an engine was or is to be built, in words."""
    asked = [f"targets {', '.join(targets)}"] if targets else []
    asked += [f"{name} {value}" for name, value in flags.items()]
    return f"built from {source} for {backend} in {precision}" + (f" with {', '.join(asked)}" if asked else "")


def _slots(request: BuildRequest, machine: DeviceIdentity, watch: Watch) -> list[Slot]:
    """Where to look, and last where to build."""
    if request.out is not None:
        request.out.parent.mkdir(parents=True, exist_ok=True)
        return [Slot(request.out.parent, request.out.stem)]
    source, options = request.source, request.options
    bound_to = machine if is_compiled(options.backend) else None
    stem = cache_stem(source.path, source.manifest.name, options.backend, options.precision, bound_to)
    built_in = [Slot(folder, stem) for folder in read_folders(request.cache)]
    if not request.force and _found(request, built_in, machine) is not None:
        return built_in  # nothing will be written, so nobody has to hear that nothing can be
    return [*built_in, Slot(writable_folder(request.cache, watch.say), stem)]


def _found(request: BuildRequest, slots: list[Slot], machine: DeviceIdentity) -> Located | None:
    """The first engine that fits. NotBuiltError where one is stale and that is refused."""
    if request.force:
        return None
    options = request.options
    role = "engine" if is_compiled(options.backend) else "onnx"
    # An engine for given GPUs may be built where there is none of them.
    bound_to = machine if is_compiled(options.backend) and not options.targets else None
    for slot in slots:
        try:
            located = fitting(slot, request.source, role, options.precision, bound_to)
        except NotBuiltError as error:
            if error.stale and request.stale is StalePolicy.REFUSE:
                raise NotBuiltError(f"{error}; not built anew, because stale engines are refused", True) from error
            continue
        build = located.manifest.build
        assert build is not None
        asked = (options.backend, machine.backend_version, options.targets, options.flags)
        if (build.backend, build.backend_version, build.targets, dict(build.flags)) == asked:
            return located
    return None


def _build(request: BuildRequest, slot: Slot, machine: DeviceIdentity, watch: Watch) -> Located:
    source, options = request.source, request.options
    progress = _forward_only(watch.progress)
    file = source.file()
    converts = source.manifest.precision is not options.precision
    compiles = is_compiled(options.backend)
    share = (_SHARE_OF_CONVERSION if compiles else 1.0) if converts else 0.0
    converted = None
    if converts:
        converted = in_precision(source, options.precision, request.images, request.export, _part(progress, 0.0, share))
    if compiles:
        role, suffix = "engine", compiler(options.backend).suffix
        engine = _compiled(file, converted, request, slot, _part(progress, share, 1.0))
    elif converted is not None:
        role, suffix, engine = "onnx", ".onnx", converted
    else:
        raise EngineError(
            f"{source.path}: expected another precision to build for {options.backend} than its own "
            f"({options.precision.value}), found the same; the engine can be run as it is"
        )
    if not engine:
        raise EngineError(f"backend {options.backend!r}: expected a built engine, found none at all (0 bytes)")
    bound = compiles and not options.targets
    info = BuildInfo(
        backend=options.backend,
        backend_version=machine.backend_version,
        precision=options.precision,
        source=source.manifest.name,
        source_sha256=source.sha256,
        device_name=machine.device_name if bound else "",
        compute_capability=machine.compute_capability if bound else "",
        targets=options.targets,
        flags=options.flags,
        # What is built for other machines meets no such folder there.
        source_path="" if options.targets else os.path.relpath(source.path.resolve(), slot.folder.resolve()),
    )
    planned = source.planned(options.backend, options.precision)
    manifest = slot.store(engine, role, suffix, replace(planned, build=info))
    progress(1.0)
    return Located(slot.manifest_path, manifest, slot.folder / manifest.files[role].name)


def _compiled(
    file: Path, converted: bytes | None, request: BuildRequest, slot: Slot, progress: Callable[[float], None]
) -> bytes:
    options = request.options
    if options.timing_cache is None:
        # Measured layer times make the next build of any network of this backend much shorter.
        options = replace(options, timing_cache=slot.folder / f".timing-{options.backend}.cache")
    build = build_function(options.backend)
    if converted is None:
        return build(file, options, progress)
    with slot.work_file(converted, file.suffix) as work_file:
        return build(work_file, options, progress)


def _forward_only(progress: Callable[[float], None]) -> Callable[[float], None]:
    """``progress`` that never goes back and stays within 0 to 1, whatever a compiler tells."""
    furthest = 0.0

    def forward(fraction: float) -> None:
        nonlocal furthest
        furthest = min(max(furthest, fraction), 1.0)
        progress(furthest)

    return forward


def _part(progress: Callable[[float], None], start: float, end: float) -> Callable[[float], None]:
    return lambda fraction: progress(start + (end - start) * fraction)
