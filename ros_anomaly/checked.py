"""Dataclasses from plain values (YAML, JSON): errors name the key, what was expected and what was found."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import yaml

T = TypeVar("T")


def read_yaml(kind: type[T], path: Path, changes: Sequence[str] = (), **given: Any) -> T:
    """``kind`` (a dataclass) from a YAML file, with fields that the caller knows as keywords.

    Args:
        changes: ``"key=value"`` or ``"key.of.key=value"`` in place of what the file says, values in YAML.

    Raises:
        ValueError: no YAML, an unknown or missing key, a value of a wrong type or range; names file and key.
        OSError: the file cannot be read.
    """
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: expected YAML, found {error}") from error
    try:
        if not isinstance(value, Mapping):
            raise ValueError(f"expected keys and values, found {value!r}")
        for change in changes:
            value = _changed(value, change)
        return from_mapping(kind, {**value, **given})
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def from_mapping(kind: type[T], value: Mapping[str, Any], where: str = "") -> T:
    """``kind`` (a dataclass) from plain values; keys that are left out keep their defaults.

    Args:
        where: path of the mapping, put before the keys that errors name ("ego.").
    """
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    names = [f.name for f in fields if f.init]
    for key in value:
        if key not in names:
            raise ValueError(f"{where}{key}: unknown key, expected one of {', '.join(names)}")
    for f in fields:
        optional = f.default is not dataclasses.MISSING or f.default_factory is not dataclasses.MISSING
        if f.init and not optional and f.name not in value:
            raise ValueError(f"{where}{f.name}: expected a value, found none")
    made = {key: _convert(hints[key], entry, f"{where}{key}") for key, entry in value.items()}
    try:
        return kind(**made)
    except ValueError as error:
        raise ValueError(f"{where}{error}") from error


def _changed(value: Mapping[str, Any], change: str) -> dict[str, Any]:
    """``value`` with one change; what the path goes through is made where it is missing."""
    path, equals, text = change.partition("=")
    first, dot, rest = path.strip().partition(".")
    if not equals or not first or (dot and not rest):
        raise ValueError(f"change: expected KEY=VALUE or KEY.KEY=VALUE, found {change!r}")
    if dot:
        inner = value.get(first) or {}
        if not isinstance(inner, Mapping):
            raise ValueError(f"{first}: expected keys and values to change {rest} of, found {inner!r}")
        return {**value, first: _changed(inner, f"{rest}={text}")}
    try:
        return {**value, first: yaml.safe_load(text)}
    except yaml.YAMLError as error:
        raise ValueError(f"change of {first}: expected a value in YAML, found {text!r}") from error


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _convert(next(a for a in arguments if a is not type(None)), value, where)
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise ValueError(f"{where}: expected keys and values, found {value!r}")
        return from_mapping(hint, value, f"{where}.")  # type: ignore[arg-type]
    if origin is tuple:
        return _tuple(arguments, value, where)
    if isinstance(hint, type) and issubclass(hint, Enum):
        try:
            return hint(value)
        except ValueError as error:
            legal = ", ".join(str(member.value) for member in hint)
            raise ValueError(f"{where}: expected one of {legal}; found {value!r}") from error
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ValueError(f"{where}: expected {hint.__name__}, found {value!r}")
    return value


def _tuple(arguments: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{where}: expected a list, found {value!r}")
    if arguments[-1] is Ellipsis:
        return tuple(_convert(arguments[0], entry, f"{where}[{i}]") for i, entry in enumerate(value))
    if len(value) != len(arguments):
        raise ValueError(f"{where}: expected {len(arguments)} values, found {len(value)}")
    return tuple(_convert(a, v, f"{where}[{i}]") for i, (a, v) in enumerate(zip(arguments, value, strict=True)))
