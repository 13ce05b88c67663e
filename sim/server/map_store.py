"""All maps there are, by name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ros_anomaly_sim.server.network_map import NetworkTownMap
from ros_anomaly_sim.server.town_map import StreetTownMap, TownMap
from ros_anomaly_sim.street.network.town import NetworkTown
from ros_anomaly_sim.street.objects.library import ModelLibrary
from ros_anomaly_sim.street.splits import TOWN_SEEDS
from ros_anomaly_sim.street.town import Town

_STREET, _NETWORK = "Town", "Net"


class UnknownMapError(ValueError):
    """No map of that name; the message says which there are."""


@dataclass(frozen=True)
class MapStore:
    """Maps by name, generated when asked for.

    "Town2001" is the town with seed 2001 along one main street, "Net2001" the one with several streets. CARLA's own
    towns have stand-ins, so that scenarios written for them run: "Town01" is "Town2001" under that name.
    ``length_m`` is that of the main streets.
    """

    library: ModelLibrary
    length_m: float

    def load(self, name: str) -> TownMap:
        """The map of that name, with or without folders before it.

        Raises:
            UnknownMapError: no map has that name.
            ValueError: its seed belongs to no split.
        """
        short = name.rsplit("/", 1)[-1]
        kind, seed = _STREET, STAND_INS.get(short)
        if seed is None:
            kind, seed = _kind_and_seed(short)
        if kind == _NETWORK:
            return NetworkTownMap(short, NetworkTown.generate(seed, self.library))
        return StreetTownMap(short, Town.generate(seed, self.library, self.length_m))

    @staticmethod
    def stands_in(name: str) -> bool:
        """Whether the name is one of CARLA's own maps."""
        return name.rsplit("/", 1)[-1] in STAND_INS


STAND_INS: dict[str, int] = {
    **{f"Town{n:02d}": 2000 + n for n in (1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 15)},
    **{f"Town{n:02d}_Opt": 2000 + n for n in range(1, 8)},
    "Town10HD": 2010,
    "Town10HD_Opt": 2010,
}


def map_name(seed: int) -> str:
    """Name of the street town with that seed: four digits, so that none is one of CARLA's own."""
    return f"{_STREET}{seed:04d}"


def available_maps() -> list[str]:
    """Names of all maps but the stand-ins."""
    return [f"{kind}{seed:04d}" for kind in (_STREET, _NETWORK) for seeds in TOWN_SEEDS.values() for seed in seeds]


def _kind_and_seed(name: str) -> tuple[str, int]:
    found = re.fullmatch(rf"({_STREET}|{_NETWORK})([0-9]{{4}})", name)
    if found is None:
        expected = "Town0000 to Town2099 or Net0000 to Net2099"
        raise UnknownMapError(f"Map {name!r} not found: expected {expected} (see get_available_maps)")
    return found[1], int(found[2])
