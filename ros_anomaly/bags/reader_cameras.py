"""Which topics of a bag belong to which camera."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ros_anomaly.bags.reader import BagError, BagReader, BagTopic
from ros_anomaly.messages.encodings import PLANE_ENCODINGS

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED_IMAGE = "sensor_msgs/msg/CompressedImage"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
ODOMETRY = "nav_msgs/msg/Odometry"
COMPRESSED_SUFFIX = "/compressed"
NONE = "none"
"""Named in place of a topic: there is none, though the bag may have one that looks like it."""


@dataclass(frozen=True)
class CameraTopics:
    """Topics of one camera; None where the bag has none, or it was not asked for."""

    image: str
    camera_info: str | None
    odometry: str | None
    labels: str | None


@dataclass(frozen=True)
class TopicChoice:
    """What the user named; empty where the bag is to decide.

    Attributes:
        images: one for each camera; the camera's own name will do where the bag has its compressed transport alone.
        camera_infos, labels: none, or one for each of the cameras, in their order.
        odometry: one for all, or ``none``.
        transport: ``raw`` or ``compressed``: which of the two where the only camera has both.
    """

    images: tuple[str, ...] = ()
    camera_infos: tuple[str, ...] = ()
    odometry: str = ""
    labels: tuple[str, ...] = ()
    transport: str = ""


def find_cameras(bag: BagReader, choice: TopicChoice) -> list[CameraTopics]:
    """The cameras to evaluate.

    An image topic that is not named must be the only one: colour images count, grey ones where there is no colour.
    camera_info is looked for beside the image, odometry must be the only one of its type.

    Raises:
        BagError: a topic is missing, has another type, or is not the only one; the message lists what there is.
    """
    images = tuple(_named_image(bag, name) for name in choice.images) or (_only_image(bag, choice),)
    if repeated := [name for name in images if images.count(name) > 1]:
        raise BagError(f"image topics: expected each once, found {repeated[0]} several times")
    for named, what in ((choice.camera_infos, "camera_info"), (choice.labels, "label")):
        if named and len(named) != len(images):
            raise BagError(
                f"{what} topics: expected one for each of the {len(images)} image topics, found {len(named)}"
            )
    for name in choice.labels:
        _checked(bag, name, (IMAGE, COMPRESSED_IMAGE))
    odometry = _odometry(bag, choice.odometry)
    return [
        CameraTopics(
            image=name,
            camera_info=_camera_info(bag, name, choice.camera_infos[at] if choice.camera_infos else ""),
            odometry=odometry,
            labels=choice.labels[at] if choice.labels else None,
        )
        for at, name in enumerate(images)
    ]


def image_topics(bag: BagReader) -> list[BagTopic]:
    """Every topic that holds images, raw or compressed."""
    return [topic for topic in bag.topics.values() if topic.type in (IMAGE, COMPRESSED_IMAGE)]


def base_name(image_topic: str) -> str:
    """The camera's own topic: without the ending of a compressed transport."""
    return image_topic.removesuffix(COMPRESSED_SUFFIX)


def _only_image(bag: BagReader, choice: TopicChoice) -> str:
    candidates = [topic for topic in image_topics(bag) if topic.name not in choice.labels]
    filled = [topic for topic in candidates if topic.count]
    found = [topic for topic in filled if _is_colour(bag, topic)] or filled
    preferred = {"raw": IMAGE, "compressed": COMPRESSED_IMAGE}.get(choice.transport)
    if preferred and len({base_name(topic.name) for topic in found}) == 1:
        found = [topic for topic in found if topic.type == preferred] or found
    if len(found) == 1:
        return found[0].name
    if found:
        names = _listed([topic.name for topic in filled])
        raise BagError(f"image topic: expected one, or the names of those to take, found {len(filled)}: {names}")
    empty = f" without messages: {_listed([topic.name for topic in candidates])}" if candidates else ""
    raise BagError(
        f"image topic: expected one of type {IMAGE} or {COMPRESSED_IMAGE} with messages, "
        f"found {empty.strip() or f'none among {_listed(bag.topics)}'}"
    )


def _named_image(bag: BagReader, name: str) -> str:
    """``name``, or its compressed transport where the bag has that alone."""
    other = name + COMPRESSED_SUFFIX
    if name not in bag.topics and other in bag.topics:
        name = other
    return _checked(bag, name, (IMAGE, COMPRESSED_IMAGE))


def _is_colour(bag: BagReader, topic: BagTopic) -> bool:
    """Whether its first message holds a picture rather than values; what cannot be read counts as a picture."""
    if topic.type == COMPRESSED_IMAGE:
        return True
    message = bag.first(topic.name)
    try:
        return message is None or message.decoded().encoding not in PLANE_ENCODINGS
    except BagError:
        return True


def _camera_info(bag: BagReader, image: str, named: str) -> str | None:
    if named == NONE:
        return None
    if named:
        return _checked(bag, named, (CAMERA_INFO,))
    beside = f"{base_name(image).rpartition('/')[0]}/camera_info"
    topic = bag.topics.get(beside)
    return beside if topic is not None and topic.type == CAMERA_INFO else None


def _odometry(bag: BagReader, named: str) -> str | None:
    if named == NONE:
        return None
    if named:
        return _checked(bag, named, (ODOMETRY,))
    found = [topic.name for topic in bag.topics.values() if topic.type == ODOMETRY]
    if len(found) > 1:
        raise BagError(
            f"odometry topic: expected at most one, or the name of one, or {NONE!r}, found {len(found)}: "
            f"{_listed(found)}"
        )
    return found[0] if found else None


def _checked(bag: BagReader, name: str, types: tuple[str, ...]) -> str:
    topic = bag.topics.get(name)
    if topic is None:
        same = [one.name for one in bag.topics.values() if one.type in types]
        raise BagError(
            f"topic {name}: expected it in {bag.path.name}, found no such topic; "
            f"of type {' or '.join(types)} there is {_listed(same)}"
        )
    if topic.type not in types:
        raise BagError(f"topic {name}: expected type {' or '.join(types)}, found {topic.type}")
    return name


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def names_of(cameras: Sequence[CameraTopics]) -> list[str]:
    """Every topic of the cameras, each once: what describes an image before the image, labels last."""
    kinds = ("camera_info", "odometry", "image", "labels")
    named = [getattr(camera, kind) for kind in kinds for camera in cameras]
    return list(dict.fromkeys(name for name in named if name))
