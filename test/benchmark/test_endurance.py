"""One contender for many frames."""

from __future__ import annotations

from pathlib import Path

import pytest

from ros_anomaly.benchmark.contender import ContenderSpec
from ros_anomaly.benchmark.contender_process import ContenderFailed
from ros_anomaly.benchmark.endurance import EndurancePlan, run_endurance


@pytest.fixture(autouse=True)
def contenders_are_found(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[1]))


def sleeper(**options) -> ContenderSpec:
    return ContenderSpec("sleeper", "contenders:make_sleeper", options, facts={"backend": "none"})


def test_times_are_of_the_first_frames_and_memory_of_all():
    steps: list[int] = []
    figures = run_endurance(sleeper(), EndurancePlan(frames=25, timed=15, warmup=2, step=10), steps.append)
    assert steps == [10, 10, 5] and figures["frames"] == figures["wanted_frames"] == 25
    assert figures["times"]["frames"] == 15 and figures["p99_over_median"] >= 1
    assert figures["resident"]["first_mb"] > 0 and figures["facts"] == {"backend": "none", "slept_s": 0.0}


def test_what_was_done_in_time_counts():
    plan = EndurancePlan(frames=1000, timed=1000, warmup=0, step=5, limit_s=1e-4)
    figures = run_endurance(sleeper(sleep_s=0.001), plan)
    assert 1 <= figures["frames"] <= 5 and figures["wanted_frames"] == 1000


def test_a_failure_under_way_is_told():
    with pytest.raises(ContenderFailed, match="no frame 7"):
        run_endurance(sleeper(fails_at=7), EndurancePlan(frames=20, timed=5, warmup=0, step=5))


def test_plans_check_themselves():
    with pytest.raises(ValueError, match="0 < timed <= frames"):
        EndurancePlan(frames=10, timed=11)
