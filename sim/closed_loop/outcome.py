"""A drive in a few words, and whether it went as it should."""

from __future__ import annotations

from ros_anomaly.evaluation.report.blocks import Chip, Tone
from ros_anomaly_sim.closed_loop.figures import BLIND, speed_share
from ros_anomaly_sim.closed_loop.record import Kind, ScenarioRecord
from ros_anomaly_sim.closed_loop.requirements import LEAST_SPEED
from ros_anomaly_sim.closed_loop.result import DriveResult, End


def outcome(record: ScenarioRecord, drive: DriveResult) -> Chip:
    """What became of a drive; what a blind driver runs into is no news, and has no colour."""
    text, tone = _words(record, drive)
    return Chip(text, Tone.PLAIN if drive.driver == BLIND else tone)


def failures(record: ScenarioRecord, drive: DriveResult) -> list[str]:
    """What should not have been, in words; nothing for a drive as one would wish."""
    found = [f"hit {c.other.removeprefix('static.prop.')} at {3.6 * c.impact_mps:.0f} km/h" for c in drive.collisions]
    if record.kind is Kind.IN_THE_WAY:
        if drive.completed and not found:
            found.append("went past what stands in the way")
        if drive.end is End.HELD and not any(a.margin_m is not None for a in drive.anomalies):
            found.append("stands, but not before what is in the way")
    elif not drive.completed and not found:
        found.append("did not complete an open route")
    share = speed_share(record, drive)
    if record.kind is not Kind.IN_THE_WAY and share is not None and share < LEAST_SPEED:
        found.append(f"drove at {100 * share:.0f} % of the oracle's mean speed")
    if drive.end is End.TIME and record.kind is Kind.IN_THE_WAY:
        found.append("ran out of time")
    for count, kind in ((drive.false_stops, "false"), (drive.unknown_stops, "UNKNOWN")):
        if count:
            found.append(f"{count} {kind} stop{'' if count == 1 else 's'}")
    return found


def _words(record: ScenarioRecord, drive: DriveResult) -> tuple[str, Tone]:
    if drive.collisions:
        first = drive.collisions[0]
        what = "" if first.anomaly is not None else f" {first.other.split('.')[0]}"
        return f"hit{what} at {3.6 * first.impact_mps:.0f} km/h", Tone.BAD
    margins = [anomaly.margin_m for anomaly in drive.anomalies if anomaly.margin_m is not None]
    if drive.end is End.HELD and margins:
        return f"stopped {min(margins):.1f} m before", Tone.GOOD
    if drive.end is End.HELD:
        return ("stands", Tone.WARN) if record.kind is Kind.IN_THE_WAY else ("held for nothing", Tone.BAD)
    if drive.end is End.TIME:
        return "out of time", Tone.WARN
    if record.kind is Kind.IN_THE_WAY:
        return "went past", Tone.WARN
    if drive.false_stops or drive.unknown_stops:
        return "completed, with stops", Tone.WARN
    return "completed", Tone.GOOD
