"""The log of a run, and what it does without TensorBoard."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from ros_anomaly.training.pictures import write_sheet
from ros_anomaly.training.run_log import RunLog


def step(iteration: int) -> dict:
    return {"iteration": iteration, "loss": 10.0 / iteration}


def test_a_resumed_log_drops_what_is_taken_again_and_what_was_cut_short(tmp_path):
    log = RunLog(tmp_path, "closed", 0.0)
    for iteration in (1, 2, 3):
        log.record("step", **step(iteration))
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"kind": "step", "itera')  # the process was killed here
    again = RunLog(tmp_path, "closed", 0.0)
    again.open(2)
    again.record("step", **step(3))
    again.record("validation", iteration=3, miou=0.5)
    kept = [json.loads(line)["iteration"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert kept == [1, 2, 3, 3]
    again.summarise({"iterations": 3})
    assert json.loads((tmp_path / "summary.json").read_text()) == {"iterations": 3}
    assert (tmp_path / "loss.png").stat().st_size > 1000


def test_event_files_hold_figures_and_pictures(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = RunLog(tmp_path, "closed", 0.0, tensorboard=True)
    log.open(0)
    log.record("step", **step(1))
    log.record("step", **step(2))
    sheet = write_sheet(tmp_path / "sheet.png", [np.zeros((8, 8, 3), np.uint8)])
    log.picture("validation", sheet, 2)
    log.close()
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(event.step, event.value) for event in events.Scalars("step/loss")] == [(1, 10.0), (2, 5.0)]
    assert [event.step for event in events.Images("validation")] == [2]


def test_without_tensorboard_there_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    log = RunLog(tmp_path, "closed", 0.0, tensorboard=True)
    log.open(0)
    log.record("step", **step(1))
    log.close()
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["closed no TensorBoard event files: the Python module 'tensorboard' is not installed"]
