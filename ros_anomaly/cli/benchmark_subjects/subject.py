"""What a module of this folder offers."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol, cast

from ros_anomaly.cli import common

SUBJECTS = ("engines", "parity", "aggregation", "endurance", "node", "bridge", "metrics")


class Subject(Protocol):
    """Something that can be timed. Light to import: what it needs is imported by ``measure``.

    A subject whose figures can be drawn has ``plot(figures, path)`` besides, which writes a PNG. One that may find a
    machine wanting has ``failure(figures)``: why, in a line, or an empty text.
    """

    HELP: str
    DESCRIPTION: str

    def add_arguments(self, parser: common.ArgumentParser) -> None:
        """Arguments of its own."""
        ...

    def measure(self, args: argparse.Namespace) -> dict[str, Any]:
        """The figures, as ``--json`` prints and result files keep them."""
        ...

    def text(self, figures: Mapping[str, Any]) -> str:
        """The figures for people."""
        ...

    def markdown(self, figures: Mapping[str, Any]) -> str:
        """Stored figures for a document."""
        ...


def subject(name: str) -> Subject:
    """The subject of this name. ValueError for any other."""
    if name not in SUBJECTS:
        raise ValueError(f"subject: expected one of {', '.join(SUBJECTS)}; found {name!r}")
    return cast(Subject, import_module(f"ros_anomaly.cli.benchmark_subjects.{name}"))
