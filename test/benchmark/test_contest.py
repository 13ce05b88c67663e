"""Contests of contenders that take no time: turns, failures, memory."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from ros_anomaly.benchmark import contest
from ros_anomaly.benchmark.contender import ContenderSpec
from ros_anomaly.benchmark.contender_process import ContenderFailed, ContenderProcess
from ros_anomaly.benchmark.contest import ContestPlan, run_contest, turns_of

QUICK = ContestPlan(rounds=2, frames=2, warmup=1, settle=1, least=1, load_s=60, hang_s=60)


@pytest.fixture(autouse=True)
def contenders_are_found(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[1]))


def spec(name: str, make: str = "make_sleeper", baseline: bool = False, group: str = "", **options) -> ContenderSpec:
    return ContenderSpec(name, f"contenders:{make}", options, group, baseline)


def test_turns_alternate_and_frames_count_on(tmp_path):
    diary = tmp_path / "diary"
    specs = [spec(name, diary=str(diary), word=name) for name in "ab"]
    told: list[str] = []
    outcomes = run_contest(specs, QUICK, told.append)
    turns = [line.split() for line in diary.read_text().splitlines()]
    assert [name for name, _ in turns] == [*"ab", *"aaabbb", *"bbbaaa"]  # warm-up; there; and back
    assert [int(index) for name, index in turns if name == "a"] == list(range(7))
    assert len(told) == turns_of(specs, QUICK) and told == ["a", "b", "a", "b", "b", "a"]
    assert [one.times.frames for one in outcomes] == [4, 4]  # neither warm-up nor settling is timed
    assert {path.name for path in tmp_path.iterdir()} == {"diary", "diary.a.closed", "diary.b.closed"}


def test_one_that_fails_drops_out_and_the_others_go_on():
    outcomes = run_contest(
        [
            spec("good", baseline=True, sleep_s=0.004),
            spec("twice as fast", sleep_s=0.002),
            spec("cannot be made", "make_nothing"),
            spec("is not there", "make_no_such_thing"),
            spec("fails later", fails_at=4),
            spec("ends", fails_at=4, how="exit"),
        ],
        QUICK,
    )
    failures = {one.name: one.failure for one in outcomes}
    assert failures.pop("good") is None and failures.pop("twice as fast") is None
    assert failures["cannot be made"] == "ValueError: this one cannot be made"
    assert "make_no_such_thing" in failures["is not there"]
    assert failures["fails later"] == "RuntimeError: no frame 4"
    assert failures["ends"] == "its process ended with status 3"
    good, fast = outcomes[:2]
    assert good.ratio.median == 1 and fast.ratio.least <= fast.ratio.median <= fast.ratio.greatest
    assert good.facts == {"slept_s": 0.004}
    assert all(one.times is None and one.memory is None for one in outcomes if one.failure)


def test_without_a_baseline_that_ran_there_is_no_ratio():
    outcomes = run_contest(
        [spec("lost", "make_nothing", baseline=True), spec("other"), spec("elsewhere", group="b")], QUICK
    )
    assert [one.ratio for one in outcomes] == [None, None, None] and outcomes[1].failure is None


def test_one_that_hangs_is_given_up():
    with pytest.raises(ContenderFailed, match="no answer within"):
        process = ContenderProcess(spec("hangs", fails_at=0, how="hang"), limit_s=60)
        try:
            process.turn(frames=1, settle=0, limit_s=1, least=1, hang_s=0.3)
        finally:
            process.close()
    assert process._process.poll() is not None


def test_a_turn_of_slow_frames_ends_in_time_but_not_before_the_least():
    process = ContenderProcess(spec("slow", sleep_s=0.01), limit_s=60)
    try:
        assert len(process.turn(frames=50, settle=0, limit_s=1e-6, least=3, hang_s=60).seconds) == 3
        assert len(process.turn(frames=2, settle=0, limit_s=60, least=3, hang_s=60).seconds) == 2
    finally:
        process.close()
        process.close()


def test_memory_is_that_of_the_contender_alone():
    plan = ContestPlan(rounds=1, frames=1, warmup=0, settle=0, least=1)
    hoarder, other = run_contest([spec("hoarder", "make_hoarder"), spec("other")], plan)
    assert 50 < hoarder.memory.working_mb < 80 and hoarder.memory.peak_mb > 60
    assert other.memory.working_mb < 10 and other.memory.peak_mb < hoarder.memory.peak_mb


def test_no_round_begins_after_the_limit_but_the_first():
    plan = ContestPlan(rounds=5, frames=1, warmup=0, settle=0, least=1, limit_s=1e-6)
    (only,) = run_contest([spec("only")], plan)
    assert only.times.frames == 1


def test_getting_ready_takes_nothing_of_the_time_for_rounds(monkeypatch):
    now_s = [0.0]
    told: list[str] = []

    def on_turn(name: str) -> None:
        told.append(name)
        now_s[0] += 100.0 if len(told) == 1 else 1.0  # the first time it is ready; then its turns

    monkeypatch.setattr(contest, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    plan = ContestPlan(rounds=5, frames=1, warmup=0, settle=0, least=1, limit_s=2.5)
    (only,) = run_contest([spec("only")], plan, on_turn)
    assert only.times.frames == 3


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        ([spec("a"), spec("a")], "different names in a group, found twice 'a'"),
        ([spec("a", baseline=True), spec("b", baseline=True)], "expected one baseline"),
    ],
)
def test_contests_that_compare_nothing_are_refused(specs, message):
    with pytest.raises(ValueError, match=message):
        run_contest(specs, QUICK)


@pytest.mark.parametrize(
    ("factory", "options", "message"),
    [("no_colon", {}, "module:function"), ("a:b c", {}, "module:function"), ("a:b", {"x": {1}}, "JSON can hold")],
)
def test_specs_check_themselves(factory, options, message):
    with pytest.raises(ValueError, match=message):
        ContenderSpec("name", factory, options)


@pytest.mark.parametrize("values", [{"rounds": 0}, {"frames": 0}, {"turn_s": 0.0}, {"warmup": -1}])
def test_plans_check_themselves(values):
    with pytest.raises(ValueError, match=f"contest {next(iter(values))}: expected (above|at least) 0"):
        ContestPlan(**values)
