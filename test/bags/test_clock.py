"""A drive's clock: nothing but the head is held back, and one wild stamp does not stop it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from ros_anomaly.bags.clock import DriveClock, on_clock

S = 10**9
HOUR = 3600 * S
WALL = 1_700_000_000 * S


@dataclass(frozen=True)
class Item:
    recorded_ns: int
    stamp_ns: int | None = None


def told(items: list[Item] | Iterator[Item], clock: DriveClock) -> tuple[DriveClock, Iterator[Item]]:
    return on_clock(
        iter(items), clock, lambda item: item.stamp_ns, lambda item, time_ns: replace(item, recorded_ns=time_ns)
    )


def times(stamps: list[int | None], clock: DriveClock = DriveClock.STAMPS) -> list[int]:
    return [item.recorded_ns for item in told([Item(WALL + i, s) for i, s in enumerate(stamps)], clock)[1]]


def test_unset_stamps_are_not_waited_out():
    read: list[int] = []

    def drive() -> Iterator[Item]:
        for number in range(1000):
            read.append(number)
            yield Item(WALL + number, 0)

    clock, items = told(drive(), DriveClock.AUTO)
    assert next(items).recorded_ns == WALL and clock is DriveClock.RECORDED and len(read) < 20
    assert [item.recorded_ns for item in items] == [WALL + number for number in range(1, 1000)]


def test_simulated_time_that_begins_at_zero_is_recognised():
    clock, items = told([Item(WALL + i, i * S) for i in range(3)], DriveClock.AUTO)
    assert clock is DriveClock.STAMPS and [item.recorded_ns for item in items] == [0, S, 2 * S]


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        ([None, S, None, 3 * S, 2 * S], [S, S, S, 3 * S, 3 * S]),
        ([S, 2 * S, 9 * HOUR, None, 4 * S], [S, 2 * S, 2 * S, 2 * S, 4 * S]),  # one wild stamp
        ([S, 9 * HOUR, 5 * HOUR, 4 * S], [S, S, S, 4 * S]),  # two of them
        ([9 * HOUR, 2 * S, 3 * S], [2 * S, 2 * S, 3 * S]),  # the first of all
        ([S, 2 * S, 9 * HOUR], [S, 2 * S, 2 * S]),  # the last
        ([S, 9 * HOUR, 9 * HOUR + S], [S, 9 * HOUR, 9 * HOUR + S]),  # a jump that the next image bears out
        ([S, 9 * HOUR, S + 5, S + 9], [S, S, S + 5, S + 9]),
        ([None, 9 * HOUR], [9 * HOUR, 9 * HOUR]),
    ],
)
def test_the_clock_goes_by_stamps_that_can_be_believed(stamps, expected):
    assert times(stamps) == expected
