"""The order of files that are numbered by their names."""

from __future__ import annotations

import re
from pathlib import Path


def natural_order(file: Path) -> tuple[list[tuple[str, int]], str]:
    """Key to sort files by name where numbers count as numbers: 2 before 10, ``bag_2`` before ``bag_10``."""
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", file.stem)], file.name
