"""The run as a line in time: what was said of each frame against what was really there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ros_anomaly.hazard.types import HazardLevel


@dataclass(frozen=True)
class Moment:
    """One frame.

    Attributes:
        time_s: simulated time since the first frame.
        level: what the detector said; None for a frame that was not processed.
        reason: its reason.
        nearest_m: nearest region, as the detector said.
        latency_ms: image in to result out, in the detector.
        objects_in_view: instance ids of real anomalies with enough visible pixels.
        objects_found: those of them that the mask covers.
        objects_in_the_way: real anomalies, however small, that the detector's regions in the corridor lie on.
    """

    time_s: float
    level: HazardLevel | None
    reason: str
    nearest_m: float | None
    latency_ms: float | None
    objects_in_view: frozenset[int]
    objects_found: frozenset[int]
    objects_in_the_way: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Span:
    """Consecutive moments, ``first`` to ``last`` inclusive (indices), with the times of both."""

    first: int
    last: int
    start_s: float
    end_s: float


@dataclass(frozen=True)
class ClearStretch:
    """The longest stretch without a real anomaly in view, and what was said in it (frames)."""

    span: Span
    frames: int
    hazard_frames: int
    caution_frames: int
    unknown_frames: int


def hazard_spans(moments: Sequence[Moment]) -> list[Span]:
    """Each stretch of HAZARD; frames that were not processed neither start nor end one."""
    told = [(i, m) for i, m in enumerate(moments) if m.level is not None]
    return [
        _span(moments, [i for i, _ in group])
        for level, group in groupby(told, key=lambda item: item[1].level)
        if level is HazardLevel.HAZARD
    ]


def false_hazards(moments: Sequence[Moment]) -> list[Span]:
    """Stretches of HAZARD in none of whose frames a region in the corridor lay on a real anomaly."""
    return [
        span
        for span in hazard_spans(moments)
        if not any(moment.objects_in_the_way for moment in moments[span.first : span.last + 1])
    ]


def clear_stretch(moments: Sequence[Moment]) -> ClearStretch | None:
    """The longest stretch without a real anomaly in view; None where there is no such frame.

    Its first frames still show what was confirmed before it: a HAZARD that began while an object was in view
    is not held against the stretch.
    """
    spans = [
        _span(moments, [i for i, _ in group])
        for empty, group in groupby(enumerate(moments), key=lambda item: not item[1].objects_in_view)
        if empty
    ]
    if not spans:
        return None
    longest = max(spans, key=lambda span: span.last - span.first)
    inside = range(longest.first, longest.last + 1)
    inherited = {
        i for span in hazard_spans(moments) if span.first < longest.first for i in range(span.first, span.last + 1)
    }
    levels = [moments[i].level for i in inside if i not in inherited]
    return ClearStretch(
        span=longest,
        frames=len(inside),
        hazard_frames=levels.count(HazardLevel.HAZARD),
        caution_frames=levels.count(HazardLevel.CAUTION),
        unknown_frames=levels.count(HazardLevel.UNKNOWN),
    )


def _span(moments: Sequence[Moment], indices: list[int]) -> Span:
    first, last = indices[0], indices[-1]
    return Span(first, last, moments[first].time_s, moments[last].time_s)
