"""One parameter of a node: its type and range, and the check of a value. Needs no ROS."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

import yaml

Value = bool | int | float | str


class Changeable(Enum):
    """When a parameter may be set; the text is what a refusal says."""

    AT_START = "only at start"
    UNCONFIGURED = "only while the node is unconfigured"
    ALWAYS = "at any time"


@dataclass(frozen=True)
class Parameter:
    """One ROS parameter; its type is that of ``default``, bounds are inclusive."""

    name: str
    default: Value
    description: str
    changeable: Changeable = Changeable.ALWAYS
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    nan_allowed: bool = False

    def checked(self, value: object) -> Value:
        """``value`` as this parameter's type, whole numbers also where a float is due.

        Raises:
            ValueError: wrong type, not finite, out of range, not among the choices; names expected and found.
        """
        kind = type(self.default)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise ValueError(f"parameter {self.name}: expected {kind.__name__}, found {type(value).__name__} {value!r}")
        if not self._legal(value):
            raise ValueError(f"parameter {self.name}: expected {self.expected}, found {value!r}")
        assert isinstance(value, (bool, int, float, str))
        return value

    def parsed(self, text: str) -> Value:
        """The value that ``text`` stands for, as ROS reads ``name:=text``: YAML, but a text where a text is due.

        Raises:
            ValueError: as ``checked``.
        """
        if isinstance(self.default, str):
            return self.checked(text)
        try:
            return self.checked(yaml.safe_load(text))
        except yaml.YAMLError:
            return self.checked(text)  # the error names the text and what was expected

    def _legal(self, value: object) -> bool:
        if isinstance(value, str):
            return not self.choices or value in self.choices
        if isinstance(value, float) and not math.isfinite(value):
            return self.nan_allowed and math.isnan(value)
        if self.minimum is None or self.maximum is None or not isinstance(value, (int, float)):
            return True
        return self.minimum <= value <= self.maximum

    @property
    def expected(self) -> str:
        """What values are legal, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.minimum is not None and self.maximum is not None:
            return f"{self.minimum:g} to {self.maximum:g}"
        return "a finite number or .nan" if self.nan_allowed else f"a {type(self.default).__name__}"
