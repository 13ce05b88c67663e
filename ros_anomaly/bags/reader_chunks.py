"""Damaged chunks of mcap files whose index is whole: what lies in the others can still be read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import BinaryIO

from rosbags.rosbag2 import Reader
from rosbags.rosbag2.reader import DirectoryReader
from rosbags.rosbag2.storage_mcap import ChunkInfo, McapReader, msgsrc


def mcap_files(reader: Reader) -> list[McapReader]:
    """The mcap files of an open bag, or of none; rosbags' parser of each."""
    storage = reader.storage
    parts = storage.storages if isinstance(storage, DirectoryReader) else [storage]
    return [part for part in parts if isinstance(part, McapReader)]


def leave_out_damaged_chunks(file: McapReader) -> list[str]:
    """Read every chunk once; those that cannot be read are not read again. A line for each says what it held."""
    assert file.bio is not None
    topics = {one.id: one.topic for one in file.connections}
    name = Path(str(file.path)).name
    told = []
    for number, chunk in enumerate(file.chunks, 1):
        if not chunk.channel_count or (reason := _damage(chunk, file.bio)) is None:
            continue
        lost: Counter[str] = Counter()
        for connection, count in chunk.channel_count.items():
            lost[topics.get(connection, f"channel {connection}")] += count
        held = ", ".join(f"{count} of {topic}" for topic, count in sorted(lost.items()))
        told.append(f"{name}: chunk {number} of {len(file.chunks)} is damaged ({reason}); lost with it: {held}")
        chunk.channel_count.clear()  # rosbags passes over a chunk that has nothing of what is asked for
    return told


def _damage(chunk: ChunkInfo, bio: BinaryIO) -> str | None:
    try:
        for _ in msgsrc(chunk, {}, chunk.message_start_time, chunk.message_end_time + 1, bio):
            pass
    except Exception as error:  # rosbags lets through whatever damaged bytes make decompressors and parsers raise
        return " ".join(str(error).split()) or type(error).__name__
    return None
