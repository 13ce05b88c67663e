"""TensorRT's file of measured layer times: it makes the next build of a like network quick."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from ros_anomaly.runtime.files import write_atomically

_LOG = logging.getLogger(__name__)


def use_timing_cache(config: Any, path: Path) -> None:
    """Give ``config`` the cache of the file, or an empty one where there is none, or one of another GPU or version."""
    try:
        known = path.read_bytes()
    except FileNotFoundError:
        known = b""
    except OSError as error:
        _LOG.warning("timing cache %s: expected a readable file, found %s", path, error)
        known = b""
    cache = config.create_timing_cache(known)
    if cache is not None and config.set_timing_cache(cache, ignore_mismatch=False):
        return
    if known:
        _LOG.warning("timing cache %s: expected one of this GPU and TensorRT, found another; beginning anew", path)
    config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False)


def keep_timing_cache(config: Any, path: Path) -> None:
    """Write the cache back. A failure is logged: the engine is none the worse."""
    cache = config.get_timing_cache()
    if cache is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, bytes(memoryview(cache.serialize())))
    except OSError as error:
        _LOG.warning("timing cache %s: expected to write it, found %s", path, error)
