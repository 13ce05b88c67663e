"""Enums of settings: a value that is none of theirs is refused with the list of those that are."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

_BEFORE_A_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


class Choice(Enum):
    """Base of such an enum, with ``str`` before it where members are to be texts. The class's name tells what is wrong.

    ``PasteMode("x")`` raises the ValueError ``paste mode: expected one of street, paper; found 'x'``.
    """

    @classmethod
    def _missing_(cls, value: object) -> Any:
        what = _BEFORE_A_CAPITAL.sub(" ", cls.__name__).lower()
        raise ValueError(f"{what}: expected one of {', '.join(str(one.value) for one in cls)}; found {value!r}")
