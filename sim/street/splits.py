"""Which town seeds belong to training, validation and test."""

from __future__ import annotations

from ros_anomaly.choice import Choice


class Split(str, Choice):
    """Part of the data that a town or a model may be used for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


TOWN_SEEDS: dict[Split, range] = {
    Split.TRAIN: range(0, 1000),
    Split.VALIDATION: range(1000, 1100),
    Split.TEST: range(2000, 2100),
}


def split_of_town(seed: int) -> Split:
    """Split that the town with this seed belongs to; ValueError for a seed of no split."""
    for split, seeds in TOWN_SEEDS.items():
        if seed in seeds:
            return split
    ranges = ", ".join(f"{s.start}-{s.stop - 1} {split.value}" for split, s in TOWN_SEEDS.items())
    raise ValueError(f"town seed {seed} belongs to no split: expected {ranges}")
