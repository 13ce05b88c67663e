"""Which topics a drive is made of, and what becomes of their messages."""

from __future__ import annotations

import numpy as np
import pytest
from drive_bags import (
    IMAGE,
    INFO,
    LABELS,
    ODOMETRY,
    START_NS,
    Drive,
    Record,
    camera_info,
    compressed,
    image,
    labels,
    odometry,
    picture,
    write_bag,
)

from ros_anomaly.bags.reader import BagError, BagReader
from ros_anomaly.bags.reader_cameras import CameraTopics, TopicChoice, find_cameras
from ros_anomaly.bags.reader_events import BagDrive, CameraInfoEvent, ImageEvent, LabelEvent
from ros_anomaly.messages.odometry import Motion

AT = START_NS


@pytest.fixture
def bag_of(tmp_path):
    opened = []

    def make(records):
        opened.append(BagReader(write_bag(tmp_path / f"bag{len(opened)}", records)))
        return opened[-1]

    yield make
    for bag in opened:
        bag.close()


def test_the_only_colour_image_is_the_camera(bag_of):
    grey = image(AT, labels(True), "mono8")
    bag = bag_of([*Drive(frames=2).records, Record("/front/ids", AT, grey)])
    assert find_cameras(bag, TopicChoice()) == [CameraTopics(IMAGE, INFO, ODOMETRY, None)]


def test_a_grey_camera_is_taken_where_nothing_has_colour(bag_of):
    bag = bag_of([Record("/infrared/image", AT, image(AT, labels(False), "mono8"))])
    assert find_cameras(bag, TopicChoice()) == [CameraTopics("/infrared/image", None, None, None)]


def test_several_cameras_are_listed_and_can_be_named(bag_of):
    records = [
        Record("/left/image", AT, image(AT, picture())),
        Record("/left/camera_info", AT, camera_info(AT)),
        Record("/right/image/compressed", AT, compressed(AT, picture())),
        Record("/right/camera_info", AT, camera_info(AT)),
        Record("/right/truth", AT, image(AT, labels(False), "mono8")),
        Record("/left/truth", AT, image(AT, labels(False), "mono8")),
    ]
    bag = bag_of(records)
    listed = "found 4: /left/image, /left/truth, /right/image/compressed, /right/truth"
    with pytest.raises(BagError, match=listed):
        find_cameras(bag, TopicChoice())
    choice = TopicChoice(images=("/right/image", "/left/image"), labels=("/right/truth", "/left/truth"))
    assert find_cameras(bag, choice) == [
        CameraTopics("/right/image/compressed", "/right/camera_info", None, "/right/truth"),
        CameraTopics("/left/image", "/left/camera_info", None, "/left/truth"),
    ]
    with pytest.raises(BagError, match="expected one for each of the 2 image topics, found 1"):
        find_cameras(bag, TopicChoice(images=choice.images, labels=("/left/truth",)))
    with pytest.raises(BagError, match="expected each once, found /left/image several times"):
        find_cameras(bag, TopicChoice(images=("/left/image", "/left/image")))


def test_transport_decides_between_two_of_one_camera(bag_of):
    pixels = picture()
    bag = bag_of(
        [Record(IMAGE, AT, image(AT, pixels)), Record(f"{IMAGE}/compressed", AT, compressed(AT, pixels, ".jpg"))]
    )
    assert find_cameras(bag, TopicChoice(transport="raw"))[0].image == IMAGE
    assert find_cameras(bag, TopicChoice(transport="compressed"))[0].image == f"{IMAGE}/compressed"
    with pytest.raises(BagError, match="found 2"):
        find_cameras(bag, TopicChoice())


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (TopicChoice(images=("/rear/image",)), r"topic /rear/image: expected it in .*there is /front/image"),
        (TopicChoice(images=(INFO,)), "expected type sensor_msgs/msg/Image or .*, found sensor_msgs/msg/CameraInfo"),
        (TopicChoice(labels=(ODOMETRY,)), "found nav_msgs/msg/Odometry"),
        (TopicChoice(camera_infos=(IMAGE,)), "expected type sensor_msgs/msg/CameraInfo, found"),
        (TopicChoice(odometry=IMAGE), "expected type nav_msgs/msg/Odometry, found"),
    ],
)
def test_missing_topics_and_wrong_types_are_named(bag_of, choice, words):
    bag = bag_of(Drive(frames=1).records)
    with pytest.raises(BagError, match=words):
        find_cameras(bag, choice)


def test_a_bag_without_images_says_what_it_has(bag_of):
    bag = bag_of([Record(ODOMETRY, AT, odometry(AT, 1.0, 0.0))])
    with pytest.raises(BagError, match="found none among /odometry"):
        find_cameras(bag, TopicChoice())


def test_of_several_odometries_one_must_be_named_or_none(bag_of):
    records = [*Drive(frames=1).records, Record("/wheels", AT, odometry(AT, 1.0, 0.0))]
    bag = bag_of(records)
    with pytest.raises(BagError, match="found 2: /odometry, /wheels"):
        find_cameras(bag, TopicChoice())
    assert find_cameras(bag, TopicChoice(odometry="/wheels"))[0].odometry == "/wheels"
    assert find_cameras(bag, TopicChoice(odometry="none", camera_infos=("none",)))[0] == CameraTopics(
        IMAGE, None, None, None
    )


def test_events_carry_what_the_messages_say(bag_of):
    pixels = picture(True)
    records = [
        Record(INFO, AT, camera_info(AT)),
        Record(INFO, AT + 1, camera_info(AT, focal=0.0)),
        Record(ODOMETRY, AT + 2, odometry(AT, 7.0, 0.25)),
        Record(IMAGE, AT + 3, image(AT, pixels[..., ::-1], "bgr8")),
        Record(IMAGE, AT + 4, image(AT + 1, pixels, "yuv999")),
        Record(IMAGE, AT + 5, cdr=b"\0\1\0\0", type="sensor_msgs/msg/Image"),
        Record(LABELS, AT + 6, image(AT, labels(True), "mono8")),
        Record(LABELS, AT + 7, image(AT + 1, pixels)),
    ]
    bag = bag_of(records)
    drive = BagDrive(bag, find_cameras(bag, TopicChoice(images=(IMAGE,), labels=(LABELS,))))
    events = list(drive.events())
    assert [event.recorded_ns - AT for event in events] == [0, 1, 2, 3, 4, 6, 7]
    assert all(event.cameras == (0,) for event in events)
    info, bad_info, motion, good, bad, truth, bad_truth = (event.event for event in events)
    assert isinstance(info, CameraInfoEvent) and info.intrinsics is not None and info.intrinsics.fx == 64.0
    assert bad_info.intrinsics is None and "calibrated" in bad_info.problem
    assert motion == Motion(AT, 7.0, 0.25)
    assert isinstance(good, ImageEvent) and good.stamp_ns == AT and good.frame_id == "camera"
    np.testing.assert_array_equal(good.image, pixels)
    assert bad.image is None and "yuv999" in bad.problem and bad.stamp_ns == AT + 1
    assert isinstance(truth, LabelEvent)
    np.testing.assert_array_equal(truth.plane, labels(True))
    assert bad_truth.plane is None and "rgb8" in bad_truth.problem
    assert drive.problems == [f"{IMAGE}: 1 messages have damaged bytes"]
    assert drive.frames == 3


def test_labels_may_be_png_but_not_jpeg(bag_of):
    plane = labels(True)
    records = [
        Record(IMAGE, AT, image(AT, picture())),
        Record(LABELS, AT, compressed(AT, plane)),
        Record(LABELS, AT + 1, compressed(AT, plane, ".jpg")),
        Record(LABELS, AT + 2, compressed(AT, picture(True))),
    ]
    bag = bag_of(records)
    drive = BagDrive(bag, find_cameras(bag, TopicChoice(labels=(LABELS,))))
    png, jpeg, coloured = (one.event for one in drive.events() if isinstance(one.event, LabelEvent))
    np.testing.assert_array_equal(png.plane, plane)
    assert "expected PNG, found format 'jpg'" in jpeg.problem
    assert "found colours" in coloured.problem
