"""Launch files: what they start with which arguments, over a double of ``launch`` and where it is installed over it."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import launch_double
import pytest
from launch_double import ParameterValue, arguments_of, launched, text_of

from ros_anomaly.nodes.settings import PARAMETERS

ROOT = Path(__file__).resolve().parents[2]
LAUNCH_FILES = sorted((ROOT / "launch").glob("*.launch.py"))
DETECTOR, CLOSED_LOOP = ROOT / "launch/detector.launch.py", ROOT / "launch/closed_loop.launch.py"


@pytest.fixture
def double(monkeypatch):
    launch_double.install(monkeypatch)


def executables() -> set[str]:
    """Names that setup.py installs."""
    for node in ast.walk(ast.parse((ROOT / "setup.py").read_text())):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "EXECUTABLES":
            return set(ast.literal_eval(node.value))
    raise AssertionError("setup.py has no EXECUTABLES")


def parameters(context: launch_double.LaunchContext) -> tuple[str, dict]:
    """(parameter file, parameters above it) of the detector."""
    file, *above = context.nodes[0].given["parameters"]
    values = above[0] if above else {}
    return text_of(context, file), {
        name: value.value if isinstance(value, ParameterValue) else value for name, value in values.items()
    }


def remappings(context: launch_double.LaunchContext) -> dict[str, str]:
    return {name: text_of(context, to) for name, to in context.nodes[0].given["remappings"]}


def test_there_are_the_launch_files():
    assert LAUNCH_FILES == [CLOSED_LOOP, DETECTOR]


@pytest.mark.parametrize("path", LAUNCH_FILES, ids=lambda path: path.name)
def test_every_parameter_of_the_node_is_an_argument(double, path):
    names = [argument.name for argument in arguments_of(path)]
    assert {parameter.name for parameter in PARAMETERS} | {"use_sim_time"} <= set(names)


@pytest.mark.parametrize("path", LAUNCH_FILES, ids=lambda path: path.name)
def test_arguments_are_declared_once_and_described(double, path):
    assert all(argument.description for argument in arguments_of(path))
    own = [e.name for e in launch_double.description_of(path).entities if hasattr(e, "default_value")]
    assert len(own) == len(set(own))


@pytest.mark.parametrize("path", LAUNCH_FILES, ids=lambda path: path.name)
def test_executables_and_files_exist(double, path):
    context = launched(path)
    assert {node.given["executable"] for node in context.nodes} <= executables()
    shared = [parameters(context)[0], *context.environment.values()]
    for file in shared:
        assert (ROOT / file.removeprefix("share/ros_anomaly/")).is_file()
    assert set(context.environment) == {"FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE"}


@pytest.mark.parametrize("path", LAUNCH_FILES, ids=lambda path: path.name)
def test_topics_that_are_remapped_are_the_nodes_own(double, path):
    subscribed = set(re.findall(r'"([a-z_/]+)", (?:self\.)', (ROOT / "ros_anomaly/nodes/pipeline.py").read_text()))
    assert {"image", "image/compressed", "camera_info", "odometry"} <= subscribed
    assert set(remappings(launched(path))) <= subscribed


def test_without_arguments_the_detector_starts_itself_and_the_file_says_the_rest(double):
    context = launched(DETECTOR)
    assert parameters(context) == ("share/ros_anomaly/config/detector.yaml", {"autostart": True})
    assert context.nodes[0].given["respawn"] is False


def test_arguments_stand_above_the_parameter_file_in_the_parameters_own_types(double):
    given = {
        "build_if_missing": "true",
        "precision": "fp16",
        "threads": "2",
        "camera.z_m": "1",
        "engine": "1234",
        "autostart": "False",
        "use_sim_time": "true",
        "params_file": "mine.yaml",
    }
    file, values = parameters(launched(DETECTOR, **given))
    assert file == "mine.yaml"
    assert values == {
        "use_sim_time": True,
        "autostart": False,
        "engine": "1234",
        "threads": 2,
        "precision": "fp16",
        "build_if_missing": True,
        "camera.z_m": 1.0,
    }
    assert isinstance(values["camera.z_m"], float)


def test_a_text_is_not_read_as_yaml_once_more(double):
    above = launched(DETECTOR, engine="1234").nodes[0].given["parameters"][1]
    assert above["engine"] == ParameterValue("1234", value_type=str)


def test_a_nan_threshold_is_the_engines_own(double):
    _, values = parameters(launched(DETECTOR, threshold=".nan"))
    assert values["threshold"] != values["threshold"]


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("autostart", "maybe", "parameter autostart: expected bool, found str 'maybe'"),
        ("threads", "2.5", "parameter threads: expected int, found float 2.5"),
        ("threads", "1000", "parameter threads: expected 0 to 256, found 1000"),
        ("precision", "fp8", "parameter precision: expected one of own, fp32, fp16, int8, found 'fp8'"),
        ("camera.z_m", "[", r"parameter camera.z_m: expected float, found str '\['"),
        ("respawn", "often", "parameter respawn: expected bool, found str 'often'"),
    ],
)
def test_bad_arguments_name_expected_and_found(double, name, text, says):
    with pytest.raises(ValueError, match=says):
        launched(DETECTOR, **{name: text})


def test_the_closed_loop_starts_the_same_detector_in_lockstep_with_the_simulator(double):
    context = launched(CLOSED_LOOP, build_if_missing="true")
    assert parameters(context)[1] == {
        "use_sim_time": True,
        "autostart": True,
        "lockstep": True,
        "build_if_missing": True,
    }
    assert remappings(context) == {
        "image": "/carla/ego_vehicle/rgb_front/image",
        "image/compressed": "/carla/ego_vehicle/rgb_front/image/compressed",
        "camera_info": "/carla/ego_vehicle/rgb_front/camera_info",
        "odometry": "/carla/ego_vehicle/odometry",
    }


@pytest.mark.parametrize(
    ("given", "topic"),
    [
        ({}, "/detector/hazard_status"),
        ({"namespace": "car"}, "/car/detector/hazard_status"),
        ({"namespace": "/car/front/", "name": "eye"}, "/car/front/eye/hazard_status"),
    ],
)
def test_the_drives_listen_where_the_detector_answers(double, given, topic):
    drives = launched(CLOSED_LOOP, scenarios="one two", latency_ms="50", **given).nodes[1]
    assert drives.given["arguments"] == ["one", "two", "--status-topic", topic, "--latency-ms", "50"]


def test_everything_ends_with_the_drives(double):
    context = launched(CLOSED_LOOP)
    (handler,) = context.handlers
    assert handler.target_action is context.nodes[1]
    assert [type(action).__name__ for action in handler.on_exit] == ["Shutdown"]


@pytest.mark.parametrize("path", LAUNCH_FILES, ids=lambda path: path.name)
def test_launch_itself_reads_the_file(path):
    pytest.importorskip("launch_ros", reason="launch and launch_ros are not on PyPI; this runs on a ROS install")
    spec = importlib.util.spec_from_file_location("launch_file", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    names = [argument.name for argument in module.generate_launch_description().get_launch_arguments()]
    assert {parameter.name for parameter in PARAMETERS} <= set(names)
