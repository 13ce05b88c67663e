"""A page that has every kind of block, made of small invented data."""

from __future__ import annotations

import numpy as np

from ros_anomaly.evaluation.metrics import PixelRanking
from ros_anomaly.evaluation.report import charts
from ros_anomaly.evaluation.report.blocks import (
    Charts,
    Chip,
    Column,
    Headline,
    Headlines,
    Page,
    Row,
    Section,
    Table,
    Text,
    Tone,
    Verdict,
    numbers,
)
from ros_anomaly.evaluation.report.curve_charts import precision_recall_chart, roc_chart
from ros_anomaly.evaluation.report.curves import Curve
from ros_anomaly.evaluation.report.machine import machine_line
from ros_anomaly.evaluation.report.mistakes import LabelledFrame, MistakeReel
from ros_anomaly.evaluation.report.timeline import Presence, ScoreTrace, Timeline
from ros_anomaly.hazard.types import HazardLevel

SIZE = (180, 320)


def labelled_frame(index: int) -> LabelledFrame:
    """An anomaly of 20 x (20 + index) pixels, missed in every other frame, and a false flag that shrinks."""
    image = np.full((*SIZE, 3), 70, np.uint8)
    image[90:] = 100
    truth, flagged = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    truth[110:130, 150 : 170 + index] = True
    flagged[40:50, 20 : 60 - 8 * index] = True
    if index % 2 == 0:
        flagged |= truth
    image[truth] = (180, 120, 40)
    return LabelledFrame(f"frame_{index}", image, np.where(flagged, 1.0, -1.0), flagged, truth, np.ones(SIZE, bool))


def curve(name: str, shift: float) -> Curve:
    """Two normal populations that far apart."""
    rng = np.random.default_rng(0)
    ranking = PixelRanking()
    truth = rng.random((100, 200)) < 0.05
    ranking.add((rng.normal(size=truth.shape) + shift * truth).astype(np.float32), truth)
    made = Curve.of(name, ranking.anomalous, ranking.normal)
    assert made is not None
    return made


def example_page() -> Page:
    curves = [curve("uno", 2.0), curve("msp", 1.0)]
    reel = MistakeReel(most=3)
    for index in range(4):
        reel.add(labelled_frame(index))
    times = np.arange(300) / 10
    levels = [HazardLevel.HAZARD if 100 <= i < 180 else HazardLevel.CLEAR for i in range(300)]
    timeline = Timeline(
        times.tolist(),
        levels,
        0.1,
        ScoreTrace("highest score", np.sin(times).tolist(), 0.5),
        (Presence("object 1", ((times > 8) & (times < 18)).tolist(), ((times > 10) & (times < 18)).tolist()),),
    )
    table = Table(
        (Column("score"), Column("verdict"), *numbers("AP", "AUROC", "FPR95")),
        (
            Row(("uno", Chip("best", Tone.GOOD), 0.612, 0.953, 0.12)),
            Row(("msp", None, 0.2, 0.8, None)),
            Row(("UNO, Swin-L", None, 0.61, 0.9, float("nan")), mark="published"),
        ),
        title="Scores",
        note="Fractions, not per cent.",
    )
    bands = ["0-10 m", "10-20 m", "20-40 m", "over 40 m"]
    return Page(
        "Validation streets",
        "60 frames, one engine, two scores.",
        (
            Section(
                "",
                (
                    Verdict("uno ranks best.", Tone.GOOD, ("Names are text: <b>no markup</b>.",)),
                    Headlines((Headline("0.612", "AP, uno", "95 % interval 0.58–0.64"), Headline("0.120", "FPR95"))),
                ),
            ),
            Section("Scores", (table, Text("A paragraph."))),
            Section(
                "Curves",
                (
                    Charts((precision_recall_chart(curves, "Pooled over pixels."), roc_chart(curves))),
                    charts.bars(bands, {"uno": (0.8, 0.6, 0.3, 0.1), "msp": (0.4, 0.2, 0.1, None)}, "AP"),
                    charts.histogram(np.linspace(20, 60, 50).tolist(), "time a frame, ms"),
                ),
            ),
            Section("Drive", (timeline.chart("Dashed: the threshold."),)),
            Section("What went wrong", (reel.misses(), reel.false_flags())),
        ),
        {"command": "ros-anomaly-evaluate --street validation --frames 60", "machine": machine_line()},
    )
