"""Who may import whom: the rooms' import table, held over the syntax tree of every module."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# What every room may import. All of it needs the standard library only; checked needs YAML besides.
OPEN = {"ros_anomaly.share", "ros_anomaly.choice", "ros_anomaly.limits", "ros_anomaly.signals", "ros_anomaly.checked"}
# room -> what of ours it may import besides itself; a dotted entry allows that module alone or the room below it.
ROOMS: dict[str, set[str]] = {
    "ros_anomaly.share": set(),
    "ros_anomaly.choice": set(),
    "ros_anomaly.limits": set(),
    "ros_anomaly.signals": set(),
    "ros_anomaly.checked": set(),
    "ros_anomaly.data": set(),
    "ros_anomaly.scores": {"ros_anomaly.data.labels"},
    "ros_anomaly.hazard": {"ros_anomaly.data.labels"},
    "ros_anomaly.messages": {"ros_anomaly.data.labels", "ros_anomaly.hazard.types"},
    "ros_anomaly.bags": {"ros_anomaly.messages", "ros_anomaly.data.labels", "ros_anomaly.hazard.types"},
    "ros_anomaly.network": {"ros_anomaly.scores", "ros_anomaly.data.labels"},
    "ros_anomaly.runtime": {"ros_anomaly.scores", "ros_anomaly.data.labels"},
    "ros_anomaly.detector": {"ros_anomaly.runtime", "ros_anomaly.hazard", "ros_anomaly.data.labels"},
    "ros_anomaly.training": {
        "ros_anomaly.network",
        "ros_anomaly.scores",
        "ros_anomaly.data",
        "ros_anomaly.runtime",
        "ros_anomaly.evaluation.metrics",
    },
    "ros_anomaly.evaluation": {
        "ros_anomaly.detector",
        "ros_anomaly.runtime",
        "ros_anomaly.scores",
        "ros_anomaly.data",
        "ros_anomaly.hazard",
        "ros_anomaly.messages",
        "ros_anomaly.bags",
    },
    "ros_anomaly.nodes": {
        "ros_anomaly.detector",
        "ros_anomaly.runtime",
        "ros_anomaly.hazard",
        "ros_anomaly.messages",
        "ros_anomaly.bags",
        "ros_anomaly.benchmark.machine",
        "ros_anomaly.benchmark.street_images",
    },
    "ros_anomaly.benchmark": {
        "ros_anomaly.runtime",
        "ros_anomaly.network",
        "ros_anomaly.scores",
        "ros_anomaly.data.labels",
    },
    "ros_anomaly.cli": {"ros_anomaly", "ros_anomaly_sim"},
    "ros_anomaly_sim.street": {"ros_anomaly.data.labels"},
    "ros_anomaly_sim.render": {"ros_anomaly_sim.street", "ros_anomaly.data.labels"},
    "ros_anomaly_sim.server": {"ros_anomaly_sim.street", "ros_anomaly_sim.render", "ros_anomaly.data.labels"},
    "ros_anomaly_sim.scenarios": set(),
}
_DRIVING = {
    "ros_anomaly_sim.street",
    "ros_anomaly_sim.render",
    "ros_anomaly.messages",
    "ros_anomaly.nodes.graph",
    "ros_anomaly.data.labels",
    "ros_anomaly.evaluation",
    "ros_anomaly.hazard.types",
    "ros_anomaly_sim.scenarios",
}
ROOMS["ros_anomaly_sim.bridge"] = _DRIVING
ROOMS["ros_anomaly_sim.film"] = {"ros_anomaly.evaluation.report", "ros_anomaly.hazard.types"}
ROOMS["ros_anomaly_sim.demo"] = _DRIVING | {"ros_anomaly_sim.bridge", "ros_anomaly_sim.film"}
ROOMS["ros_anomaly_sim.closed_loop"] = _DRIVING | {"ros_anomaly_sim.bridge", "ros_anomaly_sim.film"}

_ROS_SPEAKERS = {
    "ros_anomaly.nodes",
    "ros_anomaly_sim.bridge",
    "ros_anomaly_sim.demo",
    "ros_anomaly_sim.closed_loop",
}
_MESSAGE_TYPES = _ROS_SPEAKERS | {"ros_anomaly.messages", "ros_anomaly.bags"}
# third-party package -> rooms that may import it
RESERVED: dict[str, set[str]] = {
    "rclpy": _ROS_SPEAKERS,
    "builtin_interfaces": _MESSAGE_TYPES,
    "diagnostic_msgs": _MESSAGE_TYPES,
    "geometry_msgs": _MESSAGE_TYPES,
    "lifecycle_msgs": _MESSAGE_TYPES,
    "nav_msgs": _MESSAGE_TYPES,
    "rosgraph_msgs": _MESSAGE_TYPES,
    "sensor_msgs": _MESSAGE_TYPES,
    "std_msgs": _MESSAGE_TYPES,
    "vision_msgs": _MESSAGE_TYPES,
    "carla": {"ros_anomaly_sim.bridge", "ros_anomaly_sim.closed_loop"},
    "tensorrt": {"ros_anomaly.runtime"},
    "tensorrt_rtx": {"ros_anomaly.runtime"},
    "torch_tensorrt": {"ros_anomaly.runtime"},
    "openvino": {"ros_anomaly.runtime"},
    "onnxruntime": {"ros_anomaly.runtime", "ros_anomaly.network"},
    "onnx": {"ros_anomaly.network", "ros_anomaly.runtime", "ros_anomaly.training"},
    "transformers": {"ros_anomaly.network", "ros_anomaly.benchmark"},  # there: to be timed
    "accelerate": {"ros_anomaly.training"},
    "efficientnet_lite_pytorch": {"ros_anomaly.network"},
    "rosbags": {"ros_anomaly.bags"},
    "moderngl": {"ros_anomaly_sim.render"},
    "msgpack": {"ros_anomaly_sim.server"},
    "torch": {
        "ros_anomaly.benchmark",
        "ros_anomaly.scores",
        "ros_anomaly.data",
        "ros_anomaly.network",
        "ros_anomaly.runtime",
        "ros_anomaly.training",
        "ros_anomaly.evaluation",
    },
}
# what an executable may import before it knows what it is asked for
LIGHT = {"numpy", "ros_anomaly.cli"} | {
    f"ros_anomaly.{module}" for module in ("data.labels", "runtime.errors", "scores.names", "share")
}
HEAVY = {"tensorrt", "tensorrt_rtx", "torch_tensorrt", "carla", "rclpy", "transformers", "openvino"}


@dataclass(frozen=True)
class Import:
    """One imported module name, where it stands, and whether importing the file runs it."""

    module: str
    line: int
    at_module_level: bool


def imports_of(source: str, module: str) -> Iterator[Import]:
    """Every import of a source file; relative names are resolved against ``module``, typing-only blocks left out."""
    yield from _walk(ast.parse(source), module, at_module_level=True)


def _walk(node: ast.AST, module: str, at_module_level: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, at_module_level)
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            if child.level:
                base = ".".join([*module.split(".")[: -child.level], *filter(None, [child.module])])
            for alias in child.names:
                yield Import(f"{base}.{alias.name}", child.lineno, at_module_level)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            for other in child.orelse:
                yield from _walk(other, module, at_module_level)
        else:
            inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from _walk(child, module, at_module_level and not inside)


def room_of(module: str) -> str:
    """The room a module of ours belongs to: the first two parts of its name."""
    return ".".join(module.split(".")[:2])


def within(module: str, allowed: str) -> bool:
    return module == allowed or module.startswith(allowed + ".")


def breaches(source: str, module: str) -> list[str]:
    """What in a module goes against the table, one line each."""
    room = room_of(module)
    found = []
    for item in imports_of(source, module):
        where = f"{module}:{item.line} imports {item.module}"
        top = item.module.split(".")[0]
        if top in ("ros_anomaly", "ros_anomaly_sim"):
            allowed = ROOMS[room] | OPEN | {room}
            if not any(within(item.module, a) for a in allowed):
                found.append(f"{where}; {room} may import {sorted(allowed)}")
        elif top in RESERVED and room != "ros_anomaly.cli" and room not in RESERVED[top]:
            found.append(f"{where}; only {sorted(RESERVED[top])} may")
        if room == "ros_anomaly.cli" and item.at_module_level:
            if top not in sys.stdlib_module_names and not any(within(item.module, light) for light in LIGHT):
                found.append(f"{where} at module level; executables import inside functions")
    return found


def modules() -> dict[str, Path]:
    """Module name -> file, of everything under ros_anomaly/ and sim/."""
    found = {}
    for folder, package in (("ros_anomaly", "ros_anomaly"), ("sim", "ros_anomaly_sim")):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            name = ".".join([package, *parts])
            found[name.removesuffix(".__init__")] = path
    return found


MODULES = modules()


def test_every_room_is_in_the_table():
    rooms = {room_of(name) for name in MODULES if "." in name}
    assert rooms <= set(ROOMS), f"rooms without an entry: {sorted(rooms - set(ROOMS))}"


@pytest.mark.parametrize("name", [n for n in MODULES if "." in n])
def test_module_keeps_to_the_table(name: str):
    assert breaches(MODULES[name].read_text(encoding="utf-8"), name) == []


@pytest.mark.parametrize("name", [n for n in MODULES if "." not in n])
def test_top_level_packages_import_nothing(name: str):
    assert list(imports_of(MODULES[name].read_text(encoding="utf-8"), name)) == []


@pytest.mark.parametrize("name", [n for n, p in MODULES.items() if p.name == "__init__.py" and "." in n])
def test_packages_import_nothing_heavy(name: str):
    tops = {i.module.split(".")[0] for i in imports_of(MODULES[name].read_text(encoding="utf-8"), name)}
    assert not tops & (HEAVY | {"torch", "onnxruntime", "moderngl", "cv2"})


@pytest.mark.parametrize(
    ("module", "source", "breach"),
    [
        ("ros_anomaly.runtime.worker", "from ros_anomaly.network import mask2former", "may import"),
        ("ros_anomaly.detector", "import ros_anomaly_sim.street", "may import"),
        ("ros_anomaly.hazard.regions", "def f():\n    import rclpy", "only"),
        ("ros_anomaly.training.closed_set", "from ros_anomaly.evaluation import reports", "may import"),
        ("ros_anomaly.nodes.detector", "from ..training import trainer", "may import"),
        ("ros_anomaly.cli.train", "import torch", "module level"),
        ("ros_anomaly.cli.train", "try:\n    import rclpy\nexcept ImportError:\n    raise", "module level"),
        ("ros_anomaly_sim.street.town", "from ros_anomaly.data import frames", "may import"),
        ("ros_anomaly_sim.render.gl", "import carla", "only"),
    ],
)
def test_a_breach_is_found(module: str, source: str, breach: str):
    assert any(breach in line for line in breaches(source, module))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("ros_anomaly.cli.train", "def main():\n    import torch\n    from ros_anomaly.training import trainer"),
        ("ros_anomaly.training.closed_set", "from ros_anomaly.evaluation.metrics import average_precision"),
        ("ros_anomaly.training.closed_set", "from ros_anomaly.evaluation import metrics"),
        (
            "ros_anomaly.hazard.regions",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ros_anomaly.runtime import contract",
        ),
        ("ros_anomaly_sim.render.gl", "import moderngl\nfrom ros_anomaly_sim.street.scene import Scene"),
    ],
)
def test_what_the_table_allows_passes(module: str, source: str):
    assert breaches(source, module) == []
