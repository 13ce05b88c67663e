"""The figures of a run, as ``result.json`` holds them and the report shows them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ros_anomaly.evaluation.objects import ObjectReport
from ros_anomaly.evaluation.report.machine import machine_facts
from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly_sim.bridge.drive_file import DriveSummary, StreetObject
from ros_anomaly_sim.demo.run_record import RunRecord
from ros_anomaly_sim.demo.timeline import ClearStretch, Span, clear_stretch, false_hazards, hazard_spans

REQUIRED_PROCESSED_SHARE = 0.9


@dataclass(frozen=True)
class ObjectResult:
    """An object of the drive and what became of it."""

    object: StreetObject
    report: ObjectReport

    @property
    def never_in_view(self) -> bool:
        """Whether the drive ended, or the object was hidden, before enough of it could be seen."""
        return self.report.seen_frames == 0

    @property
    def verdict(self) -> str:
        """``hazard``, ``known`` (found stably, without HAZARD), ``missed`` or ``not in view``."""
        if self.never_in_view:
            return "not in view"
        if self.report.hazard_m is not None:
            return "hazard"
        return "missed" if self.report.missed else "known"


@dataclass(frozen=True)
class Latency:
    """Image in to result out in the detector, milliseconds."""

    median_ms: float
    p95_ms: float
    max_ms: float


@dataclass(frozen=True)
class RunResult:
    """All figures of a run; fractions, not per cent; None where there was nothing to measure.

    Attributes:
        frames_per_s: processed frames per second of wall clock over the whole drive, renderer and recorder included.
        levels: processed frames by hazard level.
        ap, fpr95, auroc: over the pixels of all processed frames.
    """

    sent: int
    processed: int
    wall_s: float
    latency: Latency | None
    levels: dict[str, int]
    ap: float | None
    fpr95: float | None
    auroc: float | None
    objects: tuple[ObjectResult, ...]
    hazard_spans: tuple[Span, ...]
    false_hazards: tuple[Span, ...]
    clear_stretch: ClearStretch | None

    @property
    def dropped(self) -> int:
        """Frames sent that the detector did not work on."""
        return self.sent - self.processed

    @property
    def processed_share(self) -> float:
        """0 where nothing was sent."""
        return self.processed / self.sent if self.sent else 0.0

    @property
    def enough_processed(self) -> bool:
        """Whether the run counts as a success."""
        return self.processed_share >= REQUIRED_PROCESSED_SHARE

    @property
    def frames_per_s(self) -> float:
        """0 for a run without duration."""
        return self.processed / self.wall_s if self.wall_s > 0 else 0.0


def run_result(record: RunRecord, summary: DriveSummary, wall_s: float) -> RunResult:
    """Sum a run up; ``wall_s`` is the wall clock from its first frame to its last."""
    moments = record.moments
    latencies = [moment.latency_ms for moment in moments if moment.latency_ms is not None]
    figures = record.ranking.figures()
    by_id = {report.instance_id: report for report in record.object_reports()}
    return RunResult(
        sent=summary.sent,
        processed=record.processed,
        wall_s=wall_s,
        latency=_latency(latencies) if latencies else None,
        levels={level.value: sum(m.level is level for m in moments) for level in HazardLevel},
        ap=figures.ap,
        fpr95=figures.fpr95,
        auroc=figures.auroc,
        objects=tuple(ObjectResult(item, by_id[item.instance_id]) for item in record.drive.objects),
        hazard_spans=tuple(hazard_spans(moments)),
        false_hazards=tuple(false_hazards(moments)),
        clear_stretch=clear_stretch(moments),
    )


def to_json(result: RunResult, record: RunRecord, engine: str) -> dict[str, Any]:
    """Content of ``result.json``."""
    drive = record.drive
    stretch = result.clear_stretch
    return {
        "drive": {
            "town": record.setting.town,
            "weather": record.setting.weather,
            "duration_s": drive.duration_s,
            "rate_hz": drive.rate_hz,
        },
        "engine": engine,
        "machine": machine(record.setting.drawn_by),
        "frames": {
            "sent": result.sent,
            "processed": result.processed,
            "dropped": result.dropped,
            "processed_share": result.processed_share,
        },
        "wall_s": result.wall_s,
        "frames_per_s": result.frames_per_s,
        "latency_ms": asdict(result.latency) if result.latency else None,
        "levels": result.levels,
        "ap": result.ap,
        "auroc": result.auroc,
        "fpr95": result.fpr95,
        "objects": [
            {
                "name": item.object.label,
                "in_corridor": item.object.in_corridor,
                "verdict": item.verdict,
                **asdict(item.report),
            }
            for item in result.objects
        ],
        "hazards": [asdict(span) for span in result.hazard_spans],
        "false_hazards": [asdict(span) for span in result.false_hazards],
        "clear_stretch": asdict(stretch) if stretch else None,
    }


def machine(drawn_by: str) -> dict[str, Any]:
    """What the figures were taken on."""
    return {**machine_facts(), "renderer": drawn_by}


def _latency(values: list[float]) -> Latency:
    return Latency(float(np.median(values)), float(np.percentile(values, 95)), float(max(values)))
