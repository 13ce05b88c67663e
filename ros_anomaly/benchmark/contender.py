"""What takes part in a contest, and how it is named and made."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol


class Contender(Protocol):
    """Something ready to be timed, in a process that it has for itself."""

    def run(self, index: int) -> None:
        """What is timed: frame ``index``, finished when this returns (a GPU has been waited for)."""
        ...

    def facts(self) -> Mapping[str, Any]:
        """What else is to be known: versions, devices, errors. Asked for after all timing; JSON-serialisable."""
        ...

    def close(self) -> None:
        """Release everything."""
        ...


@dataclass(frozen=True)
class ContenderSpec:
    """How a contender is made.

    Attributes:
        name: what tables call it; unique within its group.
        factory: ``package.module:function``; imported and called, with ``options``, in the contender's own process.
        options: keyword arguments, JSON-serialisable.
        group: contenders of a group do the same work; ratios are taken within it.
        baseline: the one that the others of its group are compared with.
        facts: what is known of it beforehand (backend, precision …), for tables and result files.
    """

    name: str
    factory: str
    options: Mapping[str, Any] = field(default_factory=dict)
    group: str = ""
    baseline: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        module, colon, function = self.factory.partition(":")
        if not (self.name and module and colon and function.isidentifier()):
            raise ValueError(f"contender {self.name!r}: expected a factory module:function, found {self.factory!r}")
        try:
            json.dumps([dict(self.options), dict(self.facts)])
        except TypeError as error:
            raise ValueError(f"contender {self.name!r}: expected options that JSON can hold, found {error}") from error


def make_contender(factory: str, options: Mapping[str, Any]) -> Contender:
    """Import and call the factory. Whatever it raises is the contender's failure."""
    module, _, function = factory.partition(":")
    make: Callable[..., Contender] = getattr(import_module(module), function)
    return make(**options)
