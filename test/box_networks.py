"""Networks made of plain boxes, each made once however many tests look at it."""

from __future__ import annotations

from functools import cache

from box_library import BoxLibrary

from ros_anomaly_sim.street.network.town import NetworkTown

LIBRARY = BoxLibrary()


@cache
def box_network(seed: int) -> NetworkTown:
    """The network of that seed; tests do not change it."""
    return NetworkTown.generate(seed, LIBRARY)
