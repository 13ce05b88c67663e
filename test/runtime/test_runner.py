"""Runners over real engines: one interface, in a supervised process and in this one."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import pytest
import toy_engine

from ros_anomaly.runtime.engines import EngineSpec
from ros_anomaly.runtime.errors import EngineError, WorkerError, WorkerFault
from ros_anomaly.runtime.runner import InProcessRunner, RunnerState
from ros_anomaly.runtime.supervisor import RestartPolicy, WorkerSupervisor

GREY = np.full((72, 128, 3), 127, np.uint8)
WHITE = np.full((72, 128, 3), 255, np.uint8)


@pytest.fixture(params=[InProcessRunner, WorkerSupervisor])
def runner(request, tmp_path):
    runner = request.param(EngineSpec(str(toy_engine.make_toy_engine(tmp_path)), threads=1))
    yield runner
    runner.close()


def wait_for(runner, state, timeout_s=10.0):
    deadline = time.monotonic() + timeout_s
    while (status := runner.poll()).state is not state:
        assert time.monotonic() < deadline, status
        time.sleep(0.005)
    return status


def test_same_interface_same_results(runner):
    wait_for(runner, RunnerState.READY)
    assert runner.input_size == (72, 128)
    assert runner.manifest.name == "toy"
    assert runner.infer(GREY).score.max() == 0
    with pytest.raises(WorkerError, match="non-finite") as caught:
        runner.infer(WHITE)
    assert caught.value.fault is WorkerFault.ENGINE
    with pytest.raises(ValueError, match="expected uint8"):
        runner.infer(GREY[:10])
    assert runner.infer(GREY).score.max() == 0
    assert runner.status.pid is not None
    runner.close()
    assert runner.poll().state is RunnerState.CLOSED


def test_supervised_worker_comes_back_after_kill_and_after_hang(tmp_path):
    spec = EngineSpec(str(toy_engine.make_toy_engine(tmp_path)), threads=1)
    runner = WorkerSupervisor(spec, RestartPolicy(infer_timeout_s=0.3))
    try:
        first = wait_for(runner, RunnerState.READY).pid
        os.kill(first, signal.SIGKILL)
        killed_at = time.monotonic()
        wait_for(runner, RunnerState.FAILED)
        assert time.monotonic() - killed_at < 1
        second = wait_for(runner, RunnerState.READY).pid
        assert time.monotonic() - killed_at < 10
        assert second != first and runner.infer(GREY).score.max() == 0

        os.kill(second, signal.SIGSTOP)
        with pytest.raises(WorkerError, match="gave no result within 0.3 s"):
            runner.infer(GREY)
        status = wait_for(runner, RunnerState.READY)
        assert status.restarts == 2 and runner.infer(GREY).score.max() == 0
    finally:
        runner.close()


def test_in_process_refuses_a_bad_engine(tmp_path):
    manifest = toy_engine.make_toy_engine(tmp_path)
    manifest.with_suffix(".onnx").write_bytes(b"")
    with pytest.raises(EngineError, match="expected sha256"):
        InProcessRunner(EngineSpec(str(manifest)))
