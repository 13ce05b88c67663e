"""Reads bags (rosbag2: mcap, sqlite3; plain or compressed) without a ROS graph, in order of time."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from rosbags.serde import SerdeError

from ros_anomaly.bags.reader_opening import open_storages
from ros_anomaly.bags.reader_storage import BagError, Storage, Stored
from ros_anomaly.bags.writer_messages import standard_types

__all__ = ["BagError", "BagMessage", "BagReader", "BagTopic"]

_LOOK_AHEAD_NS = 1_000_000_000
"""How far a message may lie behind later ones in a file without an index."""


@dataclass(frozen=True)
class BagTopic:
    """A topic of a bag; ``type`` as in ``sensor_msgs/msg/Image``, several joined by a comma; ``count`` of messages."""

    name: str
    type: str
    count: int


@dataclass(frozen=True)
class BagMessage:
    """A recorded message: CDR bytes, and the time of its recording (the bag's clock)."""

    topic: str
    type: str
    recorded_ns: int
    raw: bytes

    def decoded(self) -> Any:
        """The message, with the fields of its ROS type (arrays are numpy's, strings are str).

        Raises:
            BagError: damaged bytes, or a type outside of ROS 2's common interfaces.
        """
        if self.type not in standard_types().types:
            raise BagError(f"{self.topic}: expected a type of ROS 2's common interfaces, found {self.type}")
        try:
            return standard_types().deserialize_cdr(self.raw, self.type)
        except SerdeError as error:
            raise BagError(f"{self.topic}: expected a {self.type}, found {len(self.raw)} bytes: {error}") from None


class BagReader:
    """A bag to be read, in a ``with`` block.

    Attributes:
        topics: by name.
        problems: one line each for what is not as it should be; grows while the bag is read.

    Raises:
        BagError: nothing of it can be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._storages, self.problems = open_storages(path)
        self.topics = _topics(self._storages)

    def messages(self, topics: Sequence[str]) -> Iterator[BagMessage]:
        """Messages of ``topics`` by the time of their recording; at one time in the order in which topics are named.

        What is damaged is left out, or ends this early where nothing behind it can be found; ``problems`` says so, as
        where there are fewer messages than the bag says of itself.
        """
        ranks = {name: rank for rank, name in enumerate(topics)}
        read: Counter[str] = Counter()
        latest_ns: int | None = None
        late = latest_by_ns = 0
        for stored in _ranked(self._stored(ranks), ranks):
            read[stored.topic] += 1
            behind_ns = 0 if latest_ns is None else latest_ns - stored.recorded_ns
            late += behind_ns > 0
            latest_by_ns = max(latest_by_ns, behind_ns)
            latest_ns = stored.recorded_ns if latest_ns is None else max(latest_ns, stored.recorded_ns)
            yield BagMessage(*stored)
        if late:
            self._tell(f"{self.path.name}: {late} messages come after later ones, by up to {latest_by_ns / 1e9:.3g} s")
        for name in ranks:
            if (promised := self.topics[name].count if name in self.topics else 0) > read[name]:
                self._tell(f"{name}: the bag speaks of {promised} messages, {read[name]} could be read")

    def first(self, topic: str) -> BagMessage | None:
        """The first message of a topic, or None."""
        return next((BagMessage(*stored) for stored in self._stored({topic: 0})), None)

    def close(self) -> None:
        """Let the files go."""
        for storage in self._storages:
            storage.close()

    def __enter__(self) -> BagReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _stored(self, topics: dict[str, int]) -> Iterator[Stored]:
        for storage in self._storages:
            messages = self._as_far_as_it_goes(storage, topics)
            yield from messages if storage.in_order else _nearly_sorted(messages)

    def _as_far_as_it_goes(self, storage: Storage, topics: dict[str, int]) -> Iterator[Stored]:
        messages = storage.messages(topics)
        count = 0
        while True:
            try:
                stored = next(messages, None)
            except Exception as error:  # rosbags lets through whatever damaged bytes make its parsers raise
                reason = " ".join(str(error).split()) or type(error).__name__
                self._tell(f"{self.path.name}: after {count} messages reading ended at a damaged part: {reason}")
                return
            if stored is None:
                for problem in storage.problems:
                    self._tell(problem)
                return
            count += 1
            yield stored

    def _tell(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


def _topics(storages: list[Storage]) -> dict[str, BagTopic]:
    types: dict[str, list[str]] = {}
    counts: Counter[str] = Counter()
    for storage in storages:
        for one in storage.topics():
            types.setdefault(one.name, [])
            if one.type not in types[one.name]:
                types[one.name].append(one.type)
            counts[one.name] += one.count
    return {name: BagTopic(name, ", ".join(types[name]), counts[name]) for name in sorted(types)}


def _ranked(messages: Iterator[Stored], ranks: dict[str, int]) -> Iterator[Stored]:
    """Messages of one time in the order of their topics' ranks; nothing else changes its place."""
    group: list[Stored] = []
    for stored in messages:
        if group and stored.recorded_ns != group[0].recorded_ns:
            yield from group
            group = []
        group.append(stored)
        group.sort(key=lambda one: ranks[one.topic])
    yield from group


def _nearly_sorted(messages: Iterator[Stored]) -> Iterator[Stored]:
    """Sorted by time as far as a look-ahead of one second goes."""
    waiting: list[tuple[int, int, Stored]] = []
    newest_ns = 0
    for number, stored in enumerate(messages):
        heapq.heappush(waiting, (stored.recorded_ns, number, stored))
        newest_ns = max(newest_ns, stored.recorded_ns)
        while waiting[0][0] < newest_ns - _LOOK_AHEAD_NS:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]
