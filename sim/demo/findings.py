"""A run in words: what a person should know first, good or bad."""

from __future__ import annotations

from ros_anomaly_sim.demo.result import ObjectResult, RunResult


def headline(result: RunResult) -> str:
    """One sentence over the whole run."""
    if not result.enough_processed:
        return f"The detector processed only {result.processed} of {result.sent} images: this run does not count."
    in_view = [item for item in result.objects if not item.never_in_view]
    if not in_view:
        return "No anomalous object came into view."
    known = sum(item.verdict in ("hazard", "known") for item in in_view)
    return f"{known} of {len(in_view)} objects that the network was never taught were found."


def tone(result: RunResult) -> str:
    """``good``, ``warn`` or ``bad``: nothing missed in the corridor and no false HAZARD, something of it, or no run."""
    if not result.enough_processed:
        return "bad"
    missed = any(item.object.in_corridor and item.verdict in ("missed", "known") for item in result.objects)
    return "warn" if missed or result.false_hazards else "good"


def findings(result: RunResult) -> list[str]:
    """Sentences on corridor, misses, false flags, the clear stretch and dropped images."""
    lines = [*_corridor(result), *_missed(result), *_false_flags(result), *_clear_stretch(result)]
    if result.dropped:
        lines.append(f"{result.dropped} of {result.sent} images were dropped.")
    if result.levels["unknown"]:
        lines.append(f"The state was UNKNOWN for {result.levels['unknown']} processed images.")
    return lines


def _corridor(result: RunResult) -> list[str]:
    items = [item for item in result.objects if item.object.in_corridor and not item.never_in_view]
    if not items:
        return ["No object stood in the driving corridor."]
    flagged = [item for item in items if item.report.hazard_m is not None]
    told = ", ".join(f"{item.object.label} at {item.report.hazard_m:.0f} m" for item in flagged)
    line = f"HAZARD was up before contact for {len(flagged)} of {len(items)} objects in the driving corridor"
    return [f"{line}: {told}." if told else f"{line}."]


def _missed(result: RunResult) -> list[str]:
    missed = [item for item in result.objects if item.verdict == "missed"]
    return [f"Missed: {_names(missed)}."] if missed else []


def _false_flags(result: RunResult) -> list[str]:
    count = len(result.false_hazards)
    if not result.hazard_spans:
        return ["No HAZARD was raised."]
    if not count:
        return ["Every HAZARD rested on a real object."]
    starts = ", ".join(f"{span.start_s:.1f} s" for span in result.false_hazards)
    return [f"{count} false {'HAZARD' if count == 1 else 'HAZARDs'}, at {starts}."]


def _clear_stretch(result: RunResult) -> list[str]:
    stretch = result.clear_stretch
    if stretch is None:
        return ["An object was in view all the time: there was no empty stretch."]
    length_s = stretch.span.end_s - stretch.span.start_s
    told = f"{stretch.hazard_frames} images with HAZARD, {stretch.caution_frames} with CAUTION"
    return [f"On the empty stretch of {length_s:.0f} s ({stretch.frames} images): {told}."]


def _names(items: list[ObjectResult]) -> str:
    return ", ".join(
        f"{item.object.label} ({'in the corridor' if item.object.in_corridor else 'beside it'})" for item in items
    )
