"""The files of a bag behind one interface."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, Protocol

from rosbags.rosbag2 import Reader

from ros_anomaly.bags.reader_chunks import leave_out_damaged_chunks, mcap_files


class BagError(ValueError):
    """A bag, or a message of it, that cannot be read; one line that names expected and found."""


@dataclass(frozen=True)
class StoredTopic:
    """``count`` is what the bag says of itself."""

    name: str
    type: str
    count: int


class Stored(NamedTuple):
    """A message as it lies in the bag: CDR bytes and the time of its recording."""

    topic: str
    type: str
    recorded_ns: int
    raw: bytes


class Storage(Protocol):
    """One or several files of a bag."""

    in_order: bool
    """Whether messages come in the order of their recording; else only nearly so."""
    problems: list[str]
    """What is wrong with the files, one line each; may grow while messages are read."""

    def topics(self) -> list[StoredTopic]:
        """What is stored; a topic may appear with several types."""
        ...

    def messages(self, topics: Collection[str]) -> Iterator[Stored]:
        """Messages of the named topics; any exception means that nothing more can be read."""
        ...

    def close(self) -> None:
        """Let the files go."""
        ...


class WholeStorage:
    """Files that ``rosbags`` opened. A chunk of mcap that turns out to be damaged is left out and told."""

    in_order = True

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.problems: list[str] = []

    def topics(self) -> list[StoredTopic]:
        return [StoredTopic(one.topic, one.msgtype, one.msgcount) for one in self._reader.connections]

    def messages(self, topics: Collection[str]) -> Iterator[Stored]:
        connections = [one for one in self._reader.connections if one.topic in topics]
        if not connections:
            return
        count = 0
        while True:
            try:
                # A damaged chunk gave nothing before it was found, so the same messages come first again without it.
                for connection, recorded_ns, raw in islice(self._reader.messages(connections), count, None):
                    count += 1
                    yield Stored(connection.topic, connection.msgtype, recorded_ns, raw)
                return
            except Exception:  # whatever damaged bytes make rosbags' parsers raise
                left_out = [line for file in mcap_files(self._reader) for line in leave_out_damaged_chunks(file)]
                if not left_out:
                    raise
                self.problems += left_out

    def close(self) -> None:
        self._reader.close()
