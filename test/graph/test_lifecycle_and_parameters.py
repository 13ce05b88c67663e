"""Transitions and parameters from another process, and what a node does that cannot be configured."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from pathlib import Path

import pytest
import toy_engine
from detector_rig import PATIENCE_S, ROOT, SIZE, node_command, picture
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import DescribeParameters, SetParameters
from rclpy.parameter import Parameter as RosParameter

from ros_anomaly.hazard.types import HazardLevel


def change(rig, transition: int) -> bool:
    request = ChangeState.Request(transition=Transition(id=transition))
    return rig.call(ChangeState, "detector/change_state", request).success


def lifecycle_state(rig) -> int:
    return rig.call(GetState, "detector/get_state", GetState.Request()).current_state.id


def set_parameter(rig, name: str, value) -> str:
    """Set a parameter; the empty string, or the reason of the refusal."""
    request = SetParameters.Request(parameters=[RosParameter(name, value=value).to_parameter_msg()])
    (result,) = rig.call(SetParameters, "detector/set_parameters", request).results
    return "" if result.successful else result.reason or "refused without a reason"


def test_every_state_speaks_and_only_active_listens(rig, engine):
    rig.launch(engine, autostart=False)
    rig.wait_for(rig.level_is("unknown", reason="unconfigured"), "UNKNOWN: unconfigured")
    assert lifecycle_state(rig) == State.PRIMARY_STATE_UNCONFIGURED

    assert change(rig, Transition.TRANSITION_CONFIGURE)
    rig.wait_for(rig.level_is("unknown", reason="inactive"), "UNKNOWN: inactive")
    assert any("configuring" in report.state.reason for report in rig.reports())
    assert "unconfigured" in set_parameter(rig, "engine", "another"), "the engine cannot be changed under the node"

    for _ in range(2):
        assert change(rig, Transition.TRANSITION_ACTIVATE)
        rig.wait_for(rig.level_is("unknown", reason="no frame yet"), "UNKNOWN: no frame yet")
        rig.send_until(rig.level_is("clear"), "clear frames")

        assert change(rig, Transition.TRANSITION_DEACTIVATE)
        rig.wait_for(rig.level_is("unknown", reason="inactive"), "UNKNOWN: inactive again")
        masks, statuses = len(rig.mask.messages), len(rig.status.messages)
        rig.send_until(lambda n=statuses: len(rig.status.messages) > n + 5, "heartbeats while inactive")
        assert len(rig.mask.messages) == masks
        assert {report.state.level for report in rig.reports(statuses)} == {HazardLevel.UNKNOWN}

    worker = rig.worker_pid()
    assert change(rig, Transition.TRANSITION_CLEANUP)
    rig.wait_for(rig.level_is("unknown", reason="unconfigured"), "UNKNOWN: unconfigured again")
    assert not Path(f"/proc/{worker}").exists(), "the worker outlived the engine's clean-up"
    assert change(rig, Transition.TRANSITION_CONFIGURE), "configuring a second time"
    assert change(rig, Transition.TRANSITION_INACTIVE_SHUTDOWN)
    rig.wait_for(rig.level_is("unknown", reason="finalized"), "UNKNOWN: finalized")


def test_a_transition_that_the_state_does_not_allow_is_refused_and_nothing_else(rig, engine):
    rig.launch(engine, autostart=False)
    for transition in (Transition.TRANSITION_ACTIVATE, Transition.TRANSITION_DEACTIVATE, 200):
        assert not change(rig, transition)
    assert lifecycle_state(rig) == State.PRIMARY_STATE_UNCONFIGURED
    assert change(rig, Transition.TRANSITION_CONFIGURE)
    assert not change(rig, Transition.TRANSITION_CONFIGURE), "configured already"
    assert lifecycle_state(rig) == State.PRIMARY_STATE_INACTIVE
    rig.wait_for(rig.level_is("unknown", reason="inactive"), "a node that still speaks")


def test_run_time_parameters_are_checked_and_take_effect(detector):
    rig = detector
    assert "out of range Min: 0.1, Max: 20.0, value: -1.0" in set_parameter(rig, "corridor.half_width_m", -1.0)
    assert "hits <= window" in set_parameter(rig, "confirm.hits", 50)
    assert "Wrong parameter type" in set_parameter(rig, "threshold", "high")
    assert "expected a finite number or .nan, found inf" in set_parameter(rig, "threshold", math.inf)
    assert set_parameter(rig, "autostart", False), "can be set at start alone"
    assert set_parameter(rig, "threads", 2), "can be set while unconfigured alone"

    def anomalous():
        return picture(anomaly=True)

    rig.send_until(rig.level_is("hazard"), "a hazard", anomalous)
    assert set_parameter(rig, "threshold", 2.0) == ""
    rig.send_until(rig.level_is("clear"), "nothing above a threshold of 2", anomalous)
    assert rig.wait_for(lambda: rig.diagnostic("engine").get("threshold") == "2", "the threshold in the diagnostics")
    assert set_parameter(rig, "threshold", math.nan) == ""
    rig.send_until(rig.level_is("hazard"), "a hazard at the engine's own threshold", anomalous)
    assert set_parameter(rig, "corridor.length_m", 2.0) == ""
    rig.send_until(rig.level_is("caution", reason="off the corridor"), "an anomaly beyond the corridor", anomalous)
    assert set_parameter(rig, "confirm.recover", 4) == ""
    rig.wait_for(rig.level_is("unknown", reason="parameters changed"), "a monitor that starts afresh")


def test_an_uncalibrated_engine_needs_a_threshold_and_keeps_it(rig, tmp_path):
    rig.launch(toy_engine.make_toy_engine(tmp_path, size=SIZE, threshold=None), threshold=0.5)
    rig.send_until(rig.level_is("clear"), "clear frames")
    assert "expected a threshold" in set_parameter(rig, "threshold", math.nan)
    rig.send_until(rig.level_is("clear"), "clear frames after the refusal")


def test_parameters_describe_themselves(detector):
    request = DescribeParameters.Request(names=["corridor.half_width_m", "engine", "autostart"])
    width, engine, autostart = detector.call(DescribeParameters, "detector/describe_parameters", request).descriptors
    assert width.floating_point_range[0].from_value == pytest.approx(0.1) and width.description
    assert "unconfigured" in engine.additional_constraints and autostart.read_only


def _missing(folder, parameters):
    parameters["engine"] = folder / "nothing.json"
    return "nothing.json"


def _corrupt_network(folder, parameters):
    path = toy_engine.make_toy_engine(folder, size=SIZE)
    with path.with_suffix(".onnx").open("r+b") as file:
        file.write(b"garbage")
    parameters["engine"] = path
    return "expected sha256"


def _corrupt_manifest(folder, parameters):
    path = toy_engine.make_toy_engine(folder, size=SIZE)
    path.write_text(path.read_text()[:40])
    parameters["engine"] = path
    return "expected a JSON manifest"


def _edited(folder, parameters, **changes):
    path = toy_engine.make_toy_engine(folder, size=SIZE)
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    parameters["engine"] = path


def _unknown_score(folder, parameters):
    _edited(folder, parameters, score="guess", thresholds={})
    return "'guess'"


def _other_contract(folder, parameters):
    _edited(folder, parameters, contract_version=99)
    return "expected 1, found 99"


def _other_output_size(folder, parameters):
    """What only shows when the network is loaded, in the worker."""
    _edited(folder, parameters, output_size=[9, 16])
    return "[9, 16]"


def _uncalibrated(folder, parameters):
    parameters["engine"] = toy_engine.make_toy_engine(folder, size=SIZE, threshold=None)
    return "expected a threshold"


def _parameter_out_of_range(folder, parameters):
    parameters["engine"] = toy_engine.make_toy_engine(folder, size=SIZE)
    parameters["corridor.length_m"] = -3.0
    return "parameter corridor.length_m: expected 1 to 500, found -3.0"


def _parameter_of_another_type(folder, parameters):
    parameters["heartbeat_hz"] = "often"
    return "parameter heartbeat_hz: expected float, found str 'often'"


@pytest.mark.parametrize(
    "spoil",
    [
        _missing,
        _corrupt_network,
        _corrupt_manifest,
        _unknown_score,
        _other_contract,
        _other_output_size,
        _uncalibrated,
        _parameter_out_of_range,
        _parameter_of_another_type,
    ],
    ids=lambda spoil: spoil.__name__.strip("_"),
)
def test_autostart_that_fails_ends_with_one_line(domain, tmp_path, spoil):
    parameters: dict = {"engine": "unused"}
    says = spoil(tmp_path, parameters)
    command = node_command(**parameters)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=2 * PATIENCE_S)
    assert done.returncode == 1
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("ros-anomaly-detector: error: ") and says in lines[0], done.stderr
    assert "found" in lines[0] and done.stdout == ""


def test_without_autostart_it_stays_says_why_and_can_be_mended(rig, engine, tmp_path):
    broken = tmp_path / "broken.json"
    rig.launch(broken, autostart=False)
    assert not change(rig, Transition.TRANSITION_CONFIGURE)
    report = rig.wait_for(rig.level_is("unknown", reason="broken.json"), "the reason in the status")
    assert report.state.reason.startswith("unconfigured: ")
    rig.wait_for(lambda: "broken.json" in rig.diagnostic("frames").get("message", ""), "the reason in the diagnostics")
    assert lifecycle_state(rig) == State.PRIMARY_STATE_UNCONFIGURED

    for path in engine.parent.iterdir():
        shutil.copy(path, tmp_path)
    assert set_parameter(rig, "engine", str(tmp_path / engine.name)) == ""
    assert change(rig, Transition.TRANSITION_CONFIGURE) and change(rig, Transition.TRANSITION_ACTIVATE)
    rig.send_until(rig.level_is("clear"), "a node that was mended")


def test_a_bad_parameter_waits_for_a_good_one(rig, engine):
    rig.launch(engine, autostart=False, threads=-1)
    rig.wait_for(rig.level_is("unknown", reason="parameter threads: expected 0 to 256, found -1"), "the reason")
    assert not change(rig, Transition.TRANSITION_CONFIGURE)
    assert set_parameter(rig, "threads", 1) == ""
    assert change(rig, Transition.TRANSITION_CONFIGURE)
