"""A run's figures as ``results.json`` holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ros_anomaly.evaluation.report.machine import machine_facts
from ros_anomaly_sim.closed_loop.figures import contestants, figures_of
from ros_anomaly_sim.closed_loop.record import Missing, ScenarioRecord
from ros_anomaly_sim.closed_loop.requirements import requirements


def results_of(records: Sequence[ScenarioRecord], missing: Missing, facts: Mapping[str, str]) -> dict[str, Any]:
    """Everything but the tracks; plain values. Shares are fractions."""
    drivers = contestants(records)
    return {
        "facts": dict(facts),
        "machine": machine_facts(),
        "drivers": [
            {"driver": own.driver, "latency_ms": own.latency_ms, **asdict(figures_of(own, records))} for own in drivers
        ],
        "requirements": [
            {
                "driver": own.contestant.driver,
                "latency_ms": own.contestant.latency_ms,
                "asked": own.text,
                "found": own.found,
                "of": own.of,
                "met": own.met,
            }
            for own in requirements(drivers, records)
        ],
        "scenarios": [record.figures() for record in records],
        "skipped": missing.skipped,
        "failed": missing.failed,
    }
