"""Bad images, bad stamps, bad scores: each gives UNKNOWN with its reason, is counted, and good frames recover."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import numpy as np
import pytest
from detector_rig import SIZE, picture
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly.messages.images import image_message

MS = 1_000_000


def spoilt(**changes) -> Callable[[], Image]:
    def make() -> Image:
        message = image_message(picture(), "rgb8", Header())
        for name, value in changes.items():
            setattr(message, name, value)
        return message

    return make


def short_data() -> Image:
    message = image_message(picture(), "rgb8", Header())
    message.data = message.data[:-1]
    return message


BAD_IMAGES = {
    "wrong encoding": (spoilt(encoding="rgb9"), "found 'rgb9'"),
    "depth instead of colour": (spoilt(encoding="32FC1"), "found '32FC1'"),
    "size 0": (spoilt(width=0, height=0), "expected at least 1x1, found 0x0"),
    "short data": (short_data, f"expected {SIZE[0] * SIZE[1] * 3} bytes"),
    "no data": (spoilt(data=[]), "found 0"),
    "odd step": (spoilt(step=SIZE[1] * 3 - 1), "image step: expected at least"),
}


def recover(rig) -> None:
    rig.send_until(rig.level_is("clear"), "recovery through good frames")


def test_bad_images_are_counted_give_unknown_and_good_ones_recover(detector):
    rig = detector
    recover(rig)
    dropped = [0]
    for make, says in BAD_IMAGES.values():
        stamp = rig.send(make())
        report = rig.wait_for(lambda s=stamp: rig.answer(s), f"an answer that says {says}")
        assert report.state.level is HazardLevel.UNKNOWN and says in report.state.reason
        dropped.append(report.dropped)
        rig.wait_for(rig.level_is("unknown", reason=says), "a heartbeat that says so, too")
        recover(rig)
    count = str(len(BAD_IMAGES))
    counts = rig.wait_for(
        lambda: rig.diagnostic("frames") if rig.diagnostic("frames").get("bad_images") == count else None, "the count"
    )
    # On a busy machine a good image may have given way to a newer one as well.
    assert (
        int(counts["dropped"]) == len(BAD_IMAGES) + int(counts["superseded"]) and "image step" in counts["last_problem"]
    )
    assert all(after > before for before, after in itertools.pairwise(dropped))


def black() -> np.ndarray:
    return np.zeros((*SIZE, 3), np.uint8)


def blown_out() -> np.ndarray:
    return np.where(picture() > 91, 255, 254).astype(np.uint8)


def blank() -> np.ndarray:
    return np.full((*SIZE, 3), 128, np.uint8)


def unfamiliar() -> np.ndarray:
    return np.clip((170, 75, 170) + np.random.default_rng().normal(0, 4, (*SIZE, 3)), 0, 255).astype(np.uint8)


def frozen() -> np.ndarray:
    return picture(seed=1)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (black, "black image"),
        (blown_out, "blown-out image"),
        (blank, "blank image"),
        (frozen, "frozen image"),
        (unfamiliar, "unfamiliar scene"),
    ],
)
def test_images_without_information_are_not_clear(shared, make, says):
    rig = shared
    recover(rig)
    rig.send_until(rig.level_is("unknown", reason=says), says, make)
    assert rig.hazard.messages[-1].data is True
    recover(rig)


@pytest.mark.parametrize(
    ("offset_ms", "says"),
    [
        (None, "not set"),
        (-5000, "old"),
        (+2000, "in the future"),
    ],
)
def test_stamps_that_cannot_be_trusted_are_not_clear(shared, offset_ms, says):
    rig = shared
    recover(rig)
    stamp = rig.send(picture(), stamp_ns=0 if offset_ms is None else time.time_ns() + offset_ms * MS)
    report = rig.wait_for(lambda: rig.answer(stamp), "an answer")
    assert report.state.level is HazardLevel.UNKNOWN and says in report.state.reason
    recover(rig)


def test_stamps_that_go_back_or_stand_still_are_not_clear(shared):
    rig = shared
    recover(rig)
    newest = rig.send(picture())
    rig.wait_for(lambda: rig.answer(newest), "an answer")
    rig.send(picture(), stamp_ns=newest - 20 * MS)
    rig.wait_for(rig.level_is("unknown", reason="went back by 20 ms"), "a word on the step back")
    recover(rig)
    newest = rig.send(picture())
    rig.wait_for(lambda: rig.answer(newest), "an answer")
    is_unknown = rig.level_is("unknown", reason="did not advance")
    rig.send(picture(), stamp_ns=newest)
    rig.wait_for(is_unknown, "a word on the stamp that stands still")
    recover(rig)


def test_scores_that_are_no_numbers_are_not_clear(shared):
    """The toy engine divides zero by zero on a pure white image."""
    rig = shared
    recover(rig)
    failures = int(rig.diagnostic("frames").get("engine_failures", 0))
    stamp = rig.send(np.full((*SIZE, 3), 255, np.uint8))
    report = rig.wait_for(lambda: rig.answer(stamp), "an answer")
    assert report.state.level is HazardLevel.UNKNOWN and "non-finite" in report.state.reason
    recover(rig)
    rig.wait_for(lambda: int(rig.diagnostic("frames")["engine_failures"]) == failures + 1, "the count")


def test_camera_info_of_another_size_is_not_used(shared):
    """Without geometry an anomaly counts as in the corridor wherever it is, and has no distance."""
    rig = shared
    recover(rig)
    size = (SIZE[0] * 2, SIZE[1] * 2)

    def larger_without_info() -> None:
        rig.send(picture(anomaly=True, size=size), info=False)

    is_hazard = rig.level_is("hazard")

    def seen():
        larger_without_info()
        time.sleep(0.05)
        return is_hazard()

    report = rig.wait_for(seen, "a hazard")
    assert report.state.nearest_m is None and report.state.regions[0].in_corridor
    rig.wait_for(lambda: "camera_info is for 128x72" in rig.diagnostic("camera")["message"], "a word on the mismatch")
    recover(rig)
