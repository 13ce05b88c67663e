"""The run path of plans over doubles of CUDA's driver and of the library: order, memory, and an error at every call."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from cuda_double import ILLEGAL_ADDRESS, CudaDouble
from tensorrt_double import TensorRtDouble, expected_outputs, make_plan

from ros_anomaly.runtime.building.info import BuildInfo
from ros_anomaly.runtime.building.options import Precision
from ros_anomaly.runtime.engines import load_engine
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.session import SessionOptions
from ros_anomaly.runtime.tensorrt import driver
from ros_anomaly.runtime.tensorrt.driver import CudaDevice
from ros_anomaly.runtime.tensorrt.session import TensorRtRtxSession, TensorRtSession

SIZE = (8, 12)
A_FRAME = ["cuCtxSetCurrent", "cuGraphLaunch", "cuStreamSynchronize"]


def frames(count, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8) for _ in range(count)]


class Machine:
    """Doubles of GPU and library, and a plan that fits them."""

    def __init__(self, folder, monkeypatch):
        self.cuda = CudaDouble()
        self.api = TensorRtDouble(self.cuda)
        self.path, self.manifest = make_plan(folder, SIZE)
        for name in ("tensorrt", "tensorrt_rtx"):
            monkeypatch.setitem(sys.modules, name, self.api)

    def session(self, kind=TensorRtSession, **changes):
        if changes:
            self.path, self.manifest = make_plan(self.path.parent, SIZE, **changes)
        return kind(self.path, self.manifest, SessionOptions(), CudaDevice(self.cuda))

    def nothing_is_left(self):
        return not self.cuda.alive and self.api.contexts == 0


@pytest.fixture
def machine(tmp_path, monkeypatch):
    return Machine(tmp_path, monkeypatch)


def assert_right(outputs, image):
    expected = expected_outputs(image)
    assert set(outputs) == set(expected)
    for name, values in expected.items():
        assert outputs[name].dtype == values.dtype
        np.testing.assert_array_equal(outputs[name], values)


@pytest.mark.parametrize("kind", [TensorRtSession, TensorRtRtxSession])
def test_outputs_are_those_of_each_image(machine, kind):
    session = machine.session(kind)
    for image in frames(3):
        assert_right(session.run(image), image)


def test_outputs_are_the_caller_s_to_keep(machine):
    session = machine.session()
    first, second = frames(2)
    kept = session.run(first)
    session.run(second)
    assert_right(kept, first)
    session.close()
    assert_right(kept, first)


def test_a_frame_is_one_launch_and_one_wait_and_allocates_nothing(machine):
    session = machine.session()
    assert session.uses_graph
    for image in frames(3):
        before, alive = len(machine.cuda.calls), set(machine.cuda.alive)
        session.run(image)
        assert machine.cuda.calls[before:] == A_FRAME
        assert machine.cuda.alive == alive


def test_one_pair_of_buffers_a_tensor_one_stream_one_graph(machine):
    machine.session()
    kinds = [kind for kind, _ in machine.cuda.alive]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "context": 1,
        "stream": 1,
        "device memory": 3,
        "pinned memory": 3,
        "executable graph": 1,
    }


@pytest.mark.parametrize("refusal", ["capture", "record"])
def test_what_cannot_be_recorded_is_enqueued_call_by_call(machine, refusal, caplog):
    machine.api.refuse = {refusal}
    session = machine.session()
    assert not session.uses_graph and "enqueued call by call" in caplog.text
    image = frames(1)[0]
    before = len(machine.cuda.calls)
    assert_right(session.run(image), image)
    copies = ["cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2", "cuMemcpyDtoHAsync_v2"]
    assert machine.cuda.calls[before:] == ["cuCtxSetCurrent", *copies, "cuStreamSynchronize"]
    session.close()
    assert machine.nothing_is_left()


@pytest.mark.parametrize("call", ["cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags"])
def test_a_driver_that_cannot_record_is_no_reason_to_fail(machine, call):
    machine.cuda.fail = {call: 801}
    session = machine.session()
    assert not session.uses_graph
    image = frames(1)[0]
    assert_right(session.run(image), image)
    session.close()
    assert machine.nothing_is_left()


def test_close_frees_everything_and_may_come_twice(machine):
    session = machine.session()
    session.run(frames(1)[0])
    session.close()
    assert machine.nothing_is_left()
    calls = len(machine.cuda.calls)
    session.close()
    assert len(machine.cuda.calls) == calls
    with pytest.raises(EngineError, match="found a closed one"):
        session.run(frames(1)[0])


def test_a_frame_and_the_close_may_come_from_other_threads(machine):
    session = machine.session()
    image, results = frames(1)[0], []

    def elsewhere(work):
        thread = threading.Thread(target=lambda: results.append(work()))
        thread.start()
        thread.join()

    elsewhere(lambda: session.run(image))
    assert_right(results[0], image)
    elsewhere(session.close)
    assert machine.nothing_is_left()


def test_an_error_at_any_call_of_loading_is_told_and_nothing_is_left(machine):
    machine.session().close()
    calls = machine.cuda.calls
    loading = calls[: len(calls) - calls[::-1].index("cuCtxSetCurrent")]  # the last one begins to close
    survived = set()
    for number, name in enumerate(loading):
        machine.cuda.__init__()
        machine.cuda.fail = {number: ILLEGAL_ADDRESS}
        try:
            session = machine.session()
        except EngineError as error:
            assert f"{name} failed with CUDA_ERROR_ILLEGAL_ADDRESS: in words" in str(error)
        else:
            survived.add(name)
            session.close()
        assert machine.nothing_is_left(), f"after a failure of {name} (call {number})"
    # Recording is the one thing that is done without, and what only releases is logged.
    recording = {"cuStreamBeginCapture_v2", "cuStreamEndCapture", "cuGraphInstantiateWithFlags", "cuGraphDestroy"}
    copies = {"cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2"}
    assert recording <= survived <= recording | copies | {"cuCtxSetCurrent"}


@pytest.mark.parametrize("name", A_FRAME)
def test_an_error_at_any_call_of_a_frame_is_told_and_the_next_frame_is_right(machine, name):
    session = machine.session()
    first, second = frames(2)
    machine.cuda.fail = {name: ILLEGAL_ADDRESS}
    with pytest.raises(EngineError, match=f"{name} failed with CUDA_ERROR_ILLEGAL_ADDRESS"):
        session.run(first)
    machine.cuda.fail = {}
    assert_right(session.run(second), second)
    session.close()
    assert machine.nothing_is_left()


def test_errors_while_closing_are_logged_and_the_rest_is_freed(machine, caplog):
    session = machine.session()
    machine.cuda.fail = {
        name: ILLEGAL_ADDRESS
        for name in ("cuStreamSynchronize", "cuMemFree_v2", "cuMemFreeHost", "cuStreamDestroy_v2", "cuGraphExecDestroy")
    }
    session.close()
    assert machine.nothing_is_left()
    assert "cuMemFree_v2 failed" in caplog.text and "cuStreamSynchronize failed" in caplog.text


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        ("plan", "expected a plan of tensorrt 10.3.0 for this GPU; found: the plan is of another version"),
        ("context", "expected an execution context, found none; found: no reason given"),
        ("address", "tensor image takes no address"),
        ("run", "refused to run the network; found: a layer failed"),
    ],
)
def test_what_the_library_refuses_is_told_and_nothing_is_left(machine, refusal, message):
    machine.api.refuse = {refusal}
    with pytest.raises(EngineError, match=message):
        machine.session()
    assert machine.nothing_is_left()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"image": ["UINT8", [8, 16, 3]]},
            r"expected the input image uint8 \[8, 12, 3\], found image uint8 \[8, 16, 3\]",
        ),
        ({"image": ["FLOAT", [8, 12, 3]]}, r"found image float32 \[8, 12, 3\]"),
        ({"image": None}, "found none"),
        ({"score": ["FLOAT", [-1, 3]]}, r"tensor score: expected a fixed shape, found \[-1, 3\]"),
        ({"score": ["FP8", [2, 3]]}, "tensor score: expected one of the types .*found FP8"),
    ],
)
def test_a_plan_of_other_tensors_is_refused(machine, changes, message):
    with pytest.raises(EngineError, match=message):
        machine.session(**changes)
    assert machine.nothing_is_left()


def test_a_built_engine_runs_by_its_manifest_on_the_gpu_that_it_was_built_for(machine, monkeypatch, tmp_path):
    monkeypatch.setattr(driver, "load_library", lambda: machine.cuda)
    build = BuildInfo("tensorrt", "10.3.0", Precision.FP32, "net", "0" * 64, "Double GPU", "8.7")
    replace(machine.manifest, build=build).save(tmp_path / "net.json")
    engine = load_engine(tmp_path / "net.json", "tensorrt")
    image = frames(1)[0]
    np.testing.assert_array_equal(engine.infer(image).score, expected_outputs(image)["score"])
    engine.close()
    assert machine.nothing_is_left()
    machine.cuda.capability = (8, 9)
    with pytest.raises(EngineError, match=r"8\.7.*8\.9"):
        load_engine(tmp_path / "net.json", "tensorrt")
    assert machine.nothing_is_left()


def test_no_gpu_and_no_driver(machine):
    with pytest.raises(EngineError, match="CUDA: expected a GPU, found none"):
        CudaDevice(CudaDouble(devices=0))
    with pytest.raises(EngineError, match="expected a driver with cuInit .*found one without"):
        CudaDevice(object())
