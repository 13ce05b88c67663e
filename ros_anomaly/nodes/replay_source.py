"""What can be replayed: recorded messages in order of time, with one topic of images that a detector answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class ReplayMessage:
    """One serialised message (CDR) and the time of its recording.

    ``image_stamp_ns`` is the stamp in its header where it is an image that the detector is to answer, else None.
    """

    topic: str
    raw: bytes
    recorded_ns: int
    image_stamp_ns: int | None = None


class ReplaySource(Protocol):
    """A bag or a folder of pictures."""

    @property
    def topics(self) -> Mapping[str, str]:
        """Name and type (``sensor_msgs/msg/Image``) of every topic that messages come on."""
        ...

    @property
    def image_topic(self) -> str:
        """The one whose messages have an ``image_stamp_ns``."""
        ...

    @property
    def images(self) -> int:
        """How many of these there should be."""
        ...

    @property
    def problems(self) -> list[str]:
        """What could not be read or is left out, one line each; grows while the messages are read."""
        ...

    def __iter__(self) -> Iterator[ReplayMessage]: ...

    def close(self) -> None:
        """Let the files go."""
        ...
