import pytest

from ros_anomaly.messages.lockstep import DetectorSilent, Lockstep


def test_an_answered_frame_makes_room_for_the_next():
    lockstep = Lockstep(timeout_s=1.0, patience=3)
    lockstep.send(100, now_s=0.0)
    assert lockstep.waiting
    lockstep.answer(100)
    assert not lockstep.waiting
    lockstep.send(200, now_s=0.1)
    assert (lockstep.sent, lockstep.unanswered) == (2, [])


def test_the_answer_to_another_frame_does_not_count():
    lockstep = Lockstep(timeout_s=1.0, patience=3)
    lockstep.send(100, now_s=0.0)
    lockstep.answer(99)
    assert lockstep.waiting


def test_a_frame_given_up_is_counted_and_stays_so_when_its_answer_comes_late():
    lockstep = Lockstep(timeout_s=1.0, patience=3)
    lockstep.send(100, now_s=5.0)
    assert lockstep.seconds_left(5.4) == pytest.approx(0.6)
    assert lockstep.seconds_left(6.1) < 0
    lockstep.give_up()
    lockstep.send(200, now_s=6.1)
    lockstep.answer(100)
    assert lockstep.waiting and lockstep.unanswered == [100]


def test_two_frames_cannot_be_out_at_once():
    lockstep = Lockstep(timeout_s=1.0, patience=3)
    lockstep.send(100, now_s=0.0)
    with pytest.raises(RuntimeError, match="100 is still out"):
        lockstep.send(200, now_s=0.1)


def test_silence_ends_the_drive_only_when_it_is_unbroken():
    lockstep = Lockstep(timeout_s=0.5, patience=2)
    for stamp, answered in ((1, False), (2, True), (3, False)):
        lockstep.send(stamp, now_s=0.0)
        if answered:
            lockstep.answer(stamp)
        lockstep.give_up()
    lockstep.send(4, now_s=0.0)
    with pytest.raises(DetectorSilent, match=r"2 frames in a row unanswered, each waited for 0\.5 s"):
        lockstep.give_up()
    assert lockstep.unanswered == [1, 3, 4]


@pytest.mark.parametrize(("timeout_s", "patience", "named"), [(0, 1, "timeout_s"), (1, 0, "patience")])
def test_bad_settings_are_named(timeout_s: float, patience: int, named: str):
    with pytest.raises(ValueError, match=named):
        Lockstep(timeout_s=timeout_s, patience=patience)
