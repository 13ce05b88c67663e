"""When a driver brakes, and when it learns of what was seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ros_anomaly.hazard.types import HazardLevel, HazardState, Region
from ros_anomaly.share import share_path
from ros_anomaly_sim.bridge.projection import PixelBox
from ros_anomaly_sim.closed_loop.policy import Pedals, Policy

pytest.importorskip("carla")

from ros_anomaly_sim.bridge.handedness import EgoMotion  # noqa: E402
from ros_anomaly_sim.bridge.stage import Moment  # noqa: E402
from ros_anomaly_sim.closed_loop.drivers import Verdict, verdict_of  # noqa: E402
from ros_anomaly_sim.closed_loop.latency import LateJudge  # noqa: E402

MS = 1_000_000


def test_the_file_is_the_default_policy():
    assert Policy.load(share_path("config/closed_loop_policy.yaml")) == Policy()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("brake: 1.5", "brake: expected at most 1"),
        ("resume_s: -1", "resume_s: expected above 0"),
        ("brakes: 1", "brakes"),
    ],
)
def test_a_bad_policy_file(tmp_path: Path, text: str, message: str):
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"{path}.*{message}"):
        Policy.load(path)


def test_pedals_brake_while_the_flag_holds_and_a_while_after():
    pedals = Pedals(Policy(resume_s=0.5))
    flags = {0.0: False, 0.1: True, 0.2: False, 0.5: False, 0.6: False, 0.7: False}
    braking = [pedals.braking(flag, 0.0, now) for now, flag in flags.items()]
    assert braking == [False, True, True, True, False, False]


def test_silence_is_a_flag():
    pedals = Pedals(Policy(silence_s=0.6))
    assert not pedals.braking(False, 0.5, 1.0)
    assert pedals.braking(False, 0.7, 1.2)


def test_a_slow_detector_is_silent_later():
    pedals = Pedals(Policy(silence_s=0.6), latency_s=0.4)
    assert not pedals.is_silence(0.9) and pedals.is_silence(1.1)
    assert not pedals.braking(False, 0.9, 1.0) and pedals.braking(False, 1.1, 1.2)


class Watcher:
    """Judges images and remembers which."""

    name, sees = "watcher", True

    def __init__(self) -> None:
        self.judged_ms: list[int] = []

    def begin(self, course) -> None:
        pass

    def judge(self, moment: Moment) -> Verdict | None:
        if moment.view is None:
            return None
        self.judged_ms.append(moment.stamp_ns // MS)
        return Verdict(HazardLevel.CLEAR, str(moment.stamp_ns // MS))


def played(latency_ms: int, until_ms: int = 800, from_ms: int = 0) -> tuple[LateJudge, Watcher, dict[int, list[str]]]:
    """Images every 100 ms, ticks every 50: what arrived at which tick."""
    watcher = Watcher()
    judge = LateJudge(watcher, latency_ms * MS, from_ms * MS)
    arrived = {}
    for at_ms in range(0, until_ms + 1, 50):
        view = object() if at_ms % 100 == 0 else None
        moment = Moment(at_ms * MS, EgoMotion((0, 0, 0), 0, 0), 0.0, view)  # type: ignore[arg-type]
        arrived[at_ms] = [arrival.verdict.reason for arrival in judge.offer(moment)]
    return judge, watcher, arrived


def test_without_latency_every_image_is_answered_at_once():
    judge, watcher, arrived = played(0)
    assert watcher.judged_ms == list(range(0, 801, 100))
    assert arrived[300] == ["300"] and arrived[350] == []
    assert judge.dropped == judge.late == 0


def test_a_quick_detector_answers_each_a_little_later():
    judge, watcher, arrived = played(80)
    assert watcher.judged_ms == list(range(0, 801, 100))
    assert arrived[100] == ["0"] and arrived[0] == [] and arrived[50] == []
    assert judge.dropped == 0


def test_a_slow_detector_drops_all_but_the_newest():
    judge, watcher, arrived = played(250)
    # Busy 0-250; of 100 and 200 the newer is begun at 250, and so on.
    assert watcher.judged_ms == [0, 200, 400, 700]
    assert arrived[250] == ["0"] and arrived[500] == ["200"] and arrived[750] == ["400"]
    assert judge.dropped == 4 and judge.late > judge.dropped


def test_before_the_start_the_world_waits_for_every_verdict():
    judge, watcher, arrived = played(250, from_ms=300)
    # At once up to 200, then busy 300-550 and 550-800; of 400 and 500 the newer is begun, and of 600 and 700.
    assert watcher.judged_ms == [0, 100, 200, 300, 500, 700]
    assert arrived[200] == ["200"] and arrived[550] == ["300"] and arrived[800] == ["500"]
    assert judge.dropped == 2


def test_an_image_without_a_verdict_is_counted():
    class Silent(Watcher):
        def judge(self, moment: Moment) -> Verdict | None:
            return None if moment.stamp_ns // MS == 200 else super().judge(moment)

    judge = LateJudge(Silent(), 0)
    for at_ms in (0, 100, 150, 200, 300):
        view = object() if at_ms % 100 == 0 else None
        judge.offer(Moment(at_ms * MS, EgoMotion((0, 0, 0), 0, 0), 0.0, view))  # type: ignore[arg-type]
    assert judge.unanswered == 1 and judge.dropped == judge.late == 0


def test_whoever_watches_is_told_of_verdicts_as_they_are_made():
    told = []
    judge = LateJudge(Watcher(), 250 * MS, judged=lambda moment, verdict: told.append(moment.stamp_ns // MS))
    for at_ms in (0, 100, 200, 300):
        judge.offer(Moment(at_ms * MS, EgoMotion((0, 0, 0), 0, 0), 0.0, object()))  # type: ignore[arg-type]
    assert told == [0, 200]


def region(left: int, top: int, right: int, bottom: int, area_px: int = 10, in_corridor: bool = True) -> Region:
    return Region((left, top, right, bottom), area_px, 1.0, 1.0, 10.0, 0.0, in_corridor)


def test_a_verdict_speaks_of_the_anomalies_that_its_regions_cover():
    state = HazardState(HazardLevel.HAZARD, "", 0, regions=(region(10, 10, 20, 20),))
    boxes = {0: PixelBox(12, 12, 18, 18), 1: PixelBox(19, 19, 40, 40), 2: PixelBox(50, 50, 60, 60)}
    assert verdict_of(state, boxes, 5.0).anomalies == {0}


@pytest.mark.parametrize(
    ("box", "spoken_of"),
    [
        ((0, 100, 400, 160), False),  # a whole stretch of road
        ((150, 100, 250, 160), False),  # wide enough to be something else
        ((192, 104, 228, 134), True),  # the thing, and a rim of a few cells
        ((205, 122, 214, 131), True),  # a part of it
        ((221, 130, 240, 150), False),  # beside it
    ],
)
def test_a_region_that_is_far_wider_than_an_anomaly_does_not_speak_of_it(box, spoken_of: bool):
    state = HazardState(HazardLevel.HAZARD, "", 0, regions=(region(*box),))
    assert verdict_of(state, {0: PixelBox(200, 110, 220, 130)}, None).anomalies == ({0} if spoken_of else set())


@pytest.mark.parametrize(("on_it_px", "spoken_of"), [(100, True), (20, False)])
def test_where_the_mask_is_told_its_pixels_count(on_it_px: int, spoken_of: bool):
    mask = np.zeros((360, 640), np.uint8)
    mask[150, 0:100] = 255  # a long thin thing on the ground, which reaches up to the anomaly
    mask[120, 200 : 200 + 20] = 255
    mask[121:125, 200:220] = 255 if on_it_px == 100 else 0
    state = HazardState(HazardLevel.HAZARD, "", 0, regions=(region(0, 120, 220, 151, area_px=100 + on_it_px),))
    assert verdict_of(state, {0: PixelBox(200, 110, 220, 130)}, None, mask).anomalies == ({0} if spoken_of else set())


def test_a_verdict_tells_whom_the_flag_is_not_up_for():
    regions = (region(10, 10, 20, 20), region(50, 10, 60, 20, in_corridor=False))
    boxes = {0: PixelBox(10, 10, 20, 20), 1: PixelBox(50, 10, 60, 20)}
    told = verdict_of(HazardState(HazardLevel.HAZARD, "", 0, regions=regions), boxes, None)
    assert (told.anomalies, told.off_corridor) == ({0, 1}, {1})
