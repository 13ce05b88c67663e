"""Every kind of report opened in a headless Chromium, as wide as a desk's screen and as a phone's.

``make check-reports`` runs this alone and keeps pictures of what it saw; in ``make test`` it is passed over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser, find_chromium
from drive_bags import LABELS, Drive, write_bag
from example_page import example_page
from made_up_closed_loop import made_up_closed_loop
from made_up_run import made_up_run
from oracle_engine import OracleEngine, source
from toy_engine import make_toy_engine

from ros_anomaly.cli import evaluate_bag, evaluate_output
from ros_anomaly.evaluation.labelled.result import EvaluatedEngine, EvaluationResult
from ros_anomaly.evaluation.labelled.run import evaluate
from ros_anomaly.evaluation.labelled.score_maps import RawScorer
from ros_anomaly.evaluation.report import page
from ros_anomaly.scores.names import Aggregation
from ros_anomaly.scores.registry import get_score
from ros_anomaly_sim.closed_loop.report import page_of
from ros_anomaly_sim.demo.report import write_report

SCREENSHOTS = os.environ.get("REPORT_SCREENSHOTS")
DESK_PX, PHONE_PX = 1200, 390

pytestmark = pytest.mark.skipif(SCREENSHOTS is None, reason="reports are opened in a browser by make check-reports")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = find_chromium()
    if executable is None:
        pytest.fail("expected Chromium on the PATH (Debian package chromium), found none")
    with Browser(executable) as opened:
        yield opened


def screenshot(name: str, width_px: int, dark: bool) -> Path:
    assert SCREENSHOTS is not None
    folder = Path(SCREENSHOTS)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}_{width_px}{'_dark' if dark else ''}.png"


def check(browser: Browser, path: Path, name: str, figures: list[str], pictures: int, charts: int) -> None:
    """Figures are there to be read, pictures and charts to be seen, and nothing was asked of anyone else."""
    for width_px, dark in ((DESK_PX, False), (PHONE_PX, False), (PHONE_PX, True)):
        seen = browser.open(path, width_px, dark, screenshot(name, width_px, dark))
        assert [figure for figure in figures if figure not in seen.text] == []
        assert (seen.images, seen.broken, seen.charts) == (pictures, 0, charts)
        assert seen.requests == [path.resolve().as_uri()]
        assert seen.complaints == []
        assert seen.overflow_px == 0


def test_a_page_of_every_block(browser: Browser, tmp_path: Path):
    page.write(example_page(), tmp_path / "report.html")
    figures = ["0.612", "95 % interval 0.58–0.64", "published", "–", "frame_3: ", "precision", "HAZARD", "over 40 m"]
    check(browser, tmp_path / "report.html", "blocks", [*figures, "<b>no markup</b>"], pictures=5, charts=5)


def test_the_report_of_the_demo(browser: Browser, tmp_path: Path):
    record, result = made_up_run(tmp_path)
    write_report(tmp_path / "report.html", result, record, "toy")
    figures = ["38 / 40", "1 of 2 objects", "HAZARD at 32 m", "missed", "never in view", f"{result.ap:.3f}", "object 2"]
    pictures = (tmp_path / "report.html").read_text().count("data:image/jpeg")
    check(browser, tmp_path / "report.html", "demo", figures, pictures, charts=3)


def test_the_report_of_closed_loop_drives(browser: Browser, tmp_path: Path):
    page.write(page_of(made_up_closed_loop(tmp_path)), tmp_path / "report.html")
    pictures = (tmp_path / "report.html").read_text().count("data:image/jpeg")
    figures = [
        "hit 1 of 2",
        "detector, Δt 250 ms",
        "oracle",
        "stopped 4.0 m before",
        "hit at 29 km/h",
        "carpet",
        "video",
    ]
    check(browser, tmp_path / "report.html", "closed_loop", [*figures, "<made up>"], pictures, charts=3)


def test_the_report_of_an_evaluation(browser: Browser, tmp_path: Path):
    scores = [get_score("uno"), get_score("msp")]
    reports = [
        evaluate(source(), RawScorer(OracleEngine(blind=blind, noise=0.5), scores, Aggregation.MASKS))
        for blind in (False, True)
    ]
    engines = tuple(
        EvaluatedEngine(label, "f", "raw", report) for label, report in zip(("seeing", "blind"), reports, strict=True)
    )
    evaluate_output.write(tmp_path, EvaluationResult("test streets", "", None, "masks", engines), {"seeing": "cmd"})
    ap = reports[0].scores["uno"].full.ap
    figures = [f"{ap:.3f}", "seeing", "blind", "uno", "msp", "0-10 m", "over 40 m", "fog", "sidewalk", "cmd", "recall"]
    pictures = sum(len(report.misses) + len(report.false_flags) for report in reports)
    check(browser, tmp_path / "report.html", "evaluate", figures, pictures, charts=2)


def test_the_reports_of_a_bag_and_of_a_comparison(browser: Browser, tmp_path: Path):
    bag = write_bag(tmp_path / "drive", Drive(frames=12, anomalous=(5, 6, 7, 8), labelled=True).records)
    engine = make_toy_engine(tmp_path)
    duller = make_toy_engine(tmp_path, name="duller", threshold=2.0)
    labels = ["--label-topic", LABELS, "--label-format", "class-ids", "--no-bag", "--threads", "1"]
    assert evaluate_bag.main([str(bag), "--out", str(tmp_path / "one"), "--engine", str(engine), *labels]) == 0
    compared = ["--out", str(tmp_path / "two"), "--compare", str(engine), str(duller)]
    assert evaluate_bag.main([str(bag), *compared, *labels]) == 0
    result = json.loads((tmp_path / "one" / "result.json").read_text())
    events = result["cameras"][0]["hazards"]["events"]
    figures = [f"{events} hazard", "12 of 12", "CLEAR", "Worst misses", "labelled anomaly", "highest score", "toy"]
    check_all(browser, tmp_path / "one", "evaluate_bag", figures)
    check_all(browser, tmp_path / "two", "compare", ["drive"])


def check_all(browser: Browser, folder: Path, name: str, figures: list[str]) -> None:
    """Every report below a folder, its pictures and charts being those that the file says it has."""
    reports = sorted(folder.rglob("*.html"))
    assert reports
    for number, path in enumerate(reports, 1):
        html = path.read_text(encoding="utf-8")
        pictures, charts = html.count("data:image/jpeg"), html.count("<svg")
        check(browser, path, f"{name}_{number}", figures, pictures, charts)


@pytest.mark.parametrize(
    ("body", "trouble"),
    [
        ("<img src='missing.jpg'>", "broken"),
        ("<img src='data:image/jpeg;base64,AAAA'>", "broken"),
        ("<script>console.error('no')</script>", "complaints"),
        ("<script>throw new Error('no')</script>", "complaints"),
        ("<div style='width: 900px'>wide</div>", "overflow_px"),
    ],
)
def test_trouble_is_seen(browser: Browser, tmp_path: Path, body: str, trouble: str):
    head = "<!doctype html><meta name='viewport' content='width=device-width, initial-scale=1'>"
    (tmp_path / "bad.html").write_text(f"{head}<body>{body}")
    assert getattr(browser.open(tmp_path / "bad.html", PHONE_PX), trouble)


def test_a_request_elsewhere_is_seen(browser: Browser, tmp_path: Path):
    (tmp_path / "bad.html").write_text("<!doctype html><body><img src='http://127.0.0.1:9/elsewhere.png'>")
    assert "http://127.0.0.1:9/elsewhere.png" in browser.open(tmp_path / "bad.html", DESK_PX).requests
