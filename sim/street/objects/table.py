"""Every object by name."""

from __future__ import annotations

from ros_anomaly_sim.street.objects.furnishings import FURNISHINGS
from ros_anomaly_sim.street.objects.negatives import NEGATIVES
from ros_anomaly_sim.street.objects.people import PEOPLE
from ros_anomaly_sim.street.objects.plants import PLANTS
from ros_anomaly_sim.street.objects.reserved import RESERVED
from ros_anomaly_sim.street.objects.spec import ObjectSpec
from ros_anomaly_sim.street.objects.validation_anomalies import VALIDATION_ANOMALIES
from ros_anomaly_sim.street.objects.vehicles import VEHICLES

_ALL = (*VEHICLES, *PEOPLE, *PLANTS, *FURNISHINGS, *NEGATIVES, *VALIDATION_ANOMALIES, *RESERVED)


def _by_unique_name(specs: tuple[ObjectSpec, ...]) -> dict[str, ObjectSpec]:
    table: dict[str, ObjectSpec] = {}
    sources: dict[str, str] = {}
    for spec in specs:
        if spec.name in table:
            raise ValueError(f"object name {spec.name!r} stands twice in the table")
        if spec.source in sources:
            raise ValueError(f"objects {sources[spec.source]} and {spec.name} have the same source {spec.source!r}")
        table[spec.name] = spec
        sources[spec.source] = spec.name
    return table


OBJECTS: dict[str, ObjectSpec] = _by_unique_name(_ALL)
