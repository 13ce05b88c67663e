"""Lays a page out as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from ros_anomaly.evaluation.report.blocks import Chip, Page, Picture


def render(page: Page) -> str:
    """The page as HTML: styles, charts and pictures inside, no script, nothing to load; the same for the same page."""
    return _environment().get_template("page.html.j2").render(page=page).lstrip()


def write(page: Page, path: Path) -> None:
    """Write the page, whole or not at all; OSError where that cannot be."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(render(page), encoding="utf-8")
    temporary.replace(path)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ros_anomaly.evaluation.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = _data_uri
    environment.tests["chip"] = lambda cell: isinstance(cell, Chip)
    environment.tests["picture"] = lambda cell: isinstance(cell, Picture)
    return environment


def _data_uri(picture: Picture) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(picture.data).decode("ascii")
