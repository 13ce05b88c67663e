"""What a report is made of. Blocks hold plain text and data; ``page.render`` escapes and lays them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar


class Tone(Enum):
    """How good the news is; decides a colour."""

    GOOD = "good"
    INFO = "info"
    WARN = "warn"
    BAD = "bad"
    PLAIN = "plain"


@dataclass(frozen=True)
class Chip:
    """A word or two on a coloured ground."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Picture:
    """A JPEG, ``data`` its bytes, and the words for who cannot see it."""

    data: bytes
    alt: str = ""

    def __post_init__(self) -> None:
        if self.data[:2] != b"\xff\xd8":
            raise ValueError(f"picture: expected JPEG bytes (ff d8 …), found {self.data[:2].hex(' ') or 'nothing'}")


Cell = str | int | float | None | Chip | Picture
"""What stands in a table: None is shown as a dash, floats with the column's digits."""


@dataclass(frozen=True)
class Column:
    """A column's heading; numbers stand right, and floats are rounded to ``digits``."""

    title: str
    numeric: bool = False
    digits: int = 3

    def show(self, cell: str | int | float | None) -> str:
        """The text of a cell; NaN is a dash too."""
        if cell is None or cell != cell:
            return "–"
        return f"{cell:.{self.digits}f}" if isinstance(cell, float) else str(cell)


def numbers(*titles: str, digits: int = 3) -> tuple[Column, ...]:
    """Numeric columns with these headings."""
    return tuple(Column(title, numeric=True, digits=digits) for title in titles)


@dataclass(frozen=True)
class Row:
    """Cells, one a column. ``mark`` says in a word what sets the row apart ("published") and tints it."""

    cells: Sequence[Cell]
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under headings; scrolls sideways where the screen is narrow. ValueError for a row of another length."""

    columns: Sequence[Column]
    rows: Sequence[Row]
    title: str = ""
    note: str = ""
    kind: ClassVar[str] = "table"

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(
                    f"table {self.title!r}: expected {len(self.columns)} cells a row, found {len(row.cells)}"
                )


@dataclass(frozen=True)
class Headline:
    """One figure in large type, what it is, and what must be known with it (interval, threshold)."""

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True)
class Headlines:
    """The figures that a reader came for."""

    figures: Sequence[Headline]
    kind: ClassVar[str] = "headlines"


@dataclass(frozen=True)
class Verdict:
    """The run in one sentence, and findings below it."""

    sentence: str
    tone: Tone
    findings: Sequence[str] = ()
    kind: ClassVar[str] = "verdict"


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Chart:
    """An inline SVG (of ``charts``) and a line below it; a wide one keeps its width on a phone and scrolls."""

    svg: str
    caption: str = ""
    wide: bool = False
    kind: ClassVar[str] = "chart"

    def __post_init__(self) -> None:
        if not self.svg.startswith("<svg") or "<script" in self.svg:
            raise ValueError(f"chart: expected an <svg> without script, found {self.svg[:40]!r}")


@dataclass(frozen=True)
class Charts:
    """Charts beside each other where there is room."""

    charts: Sequence[Chart]
    kind: ClassVar[str] = "charts"


@dataclass(frozen=True)
class Still:
    """A picture of a film strip with its caption."""

    picture: Picture
    caption: str


@dataclass(frozen=True)
class FilmStrip:
    """Pictures with captions; without any, ``nothing`` is said instead."""

    stills: Sequence[Still]
    title: str = ""
    note: str = ""
    nothing: str = "None."
    kind: ClassVar[str] = "film_strip"


@dataclass(frozen=True)
class Link:
    """Words that lead to a file beside the report; ValueError for an address elsewhere."""

    text: str
    href: str
    kind: ClassVar[str] = "link"

    def __post_init__(self) -> None:
        if not self.href or ":" in self.href or self.href.startswith("/"):
            raise ValueError(f"link: expected a path relative to the report, found {self.href!r}")


Block = Table | Headlines | Verdict | Text | Chart | Charts | FilmStrip | Link


@dataclass(frozen=True)
class Section:
    """Blocks under a heading; without a title they simply follow."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """A whole report.

    Attributes:
        title: of the page and of the browser's tab.
        lead: what was done, in a sentence.
        sections: from the verdict to the details.
        facts: what a reader needs to get the same figures again: command, engine, machine.
    """

    title: str
    lead: str
    sections: Sequence[Section]
    facts: Mapping[str, str] = field(default_factory=dict)
