"""The compiled backend that needs no GPU, for the tests of building."""

from __future__ import annotations

import building_double
import pytest

from ros_anomaly.runtime import backends
from ros_anomaly.runtime.building import builders


@pytest.fixture
def compiled_backend(monkeypatch, tmp_path):
    """Known in this process and in those that it starts for the time of a test; with a cache of the test's own."""
    for module, name in (
        (backends, "BACKENDS"),
        (backends, "BACKEND_NAMES"),
        (backends, "BACKEND_TEXTS"),
        (builders, "_COMPILERS"),
    ):
        value = getattr(module, name)
        monkeypatch.setattr(module, name, dict(value) if isinstance(value, dict) else value)
    building_double.register()
    monkeypatch.setenv("ROS_ANOMALY_CACHE", str(tmp_path / "cache"))
    started = tmp_path / "start"
    started.mkdir()
    log = tmp_path / "builds"
    for name, value in building_double.environment(started, **{building_double.LOG: str(log)}).items():
        monkeypatch.setenv(name, value)

    def builds() -> int:
        """How many builds have begun."""
        return len(log.read_text().splitlines()) if log.exists() else 0

    return builds
