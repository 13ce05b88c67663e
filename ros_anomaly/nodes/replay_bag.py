"""A bag as a source of a replay."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from ros_anomaly.bags.clock import DriveClock, on_clock
from ros_anomaly.bags.reader import BagError, BagMessage, BagReader
from ros_anomaly.bags.reader_cameras import CameraTopics, TopicChoice, find_cameras, names_of
from ros_anomaly.messages.stamps import stamp_to_ns
from ros_anomaly.nodes.message_types import message_class
from ros_anomaly.nodes.replay_source import ReplayMessage

_CLOCK = "/clock"  # the replay has its own


class BagSource:
    """Messages of a bag, byte for byte as they were recorded; at one time what describes an image comes before it.

    Args:
        path: of the bag.
        image_topic: the images that a detector answers; empty where the bag has but one camera.
        topics: what is replayed besides the camera's image, camera_info and odometry; None for all there is.
        answers_below: topics in this namespace are the detector's own, and left out.
        clock: by which time the messages come.
        camera_info_topic: the camera's; empty for that beside the image, ``none`` for no such.
        odometry_topic: of the vehicle; empty for the only one, ``none`` for no such.

    Raises:
        BagError: nothing can be read, or there is no such topic, or no telling which image topic is meant.
    """

    def __init__(
        self,
        path: Path,
        image_topic: str = "",
        topics: Collection[str] | None = None,
        answers_below: str = "",
        clock: DriveClock = DriveClock.AUTO,
        camera_info_topic: str = "",
        odometry_topic: str = "",
    ) -> None:
        self._clock = clock
        self._bag = BagReader(path)
        try:
            choice = TopicChoice(
                images=(image_topic,) if image_topic else (),
                camera_infos=(camera_info_topic,) if camera_info_topic else (),
                odometry=odometry_topic,
            )
            (self._camera,) = find_cameras(self._bag, choice)
            self.topics = self._chosen(names_of([self._camera]), topics, answers_below)
        except BaseException:
            self._bag.close()
            raise

    @property
    def camera(self) -> CameraTopics:
        """The topics of the camera whose images are to be answered."""
        return self._camera

    @property
    def image_topic(self) -> str:
        return self._camera.image

    @property
    def images(self) -> int:
        return self._bag.topics[self._camera.image].count

    @property
    def problems(self) -> list[str]:
        return self._bag.problems

    def __iter__(self) -> Iterator[ReplayMessage]:
        _, messages = on_clock(
            self._messages(),
            self._clock,
            lambda message: message.image_stamp_ns,
            lambda message, time_ns: replace(message, recorded_ns=time_ns),
        )
        return messages

    def _messages(self) -> Iterator[ReplayMessage]:
        unreadable = 0
        for message in self._bag.messages(list(self.topics)):
            stamp_ns = None
            if message.topic == self._camera.image:
                stamp_ns = _image_stamp_ns(message)
                if stamp_ns is None:
                    unreadable += 1
                    continue
            yield ReplayMessage(message.topic, bytes(message.raw), message.recorded_ns, stamp_ns)
        if unreadable:
            self.problems.append(f"{self._camera.image}: {unreadable} messages are damaged and were not sent")

    def close(self) -> None:
        self._bag.close()

    def _chosen(self, own: list[str], wanted: Collection[str] | None, answers_below: str) -> dict[str, str]:
        """Name and type of what is replayed; the camera's own topics come last, its image last of all."""
        there = self._bag.topics
        if missing := sorted(set(wanted or ()) - set(there)):
            raise BagError(f"topic {missing[0]}: expected one of {', '.join(sorted(there))}")
        names = [name for name in (there if wanted is None else wanted) if name not in own and name != _CLOCK]
        if answers_below and wanted is None:
            answers = [name for name in names if name.startswith(answers_below)]
            names = [name for name in names if name not in answers]
            if answers:
                self.problems.append(f"left out, they are a detector's: {', '.join(answers)}")
        others = {}
        for name in names:
            try:
                message_class(there[name].type)
            except ValueError as error:
                self.problems.append(f"{name} is left out: {error}")
            else:
                others[name] = there[name].type
        return others | {name: there[name].type for name in own}


def _image_stamp_ns(message: BagMessage) -> int | None:
    try:
        return stamp_to_ns(message.decoded().header.stamp)
    except BagError:
        return None
