"""An engine that has to be built first: the worker process builds it, says how far it is, and never builds it twice."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import building_double
import numpy as np
import pytest
import toy_engine

from ros_anomaly.runtime.building.builder import BuildRequest, build_engine
from ros_anomaly.runtime.building.options import BuildOptions, BuildPolicy, Precision, StalePolicy
from ros_anomaly.runtime.building.source import open_source
from ros_anomaly.runtime.engines import EngineSpec
from ros_anomaly.runtime.errors import WorkerError, WorkerFault
from ros_anomaly.runtime.runner import InProcessRunner, RunnerState
from ros_anomaly.runtime.supervisor import RestartPolicy, WorkerSupervisor
from ros_anomaly.runtime.worker import EngineWorker

IMAGE = np.full((72, 128, 3), toy_engine.MAGENTA, np.uint8)
PATIENCE_S = 120.0

pytestmark = pytest.mark.usefixtures("compiled_backend")


@pytest.fixture
def toy(tmp_path) -> Path:
    folder = tmp_path / "engines"
    folder.mkdir()
    return toy_engine.make_toy_engine(folder)


@pytest.fixture
def supervise():
    """Supervisors, closed at the end."""
    made: list[WorkerSupervisor] = []

    def start(engine: Path, first_pause_s: float = 0.05, **policy) -> WorkerSupervisor:
        policy.setdefault("if_missing", True)
        made.append(WorkerSupervisor(spec(engine, **policy), RestartPolicy(first_pause_s, start_timeout_s=PATIENCE_S)))
        return made[-1]

    yield start
    for supervisor in made:
        supervisor.close()


def spec(engine: Path, **policy) -> EngineSpec:
    return EngineSpec(str(engine), building_double.NAME, 1, build=BuildPolicy(**policy))


def build(engine: Path):
    options = BuildOptions(building_double.NAME, Precision.FP32)
    return build_engine(BuildRequest(open_source(engine, options.backend), options))


def wait_for(supervisor: WorkerSupervisor, *states: RunnerState, final: bool | None = None) -> list[str]:
    """Reasons that the supervisor gave on its way to one of ``states``."""
    reasons: list[str] = []
    deadline = time.monotonic() + PATIENCE_S
    while True:
        status = supervisor.poll()
        if status.reason not in reasons[-1:]:
            reasons.append(status.reason)
        if status.state in states and final in (None, status.final):
            return reasons
        assert time.monotonic() < deadline, reasons
        time.sleep(0.01)


def test_it_is_built_in_the_worker_which_says_how_far_it_is_and_then_runs_it(
    toy, supervise, compiled_backend, monkeypatch, tmp_path
):
    monkeypatch.setenv(building_double.STEPS, "4")
    monkeypatch.setenv(building_double.HOLDS, str(tmp_path / "go"))
    supervisor = supervise(toy)
    planned = supervisor.manifest
    assert planned.threshold is not None and planned.threshold.inherited_from == "toy"
    while supervisor.poll().reason != "building, 50 %":
        assert supervisor.status.state in (RunnerState.STARTING, RunnerState.BUILDING)
        time.sleep(0.01)
    with pytest.raises(WorkerError, match="^building, 50 %$") as caught:
        supervisor.infer(IMAGE)
    assert caught.value.fault is WorkerFault.NOT_READY
    (tmp_path / "go").touch()
    wait_for(supervisor, RunnerState.READY)
    assert supervisor.infer(IMAGE).score.max() == 1
    assert supervisor.manifest.build is not None and supervisor.manifest.files.keys() == {"engine"}
    assert supervisor.manifest.input_size == planned.input_size
    assert compiled_backend() == 1


def test_a_second_start_finds_it_in_the_cache(toy, supervise, compiled_backend):
    build(toy)
    reasons = wait_for(supervise(toy), RunnerState.READY)
    assert not any("building" in reason for reason in reasons) and compiled_backend() == 1


def test_two_nodes_that_start_at_once_build_it_once(toy, supervise, compiled_backend, monkeypatch, tmp_path):
    monkeypatch.setenv(building_double.HOLDS, str(tmp_path / "go"))
    first, second = supervise(toy), supervise(toy)
    reasons: set[str] = set()
    deadline = time.monotonic() + PATIENCE_S
    while {one.poll().state for one in (first, second)} != {RunnerState.READY}:
        reasons |= {one.status.reason for one in (first, second)}
        if any("waiting for process" in reason for reason in reasons):
            (tmp_path / "go").touch()
        assert time.monotonic() < deadline, reasons
        time.sleep(0.01)
    assert compiled_backend() == 1
    assert first.manifest == second.manifest


@pytest.mark.parametrize(
    ("says", "told"), [("operator GridSample is not supported", "GridSample"), ("crash", "ended with status 77")]
)
def test_a_build_that_fails_is_not_tried_again(toy, supervise, compiled_backend, monkeypatch, says, told):
    monkeypatch.setenv(building_double.FAILS, says)
    supervisor = supervise(toy)
    wait_for(supervisor, RunnerState.FAILED, final=True)
    status = supervisor.status
    assert told in status.reason and "could not be built" in status.reason and "configured anew" in status.reason
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        assert supervisor.poll() == status, "nothing is started any more"
    assert compiled_backend() == 1
    monkeypatch.delenv(building_double.FAILS)
    supervisor.close()
    wait_for(supervise(toy), RunnerState.READY)  # configured anew, after what was wrong is mended


def test_a_worker_killed_while_building_is_not_started_again(toy, supervise, compiled_backend, monkeypatch):
    monkeypatch.setenv(building_double.STEP_S, "30")
    supervisor = supervise(toy)
    wait_for(supervisor, RunnerState.BUILDING)
    assert supervisor.status.pid is not None
    os.kill(supervisor.status.pid, signal.SIGKILL)
    wait_for(supervisor, RunnerState.FAILED, final=True)
    assert "was ended by SIGKILL" in supervisor.status.reason
    assert compiled_backend() <= 1  # killed before or while it built


def test_a_build_that_takes_too_long_is_given_up(toy, supervise, monkeypatch):
    monkeypatch.setenv(building_double.STEP_S, "30")
    supervisor = supervise(toy, timeout_s=0.5)
    wait_for(supervisor, RunnerState.FAILED, final=True)
    assert "was not ready within 0.5 s and was killed" in supervisor.status.reason


def test_a_worker_lost_after_the_build_is_replaced_by_one_that_does_not_build(toy, supervise, compiled_backend):
    supervisor = supervise(toy)
    wait_for(supervisor, RunnerState.READY)
    built, pid = supervisor.manifest, supervisor.status.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for(supervisor, RunnerState.FAILED)
    wait_for(supervisor, RunnerState.READY)
    assert supervisor.status.pid != pid and supervisor.manifest is built and compiled_backend() == 1


def test_an_engine_that_was_replaced_is_never_run_under_the_threshold_of_the_old(toy, supervise):
    supervisor = supervise(toy)
    wait_for(supervisor, RunnerState.READY)
    assert supervisor.status.pid is not None
    toy_engine.make_toy_engine(toy.parent, threshold=0.75)
    os.kill(supervisor.status.pid, signal.SIGKILL)
    wait_for(supervisor, RunnerState.FAILED)
    while "was replaced while in use" not in wait_for(supervisor, RunnerState.FAILED)[-1]:
        time.sleep(0.01)
    assert not supervisor.status.final


def test_without_permission_nothing_is_built(toy, supervise, compiled_backend):
    supervisor = supervise(toy, if_missing=False)
    wait_for(supervisor, RunnerState.FAILED)
    assert "ros-anomaly-build-engine" in supervisor.status.reason and not supervisor.status.final
    assert compiled_backend() == 0


@pytest.mark.parametrize("policy", list(StalePolicy))
def test_a_stale_engine_is_rebuilt_or_refused_by_policy(toy, supervise, compiled_backend, monkeypatch, policy):
    build(toy)
    monkeypatch.setenv(building_double.VERSION, "2.0")
    supervisor = supervise(toy, stale=policy)
    if policy is StalePolicy.REFUSE:
        wait_for(supervisor, RunnerState.FAILED)
        assert "double version 1.0, found 2.0" in supervisor.status.reason and compiled_backend() == 1
    else:
        wait_for(supervisor, RunnerState.READY)
        assert supervisor.manifest.build is not None and supervisor.manifest.build.backend_version == "2.0"


def test_a_builder_ends_with_its_parent(toy, monkeypatch, tmp_path):
    monkeypatch.setenv(building_double.STEP_S, "30")
    worker = EngineWorker(spec(toy, if_missing=True), start_timeout_s=PATIENCE_S)
    deadline = time.monotonic() + PATIENCE_S
    while worker.building is None:
        assert not worker.ready and time.monotonic() < deadline
        time.sleep(0.01)
    worker.close()
    monkeypatch.setenv(building_double.STEP_S, "0")
    assert build(toy).manifest.build is not None, "no lock is left"


def test_nothing_is_ever_built_in_the_caller_s_own_process(toy, compiled_backend):
    with pytest.raises(Exception, match="ros-anomaly-build-engine"):
        InProcessRunner(spec(toy, if_missing=True))
    assert compiled_backend() == 0
    build(toy)
    runner = InProcessRunner(spec(toy))
    assert runner.infer(IMAGE).score.max() == 1
    runner.close()
