"""As much of ``launch`` and ``launch_ros`` as our launch files use: what they would start, without starting it.

The two are no packages of PyPI, so that most environments cannot read a launch file. Substitutions are texts here, or
are asked for theirs by ``text_of``.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


class LaunchContext:
    """The values of the arguments, and what was done with them."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.launch_configurations = dict(given)
        self.environment: dict[str, str] = {}
        self.nodes: list[Node] = []
        self.handlers: list[Any] = []


@dataclass
class LaunchConfiguration:
    name: str

    def perform(self, context: LaunchContext) -> str:
        return context.launch_configurations[self.name]


@dataclass
class EnvironmentVariable:
    name: str
    default_value: Any

    def perform(self, context: LaunchContext) -> str:
        return text_of(context, self.default_value)  # as if it were not set


@dataclass
class FindPackageShare:
    package: str

    def perform(self, context: LaunchContext) -> str:
        return f"share/{self.package}"


@dataclass
class PathJoinSubstitution:
    parts: Sequence[Any]

    def perform(self, context: LaunchContext) -> str:
        return "/".join(text_of(context, part) for part in self.parts)


def text_of(context: LaunchContext, value: Any) -> str:
    """The text of a substitution, or of several in a row."""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return "".join(text_of(context, part) for part in value)
    return value.perform(context)


@dataclass(kw_only=True)
class DeclareLaunchArgument:
    name: str = field(kw_only=False)
    default_value: Any
    description: str

    def execute(self, context: LaunchContext) -> Sequence[Any]:
        if self.name not in context.launch_configurations:
            context.launch_configurations[self.name] = text_of(context, self.default_value)
        return ()


@dataclass
class SetEnvironmentVariable:
    name: str
    value: Any

    def execute(self, context: LaunchContext) -> Sequence[Any]:
        context.environment[self.name] = text_of(context, self.value)
        return ()


@dataclass(kw_only=True)
class OpaqueFunction:
    function: Callable[[LaunchContext], Sequence[Any]]

    def execute(self, context: LaunchContext) -> Sequence[Any]:
        return self.function(context)


@dataclass
class PythonLaunchDescriptionSource:
    path: str


@dataclass
class IncludeLaunchDescription:
    source: PythonLaunchDescriptionSource

    def execute(self, context: LaunchContext) -> Sequence[Any]:
        return description_of(Path(self.source.path)).entities


@dataclass
class RegisterEventHandler:
    handler: Any

    def execute(self, context: LaunchContext) -> Sequence[Any]:
        context.handlers.append(self.handler)
        return ()


@dataclass(kw_only=True)
class OnProcessExit:
    target_action: Any
    on_exit: Sequence[Any]


@dataclass(kw_only=True)
class Shutdown:
    reason: str


@dataclass
class ParameterValue:
    value: str
    value_type: type


class Node:
    """A process that would be started; its attributes are read with ``text_of`` where they are substitutions."""

    def __init__(self, **given: Any) -> None:
        self.given = given

    def execute(self, context: LaunchContext) -> Sequence[Any]:
        context.nodes.append(self)
        return ()


@dataclass
class LaunchDescription:
    entities: Sequence[Any]


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have launch files import this module's classes."""
    contents: dict[str, list[type]] = {
        "launch": [LaunchContext, LaunchDescription],
        "launch.actions": [
            DeclareLaunchArgument,
            IncludeLaunchDescription,
            OpaqueFunction,
            RegisterEventHandler,
            SetEnvironmentVariable,
            Shutdown,
        ],
        "launch.event_handlers": [OnProcessExit],
        "launch.launch_description_sources": [PythonLaunchDescriptionSource],
        "launch.substitutions": [EnvironmentVariable, LaunchConfiguration, PathJoinSubstitution],
        "launch_ros": [],
        "launch_ros.actions": [Node],
        "launch_ros.parameter_descriptions": [ParameterValue],
        "launch_ros.substitutions": [FindPackageShare],
    }
    for name, kinds in contents.items():
        module = types.ModuleType(name)
        vars(module).update({kind.__name__: kind for kind in kinds})
        monkeypatch.setitem(sys.modules, name, module)


def description_of(path: Path) -> LaunchDescription:
    """What a launch file describes."""
    spec = importlib.util.spec_from_file_location("launch_file", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.generate_launch_description()


def arguments_of(path: Path) -> list[DeclareLaunchArgument]:
    """The arguments of a launch file and of those that it includes, as ``--show-args`` lists them: the first counts."""
    found: dict[str, DeclareLaunchArgument] = {}
    for entity in description_of(path).entities:
        inside = arguments_of(Path(entity.source.path)) if isinstance(entity, IncludeLaunchDescription) else [entity]
        for argument in inside:
            if isinstance(argument, DeclareLaunchArgument):
                found.setdefault(argument.name, argument)
    return list(found.values())


def launched(path: Path, **given: str) -> LaunchContext:
    """The launch file carried out with these arguments."""
    context = LaunchContext(given)
    _visit(context, description_of(path).entities)
    return context


def _visit(context: LaunchContext, entities: Sequence[Any]) -> None:
    for entity in entities:
        _visit(context, entity.execute(context))
