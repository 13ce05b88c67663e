"""The results of a drive as plain values: the same for the same drive, engine and settings. No timings, no dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ros_anomaly.bags.reader_cameras import CameraTopics
from ros_anomaly.evaluation.drives.evaluation import EvaluatedDrive
from ros_anomaly.evaluation.drives.labels import LabelFormat
from ros_anomaly.evaluation.drives.levels import HazardEvent
from ros_anomaly.evaluation.drives.tally import CameraTally, StampFacts, rows_by_level
from ros_anomaly.hazard.config import HazardConfig
from ros_anomaly.hazard.types import HazardLevel

SCHEMA = "drive-1"
_NS_PER_S = 1e9


@dataclass(frozen=True)
class RunFacts:
    """What a result rests on: the engine and the settings that decide about states, as plain values for the file."""

    engine: Mapping[str, Any]
    settings: Mapping[str, Any]
    threshold: float
    label_format: LabelFormat | None
    hazard: HazardConfig


def drive_result(drive: EvaluatedDrive, facts: RunFacts) -> dict[str, Any]:
    """Everything of one drive, for ``result.json``. Names ending in _s are seconds from ``start_ns``, or durations."""
    cameras = [
        camera_result(topics, tally, drive.start_ns, facts)
        for topics, tally in zip(drive.cameras, drive.tallies, strict=True)
    ]
    return {
        "schema": SCHEMA,
        "drive": drive.name,
        "clock": drive.clock.value,
        "start_ns": drive.start_ns,
        "duration_s": (drive.end_ns - drive.start_ns) / _NS_PER_S,
        "engine": dict(facts.engine),
        "threshold": facts.threshold,
        "settings": dict(facts.settings),
        "images_promised": drive.promised_frames,
        "cameras": cameras,
        "problems": list(drive.problems),
    }


def camera_result(topics: CameraTopics, tally: CameraTally, start_ns: int, facts: RunFacts) -> dict[str, Any]:
    """Results of one camera.

    Of its hazards ``events`` are the rises to HAZARD; ``alarms`` are counted as calibration counts them: an event that
    lasts counts again and again. An event is ``on_anomaly`` where one of its images, or of those that confirmed it, has
    a flagged pixel of a labelled anomaly in a region in the corridor: what is flagged elsewhere raises no HAZARD.
    """
    rows, levels = tally.rows, tally.levels
    stamps = StampFacts.of([row.stamp_ns for row in rows], facts.hazard.fresh.max_gap_ms)
    by_level = rows_by_level(rows)
    spoken_s = sum(levels.duration_ns.values()) / _NS_PER_S
    # A hazard is confirmed by frames before the first that says so.
    look_back = facts.hazard.confirm.window - 1
    hazards = [_hazard(event, tally, start_ns, look_back) for event in levels.hazards]
    return {
        "topics": {
            "image": topics.image,
            "camera_info": topics.camera_info,
            "odometry": topics.odometry,
            "labels": topics.labels,
        },
        "images": {
            "read": len(rows),
            "processed": sum(not row.problem for row in rows),
            "bad_image": sum(row.problem == "bad image" for row in rows),
            "engine_failure": sum(row.problem == "engine" for row in rows),
            "with_regions": sum(row.regions > 0 for row in rows),
            "with_regions_in_corridor": sum(row.in_corridor > 0 for row in rows),
        },
        "stamps": {
            "first_ns": stamps.first_ns,
            "last_ns": stamps.last_ns,
            "rate_hz": None if not stamps.period_ms else 1e3 / stamps.period_ms,
            "longest_gap_ms": stamps.longest_gap_ms,
            "gaps": stamps.gaps,
            "not_ascending": stamps.not_ascending,
        },
        "levels": {
            level.value: {
                "frames": by_level[level],
                "seconds": levels.duration_ns[level] / _NS_PER_S,
                "share": levels.duration_ns[level] / _NS_PER_S / spoken_s if spoken_s else None,
            }
            for level in HazardLevel
        },
        "hazards": {
            "events": len(hazards),
            "alarms": tally.alarms,
            "alarms_per_10_min": 600.0 * tally.alarms / spoken_s if spoken_s else None,
            "false_events": None if tally.truth is None else sum(one["on_anomaly"] is False for one in hazards),
            "list": hazards,
        },
        "score": _score_facts(tally),
        "timeline": [
            {
                "time_s": (change.time_ns - start_ns) / _NS_PER_S,
                "level": change.level.value,
                "reason": change.reason,
            }
            for change in levels.changes
        ],
        "labels": _labels(tally, facts.label_format),
    }


def timings(drive: EvaluatedDrive, seconds: float) -> dict[str, Any]:
    """Measured times, for ``timings.json``: milliseconds an image, over all cameras, and the whole drive's seconds."""
    engine = np.array([ms for tally in drive.tallies for ms in tally.engine_ms])
    latency = np.array([ms for tally in drive.tallies for ms in tally.latency_ms])
    images = sum(len(tally.rows) for tally in drive.tallies)
    return {
        "seconds": seconds,
        "images": images,
        "images_per_s": images / seconds if seconds > 0 else None,
        "times_real_time": (drive.end_ns - drive.start_ns) / _NS_PER_S / seconds if seconds > 0 else None,
        "engine_ms": _quantiles(engine),
        "detector_ms": _quantiles(latency),
    }


def _hazard(event: HazardEvent, tally: CameraTally, start_ns: int, look_back: int) -> dict[str, Any]:
    first = max(event.first_frame - look_back, 0)
    seen = tally.rows[first : event.first_frame + event.frames]
    labelled = [row for row in seen if row.hit_px is not None]
    return {
        "start_s": (event.start_ns - start_ns) / _NS_PER_S,
        "end_s": (event.end_ns - start_ns) / _NS_PER_S,
        "first_frame": event.first_frame,
        "frames": event.frames,
        "nearest_m": event.nearest_m,
        "max_score": event.max_score,
        "on_anomaly": any(row.corridor_hit_px for row in labelled) if labelled else None,
    }


def _score_facts(tally: CameraTally) -> dict[str, float | None]:
    scores = np.array([row.max_score for row in tally.rows if row.max_score is not None])
    if not len(scores):
        return {"highest": None, "median_of_frame_maxima": None}
    return {"highest": float(scores.max()), "median_of_frame_maxima": float(np.median(scores))}


def _labels(tally: CameraTally, label_format: LabelFormat | None) -> dict[str, Any] | None:
    if tally.truth is None or label_format is None:
        return None
    return {
        "format": label_format.value,
        "images_without": tally.matcher.frames_without,
        "labels_without": tally.matcher.labels_without,
        "labels_repeated": tally.matcher.repeated,
        "labels_unusable": tally.bad_labels,
        **tally.truth.figures(),
    }


def _quantiles(values: np.ndarray) -> dict[str, float | None]:
    if not len(values):
        return {"median": None, "p90": None, "p99": None, "max": None}
    median, p90, p99, most = np.percentile(values, (50, 90, 99, 100))
    return {"median": float(median), "p90": float(p90), "p99": float(p99), "max": float(most)}
