"""NVIDIA's Python modules by the names of our backends, and a log that keeps what they complain about."""

from __future__ import annotations

import logging
from collections import deque
from importlib import import_module
from typing import Any

from ros_anomaly.runtime.errors import EngineError

_LOG = logging.getLogger(__name__)

BACKENDS = ("tensorrt", "tensorrt_rtx")
"""Backends that share one API. The modules bear the same names."""

_OLDEST_TENSORRT = 10
_KEPT_COMPLAINTS = 20


def load_api(backend: str) -> Any:
    """The Python module of ``tensorrt`` or ``tensorrt_rtx``.

    Raises:
        ValueError: another backend.
        EngineError: it is not installed, or too old: networks are strongly typed from TensorRT 10 on.
    """
    if backend not in BACKENDS:
        raise ValueError(f"backend: expected one of {', '.join(BACKENDS)}; found {backend!r}")
    try:
        api = import_module(backend)
    except ImportError as error:
        raise EngineError(f"backend {backend!r}: expected the Python module {backend}, found {error}") from error
    version = api.__version__
    if backend == "tensorrt" and int(version.split(".")[0]) < _OLDEST_TENSORRT:
        raise EngineError(f"backend 'tensorrt': expected TensorRT {_OLDEST_TENSORRT} or later, found {version}")
    return api


_loggers: dict[int, tuple[Any, Any]] = {}


def logger_of(api: Any) -> Any:
    """The ``ILogger`` of this process, without complaints: TensorRT keeps to the first that it is given.

    Warnings go to this package's log, the newest errors are kept in ``complaints``.
    """
    if id(api) not in _loggers:
        _loggers[id(api)] = (api, _make_logger(api))  # with the module, so that its id stays its own
    logger = _loggers[id(api)][1]
    logger.complaints.clear()
    return logger


def _make_logger(api: Any) -> Any:
    severe = (api.ILogger.INTERNAL_ERROR, api.ILogger.ERROR)

    class Logger(api.ILogger):
        def __init__(self) -> None:
            super().__init__()
            self.complaints: deque[str] = deque(maxlen=_KEPT_COMPLAINTS)

        def log(self, severity: Any, message: str) -> None:
            # Complaints end up in the error that is raised; the rest is of use to TensorRT's makers alone.
            if severity in severe:
                self.complaints.append(message)
            elif severity == api.ILogger.WARNING:
                _LOG.warning("%s: %s", api.__name__, message)

    return Logger()


def complaints(logger: Any) -> str:
    """What was complained about, in one line, the first first: it is mostly the cause of the others."""
    lines = dict.fromkeys(" ".join(text.split()) for text in logger.complaints)
    return "; ".join(lines) or "no reason given"
