"""A contest's figures as tables, one a group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ros_anomaly.benchmark.table import Table, number

Contenders = Sequence[Mapping[str, Any]]
"""Outcomes as result files have them (``Outcome.plain``)."""

_LONGEST_REASON = 160


def contest_text(heading: str, contenders: Contenders, extra: Mapping[str, str] | None = None) -> str:
    """For people. ``extra``: a column's header by the key of ``facts`` that it shows."""
    blocks = [heading]
    for group, members in by_group(contenders).items():
        blocks += [f"\n{group}", contest_table(members, extra or {}).text(), *_failures(members, "  ")]
    return "\n".join(blocks)


def contest_markdown(heading: str, contenders: Contenders, extra: Mapping[str, str] | None = None) -> str:
    """As :func:`contest_text`, in Markdown."""
    blocks = [heading]
    for group, members in by_group(contenders).items():
        blocks.append(f"**{group}**\n\n{contest_table(members, extra or {}).markdown()}")
        if failures := _failures(members, "- "):
            blocks.append("\n".join(failures))
    return "\n\n".join(blocks)


def by_group(contenders: Contenders) -> dict[str, list[Mapping[str, Any]]]:
    """Contenders by group, in the order in which they came."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for contender in contenders:
        groups.setdefault(contender["group"], []).append(contender)
    return groups


def contest_table(members: Contenders, extra: Mapping[str, str]) -> Table:
    """Those that ran; columns that no one has are left out."""
    ran = [one for one in members if one["failure"] is None]
    columns: list[tuple[str, list[str]]] = [
        ("median ms", [number(one["times"]["median_ms"]) for one in ran]),
        ("p99 ms", [number(one["times"]["p99_ms"]) for one in ran]),
        ("a second", [number(one["times"]["frames_per_s"]) for one in ran]),
        ("CPU ms", [number(one["cpu_ms"]) for one in ran]),
        ("speed", [f"{number(one['ratio']['median'])}×" if one["ratio"] else "–" for one in ran]),
        ("peak MB", [number(one["memory"]["peak_mb"]) for one in ran]),
        ("working MB", [number(one["memory"]["working_mb"]) for one in ran]),
    ]
    if any(one["memory"]["gpu_mb"] is not None for one in ran):
        columns.append(("GPU MB", [number(one["memory"]["gpu_mb"]) for one in ran]))
    for key, header in extra.items():
        if any(key in one["facts"] for one in ran):
            columns.append((header, [_fact(one["facts"].get(key)) for one in ran]))
    names = [f"{one['name']} (baseline)" if one["baseline"] else one["name"] for one in ran]
    headers = ("", *(header for header, _ in columns))
    return Table(headers, tuple((name, *(cells[row] for _, cells in columns)) for row, name in enumerate(names)))


def _fact(value: Any) -> str:
    return number(value) if isinstance(value, (int, float)) or value is None else str(value)


def _failures(members: Contenders, indent: str) -> list[str]:
    failed = [(one["name"], one["failure"]) for one in members if one["failure"] is not None]
    return [f"{indent}not run: {name}: {_short(reason)}" for name, reason in failed]


def _short(reason: str) -> str:
    return reason if len(reason) <= _LONGEST_REASON else reason[: _LONGEST_REASON - 1] + "…"
