"""Storage files that are no whole bag: cut short, or without an index. Read from the front, past what is damaged."""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from rosbags.interfaces import Connection
from rosbags.rosbag2 import ReaderError
from rosbags.rosbag2.storage_mcap import McapReader

from ros_anomaly.bags.reader_storage import Stored, StoredTopic

_MCAP_MAGIC = b"\x89MCAP0\r\n"
_HEADER, _FOOTER, _DATA_END = 0x01, 0x02, 0x0F
_NO_RECORD = 0x00  # what a power cut leaves of a file that had grown already
_RECORD_HEAD_BYTES = 9  # opcode and length


class ScannedMcap:
    """An mcap file read record by record, without the index at its end.

    ``problems`` says where it ends too early, and what within could not be read; what follows that is.

    Raises:
        ReaderError, OSError: not an mcap file, or none with a whole record.
    """

    in_order = False

    def __init__(self, path: Path) -> None:
        self._reader = _McapScan(path)
        self._reader.open()
        self.problems = self._reader.problems

    def topics(self) -> list[StoredTopic]:
        return [StoredTopic(one.topic, one.msgtype, one.msgcount) for one in self._reader.connections]

    def messages(self, topics: Collection[str]) -> Iterator[Stored]:
        connections = [one for one in self._reader.connections if one.topic in topics]
        for connection, recorded_ns, raw in self._reader.whole_messages(connections):
            yield Stored(connection.topic, connection.msgtype, recorded_ns, raw)

    def close(self) -> None:
        self._reader.close()


class _McapScan(McapReader):
    """rosbags' own parser of records, told where the whole ones begin and end instead of reading the footer."""

    problems: list[str]
    _name: str
    _bounds: list[int]
    """Where the records outside of chunks begin and, last, where they end."""

    def _open(self) -> None:
        self.problems = []
        self._lost: set[int] = set()
        self._name = Path(str(self.path)).name
        self._bounds = self._whole_records()
        self.data_start, self.data_end = self._bounds[0], self._bounds[-1]
        whole_until_now = len(self.problems)
        for _ in self._past_damage(self._described):
            pass
        if not self.connections:
            raise ReaderError("expected at least one whole chunk with a topic, found none")
        counts: Mapping[int, int]
        if len(self.problems) == whole_until_now and self.statistics:
            counts = self.statistics.channel_message_counts
        else:  # they are those of the part behind the damage at best
            counts = Counter(connection.id for connection, _, _ in self.whole_messages(self.connections))
        self.connections = [one._replace(msgcount=counts.get(one.id, 0)) for one in self.connections]

    def whole_messages(self, connections: Collection[Connection]) -> Iterator[tuple[Connection, int, bytes]]:
        """Every message of the connections that can be read, in the order of the file."""
        return self._past_damage(lambda: self.messages_scan(connections))

    def _described(self) -> Iterator[tuple[Connection, int, bytes]]:
        self.meta_scan()
        return iter(())

    def _past_damage(
        self, scan: Callable[[], Iterator[tuple[Connection, int, bytes]]]
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """``scan`` from the front, and again from behind every record that it stumbles over."""
        assert self.bio is not None
        begin = self._bounds[0]
        while True:
            self.data_start = begin
            try:
                yield from scan()
                return
            except Exception as error:  # whatever damaged bytes make decompressors and parsers raise
                # A chunk is taken from the file before it is opened: the file then stands at the chunk's end.
                place = bisect_left(self._bounds, max(self.bio.tell(), begin + 1))
                following = min(place, len(self._bounds) - 1)
                self._tell_lost(self._bounds[following - 1], self._bounds[following], error)
                begin = self._bounds[following]

    def _tell_lost(self, begin: int, end: int, error: Exception) -> None:
        if begin not in self._lost:
            self._lost.add(begin)
            reason = " ".join(str(error).split()) or type(error).__name__
            self.problems.append(f"{self._name}: bytes {begin} to {end} are damaged ({reason}) and lost")

    def _whole_records(self) -> list[int]:
        bio = self.bio
        assert bio is not None
        size = bio.seek(0, 2)
        bio.seek(0)
        if (magic := bio.read(len(_MCAP_MAGIC))) != _MCAP_MAGIC:
            raise ReaderError(f"expected an mcap file, found one that begins with {magic.hex() or 'nothing'}")
        bounds = [len(_MCAP_MAGIC)]
        while (end := bounds[-1]) + _RECORD_HEAD_BYTES <= size:
            bio.seek(end)
            head = bio.read(_RECORD_HEAD_BYTES)
            following = end + _RECORD_HEAD_BYTES + int.from_bytes(head[1:], "little")
            if head[0] in (_DATA_END, _FOOTER):
                return bounds
            if following > size or head[0] == _NO_RECORD:
                break
            if head[0] == _HEADER:
                bounds.clear()
            bounds.append(following)
        self.problems.append(f"{self._name}: cut short: the last {size - end} of {size} bytes are no whole record")
        return bounds


class ScannedSqlite:
    """A damaged sqlite3 file read row by row. ``problems`` says where reading ended.

    Raises:
        sqlite3.Error: no database, or one whose list of topics is gone.
    """

    in_order = True

    def __init__(self, path: Path) -> None:
        self.problems: list[str] = []
        self._name = path.name
        self._database = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)
        try:
            # Without it SQLite refuses a file that is shorter than its head says; nothing is written.
            self._database.execute("PRAGMA writable_schema = ON")
            rows = self._database.execute("SELECT id, name, type FROM topics ORDER BY id").fetchall()
            self._types: dict[int, tuple[str, str]] = {number: (name, kind) for number, name, kind in rows}
            self._rows = sorted(self._readable_rows())
        except BaseException:
            self._database.close()
            raise

    def topics(self) -> list[StoredTopic]:
        counts = Counter(number for _, _, number in self._rows)
        return [StoredTopic(*named, counts[number]) for number, named in self._types.items()]

    def messages(self, topics: Collection[str]) -> Iterator[Stored]:
        wanted = {number for number, (name, _) in self._types.items() if name in topics}
        lost = 0
        for recorded_ns, row, number in self._rows:
            if number not in wanted:
                continue
            try:
                (raw,) = self._database.execute("SELECT data FROM messages WHERE id = ?", (row,)).fetchone()
            except sqlite3.DatabaseError:
                lost += 1
                continue
            yield Stored(*self._types[number], recorded_ns, raw)
        if lost:
            self.problems.append(f"{self._name}: {lost} messages lie in the damaged part and are lost")

    def close(self) -> None:
        self._database.close()

    def _readable_rows(self) -> Iterator[tuple[int, int, int]]:
        """(time, row, topic) of every row up to the damage: the data itself lies on other pages and is not touched."""
        rows = self._database.execute("SELECT timestamp, id, topic_id FROM messages NOT INDEXED ORDER BY id")
        count = 0
        try:
            for recorded_ns, row, number in rows:
                count += 1
                if number in self._types:
                    yield recorded_ns, row, number
        except sqlite3.DatabaseError as error:
            self.problems.append(f"{self._name}: after {count} messages: {error}")
