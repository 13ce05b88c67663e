"""Scenario files by name or path, and the standard suite."""

from __future__ import annotations

from pathlib import Path

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


def load_scenario(path: Path) -> Scenario:
    """One scenario file; errors as ``find_scenario``."""
    return read_yaml(Scenario, path, name=path.stem)
