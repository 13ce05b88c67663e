"""Building in a node's worker process: what is to run is found, or built where allowed, and the node is told of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ros_anomaly.runtime.building.builder import BuildRequest, Watch, build_engine
from ros_anomaly.runtime.building.builders import is_compiled
from ros_anomaly.runtime.building.lookup import NotBuiltError, wanted_precision
from ros_anomaly.runtime.building.options import BuildOptions, StalePolicy
from ros_anomaly.runtime.building.source import open_source
from ros_anomaly.runtime.engines import EngineSpec
from ros_anomaly.runtime.locate import manifest_path
from ros_anomaly.runtime.manifest import load_manifest

_Told = TypeVar("_Told")

Tell = Callable[[float, str], None]
"""Told the share done, and who builds where it is not this process; also that it begins, with 0."""


def ensure_built(spec: EngineSpec, tell: Tell, say: Callable[[str], None]) -> bool:
    """Build what ``spec`` asks for unless it is there; returns whether it had to be.

    Args:
        tell: see ``Tell``; called for every whole per cent. What it raises ends the build.
        say: told what a user must know.

    Raises:
        NotBuiltError: it is not there and the policy is not to build it, or it would have to be converted first.
        ValueError: it takes the place of one that was built with options that nobody knows here.
        EngineError: as ``EngineSpec.locate`` and ``build_engine``.
        OSError: the cache folder cannot be written.
    """
    try:
        spec.locate()
        return False
    except NotBuiltError as error:
        policy = spec.build
        if not policy.if_missing or (error.stale and policy.stale is StalePolicy.REFUSE):
            raise
        named = manifest_path(spec.engine)
        source = open_source(named, spec.choice.name)
        precision = wanted_precision(load_manifest(named), policy)
        if precision is not source.manifest.precision or not is_compiled(spec.choice.name):
            raise  # that takes images, or another export, which nodes do not have
        say(f"{error.reason}; it is built now")
        options = BuildOptions(spec.choice.name, precision, policy.workspace_mib)
        if error.replaced is not None:
            options = options.keeping(error.replaced.flags)
    tell(0.0, "")
    watch = Watch(
        progress=_at_change(lambda fraction: tell(fraction, ""), key=lambda fraction: int(100 * fraction)),
        waiting=_at_change(lambda who: tell(0.0, who), key=lambda who: who),
        say=say,
    )
    build_engine(BuildRequest(source, options, cache=policy.cache, stale=policy.stale), watch)
    return True


def _at_change(tell: Callable[[_Told], None], key: Callable[[_Told], object]) -> Callable[[_Told], None]:
    """``tell`` where what is told has another ``key`` than before: a channel that nobody reads from must not fill."""
    last: object = None

    def told(value: _Told) -> None:
        nonlocal last
        if key(value) != last:
            last = key(value)
            tell(value)

    return told
