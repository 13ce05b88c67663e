"""Town seeds and their splits."""

from __future__ import annotations

import pytest

from ros_anomaly_sim.street.splits import TOWN_SEEDS, Split, split_of_town


@pytest.mark.parametrize(
    ("seed", "split"),
    [
        (0, Split.TRAIN),
        (999, Split.TRAIN),
        (1000, Split.VALIDATION),
        (1099, Split.VALIDATION),
        (2000, Split.TEST),
        (2099, Split.TEST),
    ],
)
def test_split_of_town(seed: int, split: Split) -> None:
    assert split_of_town(seed) is split


@pytest.mark.parametrize("seed", [-1, 1100, 1999, 2100])
def test_seeds_outside_every_split_are_refused(seed: int) -> None:
    with pytest.raises(ValueError, match=rf"{seed}.*0-999 train.*1000-1099 validation.*2000-2099 test"):
        split_of_town(seed)


def test_unknown_split_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="split: expected one of train, validation, test; found 'dev'"):
        Split("dev")


def test_town_seeds_are_disjoint() -> None:
    seeds = [seed for seeds in TOWN_SEEDS.values() for seed in seeds]
    assert len(seeds) == len(set(seeds))
