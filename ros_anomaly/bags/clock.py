"""Which clock a recorded drive is told by: that of the recorder, or the stamps of the images themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from itertools import chain
from typing import Protocol, TypeVar

_NS_PER_S = 1_000_000_000
_APART_NS = 3600 * _NS_PER_S
_UNSET_STAMPS = 10
"""Images without a stamp (zero) after which AUTO no longer waits for one; simulated time may begin at zero."""


class DriveClock(str, Enum):
    """RECORDED: when messages were recorded. STAMPS: what the images say. AUTO: RECORDED unless these are hours apart.

    A drive in a simulator has stamps of simulated time. Unless its recorder ran on that, too, images would come out
    decades old.
    """

    AUTO = "auto"
    RECORDED = "recorded"
    STAMPS = "stamps"


class Recorded(Protocol):
    """Whatever has the time of its recording."""

    @property
    def recorded_ns(self) -> int: ...


Item = TypeVar("Item", bound=Recorded)


def on_clock(
    items: Iterator[Item],
    clock: DriveClock,
    image_stamp_ns: Callable[[Item], int | None],
    at_time: Callable[[Item, int], Item],
) -> tuple[DriveClock, Iterator[Item]]:
    """The clock that AUTO comes to, and ``items`` told by it: ``recorded_ns`` is its time and never goes back.

    Args:
        items: in order of their recording.
        image_stamp_ns: stamp of an item that is an image, None of any other.
        at_time: an item with another ``recorded_ns``.
    """
    head: list[Item] = []
    if clock is DriveClock.AUTO:
        clock, unset = DriveClock.RECORDED, 0
        for item in items:
            head.append(item)
            if (stamp_ns := image_stamp_ns(item)) is None:
                continue
            if stamp_ns > 0:
                if abs(stamp_ns - item.recorded_ns) > _APART_NS:
                    clock = DriveClock.STAMPS
                break
            unset += 1
            if unset == _UNSET_STAMPS:
                break
    everything = chain(head, items)
    if clock is DriveClock.STAMPS:
        return clock, _by_stamps(everything, image_stamp_ns, at_time)
    return clock, _never_back(everything, at_time)


def _never_back(items: Iterator[Item], at_time: Callable[[Item, int], Item]) -> Iterator[Item]:
    now_ns = 0
    for item in items:
        now_ns = max(now_ns, item.recorded_ns)
        yield item if item.recorded_ns == now_ns else at_time(item, now_ns)


def _by_stamps(
    items: Iterator[Item], image_stamp_ns: Callable[[Item], int | None], at_time: Callable[[Item, int], Item]
) -> Iterator[Item]:
    """Time goes on with the images' stamps; what comes before the first image waits for it.

    A stamp that is hours ahead, the first among them, moves the clock only if the next image's bears it out: one wild
    stamp would else hold the clock for the rest of the drive.
    """
    waiting: list[Item] = []
    now_ns: int | None = None
    doubted_ns: int | None = None
    for item in items:
        if (stamp_ns := image_stamp_ns(item)) is not None:
            if doubted_ns is not None:
                now_ns = _borne_out(doubted_ns, stamp_ns, now_ns)
                yield from (at_time(one, now_ns) for one in waiting)
                waiting.clear()
            doubted_ns = stamp_ns if now_ns is None or stamp_ns - now_ns > _APART_NS else None
            if doubted_ns is None and now_ns is not None:
                now_ns = max(now_ns, stamp_ns)
        if now_ns is None or doubted_ns is not None:
            waiting.append(item)
        else:
            yield at_time(item, now_ns)
    end_ns = doubted_ns if now_ns is None else now_ns
    if end_ns is not None:
        yield from (at_time(one, end_ns) for one in waiting)


def _borne_out(doubted_ns: int, next_ns: int, now_ns: int | None) -> int:
    """The time at an image whose stamp was doubted, ``now_ns`` before it, as the next image's stamp tells."""
    if now_ns is None:  # the first image, which nothing but the second can prove wrong
        return next_ns if doubted_ns - next_ns > _APART_NS else doubted_ns
    return doubted_ns if abs(doubted_ns - next_ns) <= _APART_NS else now_ns
