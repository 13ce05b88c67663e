"""Types for argparse: each returns a checked value or says what was expected and found."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def positive_int(text: str) -> int:
    """argparse type: an integer of at least 1."""
    return _bounded(text, int, 1, math.inf, "an integer of at least 1")


def non_negative_int(text: str) -> int:
    """argparse type: an integer of at least 0."""
    return _bounded(text, int, 0, math.inf, "an integer of at least 0")


def positive_float(text: str) -> float:
    """argparse type: a finite number above 0."""
    return _bounded(text, float, 5e-324, sys.float_info.max, "a number above 0")


def non_negative_float(text: str) -> float:
    """argparse type: a finite number of at least 0."""
    return _bounded(text, float, 0.0, sys.float_info.max, "a number of at least 0")


def fraction(text: str) -> float:
    """argparse type: a number from 0 to 1."""
    return _bounded(text, float, 0.0, 1.0, "a number from 0 to 1")


def image_size(text: str) -> tuple[int, int]:
    """argparse type: ``640x360`` (width x height, as people write it) → (360, 640), height first as code has it."""
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT such as 640x360, found {text!r}")
    return int(height), int(width)


def existing_file(text: str) -> Path:
    """argparse type: the path of a file that is there."""
    path = Path(text).expanduser()
    if not path.is_file():
        raise argparse.ArgumentTypeError(
            f"expected a file, found {'a folder' if path.is_dir() else 'nothing'} at {text}"
        )
    return path


def existing_folder(text: str) -> Path:
    """argparse type: the path of a folder that is there."""
    path = Path(text).expanduser()
    if not path.is_dir():
        raise argparse.ArgumentTypeError(
            f"expected a folder, found {'a file' if path.exists() else 'nothing'} at {text}"
        )
    return path


def _bounded(text: str, kind: Callable[[str], Any], low: float, high: float, expected: str) -> Any:
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not low <= value <= high:
        raise argparse.ArgumentTypeError(f"expected {expected}, found {text!r}")
    return value
