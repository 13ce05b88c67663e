"""Models of traffic light heads, one for each state. They are drawn over the painted heads that the towns have."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from ros_anomaly.data.labels import StreetClass
from ros_anomaly_sim.street.builder import Colour, MeshBuilder, Surface
from ros_anomaly_sim.street.mesh import Model

ModelLoader = Callable[[str], Model]

_PREFIX = "traffic light: "
# A finger larger than the town's own heads (0.32 x 0.2 x 0.95 m with a face before them), which it has to hide.
HEAD_SIZE_M = (0.36, 0.27, 0.99)
"""Across, along and up."""

_DROP_M = 0.02
_LAMP_RADIUS_M = 0.115
_LAMP_POINTS = 12
_HOUSING: Colour = (0.08, 0.08, 0.08)
# From the bottom: height of the lamp's middle, its name, its colour.
_LAMPS: tuple[tuple[float, str, Colour], ...] = (
    (0.17, "GREEN", (0.25, 1.0, 0.5)),
    (0.475, "YELLOW", (1.0, 0.78, 0.12)),
    (0.78, "RED", (1.0, 0.16, 0.1)),
)
# A lit lamp shines: it is brighter than what is only lit, and so is its colour.
_LIT_SHARE, _DARK_SHARE = 1.5, 0.18


def signal_model(state: str) -> str:
    """Name of the model of a head that shows a state; states without a lamp of their own (OFF) show none lit."""
    return f"{_PREFIX}{state}"


def with_signals(load: ModelLoader) -> ModelLoader:
    """A loader that knows these models besides those of ``load``."""
    return lambda name: _head(name.removeprefix(_PREFIX)) if name.startswith(_PREFIX) else load(name)


@cache
def _head(state: str) -> Model:
    """Its underside's middle is the origin; it faces -y, towards the traffic that drives along +y."""
    builder = MeshBuilder()
    housing = Surface(0, StreetClass.TRAFFIC_SIGN, _HOUSING)
    builder.box((0.0, 0.0, -_DROP_M), HEAD_SIZE_M, housing, bottom=True)
    turns = np.linspace(0.0, 2.0 * np.pi, _LAMP_POINTS + 1)
    rim = _LAMP_RADIUS_M * np.stack([np.cos(turns), np.zeros_like(turns), np.sin(turns)], 1)
    for height, name, colour in _LAMPS:
        share = _LIT_SHARE if name == state else _DARK_SHARE
        red, green, blue = (share * c for c in colour)
        middle = np.array([0.0, -HEAD_SIZE_M[1] / 2 - 0.005, height])
        quads = np.stack([np.zeros_like(rim[:-1:2]), rim[:-1:2], rim[1::2], rim[2::2]], 1) + middle
        lamp = Surface(0, StreetClass.TRAFFIC_SIGN, (red, green, blue), gloss=0.1)
        builder.quads(quads, np.zeros((len(quads), 4, 2)), lamp)
    mesh = builder.mesh(None)
    return Model(signal_model(state), int(StreetClass.TRAFFIC_SIGN), (mesh, mesh, mesh), (), HEAD_SIZE_M, "")
