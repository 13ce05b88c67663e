"""Launch files: what can be checked without ``launch``, and the rest where it is installed."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from ros_anomaly.nodes.settings import BY_NAME

ROOT = Path(__file__).resolve().parents[2]
LAUNCH_FILES = sorted((ROOT / "launch").glob("*.launch.py"))
PARAMETERS_OF_EVERY_NODE = {"use_sim_time"}


def calls(tree: ast.AST, name: str) -> list[ast.Call]:
    return [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", None) == name]


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((k.value for k in call.keywords if k.arg == name), None)


def executables() -> set[str]:
    """Names that setup.py installs."""
    for node in ast.walk(ast.parse((ROOT / "setup.py").read_text())):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "EXECUTABLES":
            return set(ast.literal_eval(node.value))
    raise AssertionError("setup.py has no EXECUTABLES")


def test_there_is_a_detector_launch_file():
    assert "detector.launch.py" in [path.name for path in LAUNCH_FILES]


@pytest.mark.parametrize("path", LAUNCH_FILES, ids=lambda path: path.name)
def test_arguments_are_declared_described_and_all_used(path):
    tree = ast.parse(path.read_text())
    declared = {}
    for call in calls(tree, "DeclareLaunchArgument"):
        name = ast.literal_eval(call.args[0])
        assert keyword(call, "default_value") is not None and keyword(call, "description") is not None, name
        declared[name] = call
    used = {
        ast.literal_eval(c.args[0]) for c in calls(tree, "LaunchConfiguration") if isinstance(c.args[0], ast.Constant)
    }
    overrides = _overrides(tree)
    assert used <= set(declared) and set(overrides) <= set(declared)
    assert set(declared) <= used | set(overrides), "arguments that do nothing"
    for name in ("namespace", "params_file", "use_sim_time", "log_level", "autostart"):
        assert name in declared


@pytest.mark.parametrize("path", LAUNCH_FILES, ids=lambda path: path.name)
def test_executables_parameters_and_files_exist(path):
    tree = ast.parse(path.read_text())
    nodes = calls(tree, "Node")
    assert nodes
    for call in nodes:
        executable = keyword(call, "executable")
        assert executable is not None and ast.literal_eval(executable) in executables()
    assert set(_overrides(tree).values()) <= set(BY_NAME) | PARAMETERS_OF_EVERY_NODE
    for call in calls(tree, "shared_file"):
        assert (ROOT / Path(*[ast.literal_eval(part) for part in call.args])).is_file()


@pytest.mark.parametrize("path", LAUNCH_FILES, ids=lambda path: path.name)
def test_topics_that_are_remapped_are_the_nodes_own(path):
    subscribed = set(re.findall(r'"([a-z_/]+)", (?:self\.)', (ROOT / "ros_anomaly/nodes/pipeline.py").read_text()))
    assert {"image", "image/compressed", "camera_info", "odometry"} <= subscribed
    remapped = {
        ast.literal_eval(pair.elts[0])
        for call in calls(ast.parse(path.read_text()), "Node")
        for pair in getattr(keyword(call, "remappings"), "elts", [])
    }
    assert remapped <= subscribed


@pytest.mark.parametrize("path", LAUNCH_FILES, ids=lambda path: path.name)
def test_launch_itself_reads_the_file(path):
    pytest.importorskip("launch_ros", reason="launch and launch_ros are not on PyPI; this runs on a ROS install")
    spec = importlib.util.spec_from_file_location("launch_file", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.generate_launch_description().get_launch_arguments()


def _overrides(tree: ast.Module) -> dict[str, str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "OVERRIDES":
            return ast.literal_eval(node.value)
    return {}
