"""Checks of numbers in configurations. Each raises a ValueError that names the value, what was expected and what found.

None of them lets NaN or infinity pass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def check_within(name: str, value: float, low: float, high: float) -> None:
    """``value`` is ``low`` to ``high``, both included."""
    if not low <= value <= high:
        raise ValueError(f"{name}: expected {low:g} to {high:g}, found {value}")


def check_share(name: str, value: float, kind: str = "value") -> None:
    """``value`` is 0 to 1, both included; ``kind`` says what it is in the error (``probability``)."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name}: expected a {kind} 0..1, found {value}")


def check_above_zero(name: str, value: float) -> None:
    """``value`` is above 0 and finite."""
    if not 0 < value < math.inf:
        raise ValueError(f"{name}: expected above 0, found {value}")


def check_at_least(name: str, value: float, least: float) -> None:
    """``value`` is ``least`` or more and finite."""
    if not least <= value < math.inf:
        raise ValueError(f"{name}: expected at least {least:g}, found {value}")


def check_range(name: str, value: Sequence[float]) -> None:
    """``value`` is a lower and an upper end, both above 0 and finite, in this order."""
    if len(value) != 2 or not 0 < value[0] <= value[1] < math.inf:
        raise ValueError(f"{name}: expected 0 < low <= high, found {tuple(value)}")
