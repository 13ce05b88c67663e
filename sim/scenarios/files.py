"""Scenario files by name or path, and the standard suite."""

from __future__ import annotations

from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Any

import yaml

from ros_anomaly.checked import read_yaml
from ros_anomaly_sim.scenarios.schema import Scenario

FOLDER = Path(__file__).resolve().parent


def suite() -> tuple[Scenario, ...]:
    """The standard suite, in the order of the files' names."""
    return tuple(load_scenario(path) for path in sorted(FOLDER.glob("*.yaml")))


def suite_names() -> tuple[str, ...]:
    """Names of the standard suite."""
    return tuple(path.stem for path in sorted(FOLDER.glob("*.yaml")))


def find_scenario(name_or_path: str) -> Scenario:
    """A scenario of the suite by its name, or one of the user's by the path of its file.

    Raises:
        ValueError: neither; or the file does not fit the schema (names file, key and what is legal).
        OSError: the file cannot be read.
    """
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml"):
        return load_scenario(path)
    if name_or_path not in suite_names():
        raise ValueError(
            f"scenario: expected the path of a .yaml file or one of {', '.join(suite_names())}; found {name_or_path!r}"
        )
    return load_scenario(FOLDER / f"{name_or_path}.yaml")


def save_scenario(scenario: Scenario, path: Path) -> None:
    """Write a scenario as a file that ``load_scenario`` reads; its name is to be that of the file.

    Raises:
        ValueError: it is another.
        OSError: the file cannot be written.
    """
    if path.stem != scenario.name:
        raise ValueError(f"{path}: expected the file to be named {scenario.name}.yaml")
    plain = asdict(scenario, dict_factory=lambda items: {k: v.value if isinstance(v, Enum) else v for k, v in items})
    del plain["name"]
    path.write_text(yaml.safe_dump(_lists(plain), sort_keys=False, width=120), encoding="utf-8")


def _lists(value: Any) -> Any:
    """The value with lists for tuples, which YAML has a tag of its own for."""
    if isinstance(value, dict):
        return {key: _lists(entry) for key, entry in value.items()}
    return [_lists(entry) for entry in value] if isinstance(value, tuple) else value


def load_scenario(path: Path) -> Scenario:
    """One scenario file; errors as ``find_scenario``."""
    return read_yaml(Scenario, path, name=path.stem)
