"""Builders killed at any moment: no corrupt engine is ever loaded, what was there stays, the next one builds."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import building_double
import pytest
import toy_engine

from ros_anomaly.runtime.building.builder import BuildRequest, build_engine
from ros_anomaly.runtime.building.lookup import Located, NotBuiltError
from ros_anomaly.runtime.building.options import BuildOptions, Precision
from ros_anomaly.runtime.building.source import open_source
from ros_anomaly.runtime.engines import EngineSpec, load_located
from ros_anomaly.runtime.files import sha256_of

KILLS = 20
WRITES = 6
"""Of a build: the engine's file, its name and its folder, and the same of the manifest."""

pytestmark = pytest.mark.usefixtures("compiled_backend")


@pytest.fixture
def toy(tmp_path) -> Path:
    folder = tmp_path / "engines"
    folder.mkdir()
    return toy_engine.make_toy_engine(folder)


@pytest.fixture(scope="module")
def processes():
    """Starts processes from one that has imported what they need, and has no threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["building_double", "ros_anomaly.runtime.building.builder"])
    return context


@pytest.fixture
def start_builder(processes, toy) -> Callable:
    def start(stamp: int, dies_at: int = -1) -> multiprocessing.Process:
        told = {name: os.environ[name] for name in ("ROS_ANOMALY_CACHE", building_double.LOG)}
        told |= {
            building_double.STAMP: f"{stamp:08d}",
            building_double.PADDING: str(1 << 18),
            building_double.STEP_S: "0.02",
        }
        process = processes.Process(target=building_double.build_in_process, args=(str(toy), told, dies_at))
        process.start()
        return process

    return start


def found(toy: Path) -> Located | None:
    """What would be run, whole; None where nothing is there."""
    try:
        located = EngineSpec(str(toy), building_double.NAME, 1).locate()
    except NotBuiltError:
        return None
    assert sha256_of(located.file) == located.manifest.files["engine"].sha256
    assert building_double.network_of(located.file.read_bytes()) == toy.with_suffix(".onnx").read_bytes()
    return located


def build(toy: Path) -> Located:
    options = BuildOptions(building_double.NAME, Precision.FP32)
    return build_engine(BuildRequest(open_source(toy, options.backend), options, force=True))


def left_in(folder: Path) -> list[str]:
    """Suffixes of what lies in a cache folder."""
    return sorted(path.suffix for path in folder.iterdir())


def test_killed_at_random_moments(toy, start_builder, compiled_backend):
    rng = random.Random(6)
    undisturbed = start_builder(0)
    begun_s = time.monotonic()
    while not compiled_backend():
        assert time.monotonic() - begun_s < 120
        time.sleep(0.001)
    begun_s = time.monotonic()
    undisturbed.join(120)
    assert undisturbed.exitcode == 0
    takes_s = time.monotonic() - begun_s

    cache = found(toy).path.parent
    seen, killed = set(), 0
    for stamp in range(1, 10 * KILLS):
        builds = compiled_backend()
        builder = start_builder(stamp)
        while compiled_backend() == builds and builder.is_alive():
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 1.1 * takes_s))
        builder.kill()
        builder.join(60)
        killed += builder.exitcode == -signal.SIGKILL
        located = found(toy)
        assert located is not None, "what was there before must still be there"
        seen.add(located.file.name)
        if killed == KILLS:
            break
    assert killed == KILLS

    last = build(toy)
    load_located(EngineSpec(str(toy), building_double.NAME, 1), last).close()
    assert left_in(cache) == [".engine", ".json", ".lock"], "what the killed left is swept"
    assert last.file.name not in seen


@pytest.mark.parametrize("dies_at", range(WRITES))
@pytest.mark.parametrize("had_one", [False, True])
def test_killed_before_each_step_that_makes_it_last(toy, start_builder, dies_at, had_one):
    old = build(toy) if had_one else None
    builder = start_builder(1, dies_at)
    builder.join(120)
    assert builder.exitcode == -signal.SIGKILL
    # The manifest's rename, the last step but one, is what makes the new engine the one that is run.
    located = found(toy)
    if dies_at < WRITES - 1:
        assert located == old
    else:
        assert located is not None and located != old
    last = build(toy)
    assert found(toy) == last and left_in(last.path.parent) == [".engine", ".json", ".lock"]


def test_all_steps_are_killed_at(toy, start_builder):
    builder = start_builder(1, WRITES)
    builder.join(120)
    assert builder.exitcode == 0 and found(toy) is not None
