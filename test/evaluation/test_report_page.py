"""A page is laid out whole, escaped, without anything to load, and the same for the same content."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from example_page import example_page

from ros_anomaly.evaluation.report import charts, page
from ros_anomaly.evaluation.report.blocks import (
    Block,
    Chart,
    Chip,
    Column,
    FilmStrip,
    Headline,
    Headlines,
    Page,
    Picture,
    Row,
    Section,
    Still,
    Table,
    Text,
    Tone,
    Verdict,
    numbers,
)
from ros_anomaly.evaluation.report.machine import machine_facts, machine_line
from ros_anomaly.evaluation.report.pictures import at_most, crop_around, jpeg

EVIL = "<script>alert('x')</script> & \"quoted\""


def shown(*blocks: Block) -> str:
    return page.render(Page("title", "lead", (Section("section", blocks),)))


@pytest.fixture(scope="module")
def example() -> Page:
    return example_page()


def test_the_page_needs_nothing_from_outside_and_runs_nothing(example: Page):
    html = page.render(example)
    assert html.startswith("<!doctype html>")
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", html)
    assert not re.search(r"url\((?!#)|@import|<script|<link rel=.stylesheet", html)
    assert 'name="viewport" content="width=device-width' in html


def test_the_same_page_is_the_same_bytes(example: Page, tmp_path: Path):
    for name, made in (("a.html", example), ("b.html", example_page())):
        page.write(made, tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "b.html"]
    with pytest.raises(OSError):
        page.write(example, tmp_path / "missing" / "a.html")


@pytest.mark.parametrize(
    "block",
    [
        Text(EVIL),
        Verdict(EVIL, Tone.BAD, (EVIL,)),
        Headlines((Headline(EVIL, EVIL, EVIL),)),
        Table((Column(EVIL),), (Row((EVIL,), mark=EVIL), Row((Chip(EVIL),))), title=EVIL, note=EVIL),
        FilmStrip((Still(Picture(b"\xff\xd8", EVIL), EVIL),), EVIL, EVIL),
        FilmStrip((), nothing=EVIL),
        Chart("<svg></svg>", EVIL),
        charts.bars(["a"], {EVIL: [1.0], "other": [2.0]}, EVIL),
    ],
)
def test_text_is_text_wherever_it_stands(block: Block):
    html = page.render(Page(EVIL, EVIL, (Section(EVIL, (block,)),), {EVIL: EVIL}))
    assert "<script" not in html and "&lt;script&gt;" in html


def test_cells_are_shown_by_their_kind():
    columns = (Column("what"), *numbers("a", "b", digits=2))
    html = shown(
        Table(columns, (Row(("x", 0.5, None)), Row(("y", 7, float("nan"))), Row(("z", "own", 1.0), "published")))
    )
    cells = re.findall(r"<td[^>]*>(.*?)</td>", html)
    assert cells[:6] == ["x", "0.50", "–", "y", "7", "–"]
    assert cells[6:] == ['z <span class="mark">published</span>', "own", "1.00"]
    assert html.count('class="marked"') == 1
    with pytest.raises(ValueError, match="table 'T': expected 3 cells a row, found 2"):
        Table(columns, (Row(("x", 1.0)),), title="T")


def test_blocks_refuse_what_they_cannot_hold():
    with pytest.raises(ValueError, match=r"expected JPEG bytes .* found 89 50"):
        Picture(b"\x89PNG")
    with pytest.raises(ValueError, match="expected an <svg> without script"):
        Chart("<div>")
    with pytest.raises(ValueError, match="bars: expected at least one series of 2 values"):
        charts.bars(["a", "b"], {"uno": [1.0]}, "AP")
    with pytest.raises(ValueError, match=r"JPEG: expected uint8 \[H, W, 3\], found float64 \[2, 2, 3\]"):
        jpeg(np.zeros((2, 2, 3)))


def test_charts_are_xml_in_the_colours_of_the_page():
    chart = charts.bars(["0-10 m", "over 40 m"], {"uno": [0.5, None], "msp": [0.1, 0.2]}, "AP")
    root = ElementTree.fromstring(chart.svg)
    words = {"".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"0-10 m", "over 40 m", "uno", "msp", "AP"} <= words
    assert "var(--ink)" in chart.svg and charts.INK not in chart.svg and "<metadata" not in chart.svg
    # matplotlib numbers its groups alike in every chart; on one page these would be the same ids again.
    assert not re.search(r'id="(figure|axes|patch|text|xtick)_\d', chart.svg)
    ids = re.findall(r'\bid="([^"]+)"', chart.svg)
    assert all(
        used in ids for used in re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", chart.svg) for used in used if used
    )


def test_pictures_are_cut_and_shrunk():
    picture = np.zeros((360, 640, 3), np.uint8)
    picture[100:110, 600:640] = 255
    crop = crop_around(picture, (600, 100, 640, 110), (150, 240))
    assert crop.shape == (150, 240, 3) and crop.max() == 255
    assert at_most(picture, 320).shape == (180, 320, 3) and at_most(picture, 640) is picture


def test_the_machine_is_named():
    facts = machine_facts()
    assert facts["processor"] and facts["cores"] >= 1
    assert str(facts["processor"]) in machine_line()
