"""The monitor by example: every row of the level table, and every fault by its reason."""

from __future__ import annotations

import numpy as np
import pytest

from ros_anomaly.hazard.config import ConfirmationConfig, HazardConfig, SceneConfig
from ros_anomaly.hazard.image_health import inspect_image
from ros_anomaly.hazard.monitor import HazardMonitor, Now, Observation
from ros_anomaly.hazard.types import Assessment, HazardLevel, Region

MS = 1_000_000
START_NS = 1_000_000 * MS
CLEAR, CAUTION, HAZARD, UNKNOWN = HazardLevel.CLEAR, HazardLevel.CAUTION, HazardLevel.HAZARD, HazardLevel.UNKNOWN


def region(in_corridor: bool, distance_m: float | None = 12.0) -> Region:
    return Region((0, 0, 8, 8), 64, 1.0, 1.0, distance_m, 0.0 if in_corridor else 5.0, in_corridor)


def assessment(*regions: Region, max_score: float = 0.5, scene_shift: float | None = None) -> Assessment:
    empty = np.zeros((2, 2), np.uint8)
    return Assessment(empty, empty.astype(np.float32), empty, regions, max_score, 20.0, scene_shift=scene_shift)


class Drive:
    """Feeds a monitor one frame every 100 ms, 20 ms old when processed."""

    def __init__(self, config: HazardConfig | None = None, lockstep: bool = False) -> None:
        self.monitor = HazardMonitor(config, lockstep)
        self.time_ns = START_NS
        self.rng = np.random.default_rng(0)

    @property
    def now(self) -> Now:
        return Now(self.time_ns, self.time_ns)

    def frame(self, *regions: Region, stamp_ns: int | None = None, image: np.ndarray | None = None, **more: float):
        self.time_ns += 100 * MS
        stamp = self.time_ns - 20 * MS if stamp_ns is None else stamp_ns
        pixels = self.rng.integers(0, 255, (16, 16, 3), dtype=np.uint8) if image is None else image
        seen = Observation(assessment(*regions, **more), stamp, inspect_image(pixels))
        return self.monitor.step(seen, self.now)

    def heartbeat(self, after_ms: float):
        self.time_ns += int(after_ms * MS)
        return self.monitor.step(None, self.now)

    def trusted(self) -> Drive:
        for _ in range(3):
            state = self.frame()
        assert state.level is CLEAR
        return self


def test_unknown_until_three_good_frames():
    drive = Drive()
    assert drive.heartbeat(0) == drive.heartbeat(100)
    assert drive.heartbeat(0).reason == "no frame yet"
    assert [drive.frame().level for _ in range(3)] == [UNKNOWN, UNKNOWN, CLEAR]


def test_hazard_needs_two_of_three_frames_and_is_released_after_five_without():
    drive = Drive().trusted()
    assert drive.frame(region(True)).level is CAUTION
    assert drive.frame().level is CLEAR
    assert drive.frame(region(True)).level is HAZARD
    assert [drive.frame().level for _ in range(5)] == [HAZARD] * 4 + [CLEAR]


def test_anomaly_off_the_corridor_is_caution_however_long():
    drive = Drive().trusted()
    assert {drive.frame(region(False)).level for _ in range(10)} == {CAUTION}


def test_anomaly_present_from_the_first_frame_is_hazard_as_soon_as_frames_are_trusted():
    drive = Drive()
    assert [drive.frame(region(True)).level for _ in range(3)] == [UNKNOWN, UNKNOWN, HAZARD]


def test_heartbeat_repeats_the_state_and_updates_its_age():
    drive = Drive().trusted()
    state = drive.frame(region(False))
    beat = drive.heartbeat(100)
    assert (beat.level, beat.image_stamp_ns, beat.regions) == (CAUTION, state.image_stamp_ns, state.regions)
    assert (state.frame_age_ms, beat.frame_age_ms) == (20.0, 120.0)


def test_nearest_is_the_nearest_in_the_corridor_if_there_is_one():
    drive = Drive().trusted()
    assert drive.frame(region(False, 5.0), region(True, 30.0), region(True, None)).nearest_m == 30.0
    assert drive.frame(region(False, 5.0)).nearest_m == 5.0


def test_watchdog_by_steady_time_and_not_in_lockstep():
    drive = Drive().trusted()
    stopped_ros_ns = drive.time_ns
    late = Now(stopped_ros_ns, drive.time_ns + 1001 * MS)
    state = drive.monitor.step(None, late)
    assert state.level is UNKNOWN and "no finished inference for 1001 ms" in state.reason
    lockstep = Drive(lockstep=True).trusted()
    assert lockstep.monitor.step(None, late).level is CLEAR


def test_last_frame_too_old_in_ros_time_even_in_lockstep():
    state = Drive(lockstep=True).trusted().heartbeat(501)
    assert state.level is UNKNOWN and "last frame is" in state.reason and state.image_stamp_ns is None


def test_silence_voids_good_frames_already_counted():
    drive = Drive().trusted()
    drive.heartbeat(600)
    drive.frame()
    drive.frame()
    drive.monitor.step(None, Now(drive.time_ns, drive.time_ns + 1500 * MS))
    assert [drive.frame().level for _ in range(3)] == [UNKNOWN, UNKNOWN, CLEAR]


@pytest.mark.parametrize(
    ("offset_ms", "reason"),
    [
        (-600, "frame is 600 ms old, limit 500 ms"),
        (+150, "150 ms in the future, limit 100 ms"),
        (-200, "went back by 80 ms"),
        (-120, "did not advance"),
    ],
)
def test_untrustworthy_stamp(offset_ms, reason):
    drive = Drive().trusted()
    state = drive.frame(stamp_ns=drive.time_ns + (100 + offset_ms) * MS)
    assert state.level is UNKNOWN and reason in state.reason
    assert state.image_stamp_ns is not None


def test_unfamiliar_scene_is_unknown_and_recovers():
    drive = Drive().trusted()
    assert drive.frame(scene_shift=0.02).level is CLEAR
    state = drive.frame(scene_shift=0.021)
    assert state.level is UNKNOWN and "unfamiliar scene" in state.reason and "0.021" in state.reason
    assert state.scene_shift == 0.021
    assert [drive.frame(scene_shift=0.0).level for _ in range(3)] == [UNKNOWN, UNKNOWN, CLEAR]
    assert Drive(HazardConfig(scene=SceneConfig(max_shift=1e6))).trusted().frame(scene_shift=3.0).level is CLEAR


def test_an_anomaly_that_fills_the_ground_stays_a_hazard():
    drive = Drive().trusted()
    far = region(True)
    assert drive.frame(far).level is CAUTION and drive.frame(far).level is HAZARD
    states = [drive.frame(far, scene_shift=0.8) for _ in range(3)]
    assert [state.level for state in states] == [HAZARD] * 3 and states[0].reason == "anomaly in the corridor"
    assert drive.heartbeat(50).level is HAZARD
    # Nothing found in an unfamiliar scene releases nothing, however long.
    assert [drive.frame(scene_shift=0.8).level for _ in range(20)] == [UNKNOWN] * 20
    assert drive.frame(far, scene_shift=0.8).level is HAZARD
    assert [drive.frame().level for _ in range(5)] == [HAZARD] * 4 + [CLEAR]


def test_anomalies_of_unfamiliar_scenes_confirm_each_other_but_not_after_another_fault():
    drive = Drive().trusted()
    near = region(True, 3.0)
    assert [drive.frame(near, scene_shift=0.8).level for _ in range(3)] == [UNKNOWN, HAZARD, HAZARD]
    assert drive.frame(region(False), scene_shift=0.8).level is UNKNOWN  # off the corridor is no reason to be sure
    drive.frame(near, image=np.zeros((16, 16, 3), np.uint8))
    assert [drive.frame(near, scene_shift=0.8).level for _ in range(4)] == [UNKNOWN] * 4
    assert [drive.frame(near).level for _ in range(3)] == [UNKNOWN, UNKNOWN, HAZARD]


def test_black_image_is_a_better_reason_than_its_unfamiliar_scene():
    state = Drive().trusted().frame(image=np.zeros((16, 16, 3), np.uint8), scene_shift=2.0)
    assert "black image" in state.reason


def test_stamp_zero_and_score_not_finite():
    assert "not set" in Drive().trusted().frame(stamp_ns=0).reason
    state = Drive().trusted().frame(max_score=float("nan"))
    assert state.level is UNKNOWN and "not finite" in state.reason


def test_stamp_jump_ahead():
    drive = Drive(lockstep=True).trusted()
    drive.time_ns += 1500 * MS
    state = drive.frame()
    assert state.level is UNKNOWN and "jumped ahead by 1600 ms" in state.reason


def test_clock_reset_is_unknown_and_recovers():
    drive = Drive().trusted()
    drive.time_ns -= 10_000 * MS
    state = drive.frame()
    assert state.level is UNKNOWN and "went back" in state.reason
    assert [drive.frame().level for _ in range(3)] == [UNKNOWN, UNKNOWN, CLEAR]


def test_clock_reset_at_a_heartbeat():
    drive = Drive().trusted()
    state = drive.monitor.step(None, Now(drive.time_ns - 200 * MS, drive.time_ns))
    assert state.level is UNKNOWN and "ROS time went back by 200 ms" in state.reason


def test_clock_reset_hidden_behind_a_stamp_that_still_advances():
    drive = Drive().trusted()
    drive.frame(stamp_ns=drive.time_ns - 300 * MS + 100 * MS)  # an old one, of 300 ms
    drive.time_ns -= 250 * MS
    state = drive.frame(stamp_ns=drive.time_ns + 90 * MS)
    assert state.level is UNKNOWN and "ROS time went back by 150 ms" in state.reason


def test_silence_after_a_reported_fault_and_a_frame_is_reported_as_silence():
    drive = Drive().trusted()
    drive.monitor.fault("inactive", drive.now)
    drive.frame()
    assert "no finished inference" in drive.heartbeat(1100).reason


def test_heartbeat_that_read_its_clock_just_before_the_frame_is_no_fault():
    drive = Drive().trusted()
    before = drive.now
    drive.frame()
    earlier = Now(before.ros_ns + 50 * MS, before.steady_ns + 50 * MS)
    assert drive.monitor.step(None, earlier).level is CLEAR


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.zeros((16, 16, 3), np.uint8), "black image"),
        (np.full((16, 16, 3), 255, np.uint8), "blown-out image"),
        (np.full((16, 16, 3), 90, np.uint8), "blank image"),
    ],
)
def test_image_without_information(image, reason):
    state = Drive().trusted().frame(image=image)
    assert state.level is UNKNOWN and reason in state.reason


def test_frozen_image_and_its_recovery():
    drive = Drive().trusted()
    still = np.arange(768, dtype=np.uint16).astype(np.uint8).reshape(16, 16, 3)
    states = [drive.frame(image=still) for _ in range(11)]
    assert [s.level for s in states] == [CLEAR] * 9 + [UNKNOWN] * 2
    assert "frozen image: 10 identical" in states[9].reason
    assert [drive.frame().level for _ in range(3)] == [UNKNOWN, UNKNOWN, CLEAR]


def test_reported_fault_is_unknown_at_once_and_stays_the_reason_until_frames_return():
    drive = Drive().trusted()
    assert drive.monitor.fault("engine worker died", drive.now).level is UNKNOWN
    assert drive.heartbeat(2000).reason == "engine worker died"
    drive.monitor.fault("inactive", drive.now)
    assert drive.heartbeat(100).reason == "inactive"
    levels = [drive.frame().level for _ in range(4)]
    assert levels == [UNKNOWN, UNKNOWN, UNKNOWN, CLEAR]  # the first after the pause is itself a jump


def test_hazard_outlives_a_fault():
    drive = Drive().trusted()
    drive.frame(region(True))
    assert drive.frame(region(True)).level is HAZARD
    drive.monitor.fault("unreadable image", drive.now)
    assert [drive.frame().level for _ in range(5)] == [UNKNOWN, UNKNOWN, HAZARD, HAZARD, CLEAR]


def test_confirmation_is_configurable():
    drive = Drive(HazardConfig(confirm=ConfirmationConfig(hits=1, window=1, release=2, recover=1)))
    assert drive.frame(region(True)).level is HAZARD
    assert [drive.frame().level for _ in range(2)] == [HAZARD, CLEAR]
