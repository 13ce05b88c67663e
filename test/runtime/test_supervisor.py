"""The supervisor's states, with workers and a clock that the test holds in its hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import toy_engine

from ros_anomaly.runtime.building.options import BuildPolicy
from ros_anomaly.runtime.contract import Prediction
from ros_anomaly.runtime.engines import EngineSpec
from ros_anomaly.runtime.errors import EngineError, WorkerError, WorkerFault
from ros_anomaly.runtime.manifest import Manifest, load_manifest
from ros_anomaly.runtime.runner import RunnerState
from ros_anomaly.runtime.supervisor import RestartPolicy, WorkerSupervisor

IMAGE = np.zeros((72, 128, 3), np.uint8)
RESULT = Prediction(np.zeros((18, 32), np.float32), np.zeros((18, 32), np.uint8))


@dataclass
class FakeWorker:
    pid: int
    manifest: Manifest
    building: str | None = None
    began_building: bool = False
    alive: bool = True
    is_ready: bool = False
    start_error: WorkerError | None = None
    infer_error: WorkerError | None = None
    closed: bool = False

    @property
    def ready(self):
        if self.start_error:
            raise self.start_error
        return self.is_ready

    def infer(self, image):
        if self.infer_error:
            raise self.infer_error
        return RESULT

    def close(self):
        self.closed = True


@dataclass
class World:
    now_s: float = 100.0
    workers: list[FakeWorker] = field(default_factory=list)
    specs: list[EngineSpec] = field(default_factory=list)
    refuse: Exception | None = None

    def clock_s(self):
        return self.now_s

    def start_worker(self, spec, policy):
        if self.refuse:
            raise self.refuse
        self.specs.append(spec)
        self.workers.append(FakeWorker(1000 + len(self.workers), load_manifest(spec.engine)))
        return self.workers[-1]


@pytest.fixture
def world():
    return World()


@pytest.fixture
def spec(tmp_path):
    return EngineSpec(str(toy_engine.make_toy_engine(tmp_path)))


@pytest.fixture
def supervisor(spec, world):
    policy = RestartPolicy(first_pause_s=0.2, longest_pause_s=1.0, good_frames=3, engine_errors=2)
    return WorkerSupervisor(spec, policy, world.clock_s, world.start_worker)


def make_ready(supervisor, world):
    world.workers[-1].is_ready = True
    assert supervisor.poll().state is RunnerState.READY


def test_from_starting_to_ready(supervisor, world):
    assert supervisor.status.state is RunnerState.STARTING
    assert supervisor.status.pid == 1000
    with pytest.raises(WorkerError, match="is starting") as caught:
        supervisor.infer(IMAGE)
    assert caught.value.fault is WorkerFault.NOT_READY
    make_ready(supervisor, world)
    assert supervisor.infer(IMAGE) is RESULT
    assert supervisor.status.restarts == 0


def test_inference_itself_notices_that_the_worker_is_ready(supervisor, world):
    world.workers[-1].is_ready = True
    assert supervisor.infer(IMAGE) is RESULT


def test_death_is_noticed_by_poll_and_mended_after_the_pause(supervisor, world):
    make_ready(supervisor, world)
    world.workers[0].alive = False
    status = supervisor.poll()
    assert (status.state, status.reason, status.pid) == (RunnerState.FAILED, "engine worker (pid 1000) died", None)
    assert world.workers[0].closed
    world.now_s += 0.19
    assert supervisor.poll().state is RunnerState.FAILED
    with pytest.raises(WorkerError, match="died"):
        supervisor.infer(IMAGE)
    world.now_s += 0.02
    assert supervisor.poll().state is RunnerState.STARTING
    make_ready(supervisor, world)
    assert supervisor.status.restarts == 1 and supervisor.status.pid == 1001


@pytest.mark.parametrize("fault", [WorkerFault.DIED, WorkerFault.HUNG])
def test_a_lost_inference_loses_the_worker(supervisor, world, fault):
    make_ready(supervisor, world)
    world.workers[0].infer_error = WorkerError(fault, "the worker's words")
    with pytest.raises(WorkerError, match="the worker's words"):
        supervisor.infer(IMAGE)
    assert supervisor.status.state is RunnerState.FAILED
    assert supervisor.status.reason == "the worker's words"
    assert world.workers[0].closed


def test_single_engine_errors_keep_the_worker_and_a_row_of_them_loses_it(supervisor, world):
    make_ready(supervisor, world)
    error = WorkerError(WorkerFault.ENGINE, "non-finite")
    for infer_error in (error, None, error):
        world.workers[0].infer_error = infer_error
        if infer_error:
            with pytest.raises(WorkerError):
                supervisor.infer(IMAGE)
        else:
            supervisor.infer(IMAGE)
        assert supervisor.status.state is RunnerState.READY
    with pytest.raises(WorkerError):
        supervisor.infer(IMAGE)
    assert supervisor.status.state is RunnerState.FAILED


def lose_and_measure_pause(supervisor, world):
    """Seconds until the next worker starts, to the step of 0.05 s."""
    world.workers[-1].alive = False
    assert supervisor.poll().state is RunnerState.FAILED
    lost_at, started = world.now_s, len(world.workers)
    while len(world.workers) == started:
        world.now_s += 0.05
        supervisor.poll()
    make_ready(supervisor, world)
    return world.now_s - lost_at


def test_pause_doubles_up_to_its_limit_and_good_frames_reset_it(supervisor, world):
    make_ready(supervisor, world)
    pauses = [lose_and_measure_pause(supervisor, world) for _ in range(5)]
    assert pauses == pytest.approx([0.2, 0.4, 0.8, 1.0, 1.0], abs=0.06)
    for _ in range(2):
        supervisor.infer(IMAGE)
    assert lose_and_measure_pause(supervisor, world) == pytest.approx(1.0, abs=0.06)  # two are not three
    for _ in range(3):
        supervisor.infer(IMAGE)
    assert lose_and_measure_pause(supervisor, world) == pytest.approx(0.2, abs=0.06)


def test_failed_start_is_tried_again_with_its_reason_shown(supervisor, world):
    world.workers[0].start_error = WorkerError(WorkerFault.ENGINE, "expected sha256 a, found b")
    assert supervisor.poll().reason == "expected sha256 a, found b"
    world.refuse = EngineError("expected a manifest, found none")
    world.now_s += 1
    assert supervisor.poll().reason == "expected a manifest, found none"
    world.refuse = OSError("no memory")
    world.now_s += 1
    assert (supervisor.poll().state, supervisor.status.reason) == (RunnerState.FAILED, "no memory")
    world.refuse = None
    world.now_s += 1
    assert supervisor.poll().state is RunnerState.STARTING
    make_ready(supervisor, world)


def test_an_engine_that_was_replaced_is_never_run_under_the_old_threshold(spec, world):
    """Callers took the threshold from the manifest of the beginning; another engine's scores are of another scale."""

    def start_checked(spec, policy):
        spec.check_files()  # as EngineWorker does
        return world.start_worker(spec, policy)

    supervisor = WorkerSupervisor(spec, RestartPolicy(), world.clock_s, start_checked)
    make_ready(supervisor, world)
    toy_engine.make_toy_engine(Path(spec.engine).parent, threshold=-0.75)
    assert supervisor.infer(IMAGE) is RESULT, "the worker at hand still runs the engine that it loaded"
    world.workers[0].alive = False
    supervisor.poll()
    world.now_s += 1
    status = supervisor.poll()
    assert status.state is RunnerState.FAILED and "was replaced while in use" in status.reason
    assert "expected" in status.reason and "found" in status.reason and len(world.workers) == 1

    toy_engine.make_toy_engine(Path(spec.engine).parent)  # the old one again, bit by bit
    world.now_s += 1
    assert supervisor.poll().state is RunnerState.STARTING
    make_ready(supervisor, world)


def test_building_is_told_as_it_goes_on_and_forbidden_to_the_next_worker(spec, world):
    spec = replace(spec, build=BuildPolicy(if_missing=True))
    supervisor = WorkerSupervisor(spec, RestartPolicy(), world.clock_s, world.start_worker)
    worker = world.workers[0]
    worker.began_building = True
    for worker.building in ("building, 0 %", "building, 50 %"):
        status = supervisor.poll()
        assert (status.state, status.reason, status.pid) == (RunnerState.BUILDING, worker.building, 1000)
    worker.building = None
    assert supervisor.poll().state is RunnerState.STARTING
    make_ready(supervisor, world)
    worker.alive = False
    supervisor.poll()
    world.now_s += 1
    assert supervisor.poll().state is RunnerState.STARTING
    assert [one.build.if_missing for one in world.specs] == [True, False]


@pytest.mark.parametrize(("building", "final"), [("building, 50 %", True), (None, False)])
def test_a_worker_lost_while_building_is_lost_for_good(spec, world, building, final):
    supervisor = WorkerSupervisor(spec, RestartPolicy(), world.clock_s, world.start_worker)
    world.workers[0].began_building, world.workers[0].building = True, building
    world.workers[0].start_error = WorkerError(WorkerFault.DIED, "was ended by SIGKILL")
    status = supervisor.poll()
    assert (status.state, status.final) == (RunnerState.FAILED, final)
    assert ("could not be built: was ended by SIGKILL" in status.reason) == final
    world.now_s += 100
    assert supervisor.poll().state is (RunnerState.FAILED if final else RunnerState.STARTING)
    assert len(world.workers) == (1 if final else 2)


def test_closed_stays_closed(supervisor, world):
    make_ready(supervisor, world)
    supervisor.close()
    supervisor.close()
    world.now_s += 100
    assert supervisor.poll().state is RunnerState.CLOSED
    assert world.workers[0].closed and len(world.workers) == 1
    with pytest.raises(WorkerError, match="closed"):
        supervisor.infer(IMAGE)


def test_poll_does_not_wait_for_an_inference(supervisor, world):
    make_ready(supervisor, world)
    seen = []

    def infer_that_polls(image):
        seen.append(supervisor.poll().state)  # would never return if poll waited for the lock
        return RESULT

    world.workers[0].infer = infer_that_polls
    supervisor.infer(IMAGE)
    assert seen == [RunnerState.READY]


def test_bad_engine_is_refused_at_once(spec, world, tmp_path):
    (tmp_path / "toy.onnx").write_bytes(b"")
    with pytest.raises(EngineError, match="expected sha256"):
        WorkerSupervisor(spec, None, world.clock_s, world.start_worker)
    assert world.workers == []


@pytest.mark.parametrize(
    "values", [{"first_pause_s": 0}, {"first_pause_s": 6.0}, {"good_frames": 0}, {"infer_timeout_s": -1.0}]
)
def test_policy_checks_itself(values):
    with pytest.raises(ValueError, match="RestartPolicy.*expected .*found"):
        RestartPolicy(**values)
