"""Backends whose engines are compiled: what from, by which function, and for which machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ros_anomaly.runtime.building.options import BuildOptions, DeviceIdentity
from ros_anomaly.runtime.errors import EngineError

Progress = Callable[[float], None]
"""Told the share done, 0 to 1, never backwards. It may raise: the build is then given up and the exception passes."""

Build = Callable[[Path, BuildOptions, Progress], bytes]
"""Compile the file at a path. EngineError where that fails; it names the operator that is not supported."""


@dataclass(frozen=True)
class Compiler:
    """Where the functions of one backend are; imported when asked for, each needs its own libraries.

    Attributes:
        source_role: manifest role of the file that is compiled.
        build: ``module:function``, a ``Build``.
        suffix: of the file that is built.
        identify: ``module:function`` that takes the backend's name and gives the ``DeviceIdentity`` of this machine.
    """

    source_role: str
    build: str
    suffix: str = ".engine"
    identify: str = "ros_anomaly.runtime.tensorrt.device:device_identity"


_COMPILERS: dict[str, Compiler] = {
    "tensorrt": Compiler("onnx", "ros_anomaly.runtime.tensorrt.plan:build_plan"),
    "tensorrt_rtx": Compiler("onnx", "ros_anomaly.runtime.tensorrt.plan:build_plan"),
    "torch_tensorrt": Compiler("torch_program", "ros_anomaly.runtime.tensorrt.torch_program:build_program", ".pt2"),
}


def is_compiled(backend: str) -> bool:
    """Whether the backend runs engines that were built for one machine."""
    return backend in _COMPILERS


def compiled_backends() -> tuple[str, ...]:
    """Names of the backends whose engines are compiled."""
    return tuple(_COMPILERS)


def compiler(backend: str) -> Compiler:
    """The compiler of a backend. ValueError if its engines are not compiled."""
    if backend not in _COMPILERS:
        raise ValueError(f"backend: expected one that compiles ({', '.join(_COMPILERS)}), found {backend!r}")
    return _COMPILERS[backend]


def build_function(backend: str) -> Build:
    """The function that compiles. EngineError where the backend's library is not installed."""
    build: Build = _imported(backend, compiler(backend).build)
    return build


def device_identity(backend: str) -> DeviceIdentity:
    """This machine, to the backend. EngineError where its library is not installed or its driver does not answer."""
    identity: DeviceIdentity = _imported(backend, compiler(backend).identify)(backend)
    return identity


def _imported(backend: str, where: str) -> Any:
    module, _, function = where.partition(":")
    try:
        return getattr(import_module(module), function)
    except ImportError as error:
        raise EngineError(f"backend {backend!r}: expected its library to be installed, found {error}") from error
