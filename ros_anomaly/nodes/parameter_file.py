"""Reads a node's parameters from a ROS parameter file, by the rules of ``--params-file``; needs no ROS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from ros_anomaly.messages.parameter import Value
from ros_anomaly.nodes.settings import BY_NAME

_SECTION = "ros__parameters"
# Legal in every node's section, and without effect on what it says of an image.
_OF_ROS = re.compile(r"use_sim_time$|qos_overrides\.|start_type_description_service$")


def read_parameters(path: Path, node: str = "/detector") -> tuple[dict[str, Value], list[str]]:
    """(values by parameter name, names in the file that the node does not have and so ignores).

    Sections apply as in ROS: ``/**`` stands for any namespaces, ``/*`` for one name, and of several the later wins.

    Args:
        node: full name of the node.

    Raises:
        ValueError: no YAML, no section for the node (the message lists what there is), or a value of a wrong type.
        OSError: the file cannot be read.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: expected a ROS parameter file (YAML), found {error}") from None
    if not isinstance(tree, Mapping):
        raise ValueError(f"{path}: expected a ROS parameter file with {_SECTION}, found {type(tree).__name__}")
    sections = list(_sections(tree, ""))
    chosen = [values for name, values in sections if _matches(name, node)]
    if not chosen:
        found = ", ".join(name for name, _ in sections) or "none"
        raise ValueError(f"{path}: expected a section {_SECTION} for node {node}, found sections for: {found}")
    given: dict[str, Any] = {}
    for values in chosen:
        if not isinstance(values, Mapping):
            raise ValueError(f"{path}: expected names and values below {_SECTION}, found {type(values).__name__}")
        given.update(_flat(values, ""))
    unknown = [name for name in given if name not in BY_NAME and not _OF_ROS.match(name)]
    return {name: BY_NAME[name].checked(value) for name, value in given.items() if name in BY_NAME}, unknown


def _sections(tree: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """(full node name or pattern, its parameters); namespaces may be nested."""
    for key, below in tree.items():
        if key == _SECTION:
            yield prefix or "/**", below
        elif isinstance(below, Mapping):
            yield from _sections(below, f"{prefix}/{str(key).strip('/')}")


def _matches(pattern: str, node: str) -> bool:
    parts = [part for part in pattern.split("/") if part]
    text = "".join(
        "(/[^/]+)*" if part == "**" else "/[^/]+" if part == "*" else "/" + re.escape(part) for part in parts
    )
    return re.fullmatch(text, node) is not None


def _flat(values: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
