"""``ros-anomaly-closed-loop`` against a server: what lies in its folder, and that a second run gives the same."""

from __future__ import annotations

import json
import os
import signal
from contextlib import contextmanager
from pathlib import Path

import pytest
from toy_engine import make_toy_engine

from ros_anomaly.cli import closed_loop, common
from ros_anomaly.cli.closed_loop_crew import Crew

pytest.importorskip("carla")

from ros_anomaly_sim.closed_loop import suite  # noqa: E402
from ros_anomaly_sim.closed_loop.folder import RunFolder  # noqa: E402
from ros_anomaly_sim.film.video import read_frames  # noqa: E402

SCENARIO = """\
description: a horse in the way
home: embedded
expected: blocked
map: Town2001
duration_s: 10
ego: {spawn_point: 1, route_m: 30, speed_kmh: 30}
anomalies:
  - {blueprint: static.prop.BLUEPRINT, distance_m: 16}
"""


def scenario_file(folder: Path, name: str, blueprint: str = "horse") -> str:
    path = folder / f"{name}.yaml"
    path.write_text(SCENARIO.replace("BLUEPRINT", blueprint))
    return str(path)


@pytest.fixture
def command(box_server, tmp_path: Path):
    """Runs the command with a toy engine on the box server; what stands in ``out`` comes last."""
    engine = str(make_toy_engine(tmp_path))
    server = ["--host", "127.0.0.1", "--port", str(box_server.port)]

    def run(scenarios: list[str], out: str, *more: str) -> tuple[int, RunFolder]:
        arguments = [*scenarios, *server, "--engine", engine, "--out", str(tmp_path / out), *more]
        return closed_loop.main(arguments), RunFolder(tmp_path / out)

    return run


def test_two_runs_are_the_same_frame_for_frame(command, tmp_path: Path, capsys: pytest.CaptureFixture):
    there = scenario_file(tmp_path, "horse")
    missing = scenario_file(tmp_path, "unicorn", "unicorn")
    runs = [command([there, missing], out, "--latency-ms", "130", "--json") for out in ("one", "two")]
    assert [status for status, _ in runs] == [0, 0]
    (first,), (second,) = (folder.records().values() for _, folder in runs)
    assert first.drives == second.drives and first.film == second.film
    detector = first.drive("detector", 130.0)
    assert detector is not None and detector.images_digest and detector.dropped > 0 and detector.compute is not None
    assert {drive.driver: drive.hits for drive in first.drives} == {"blind": 1, "oracle": 0, "detector": 1}

    folder = runs[0][1]
    assert first.film is not None and len(read_frames(folder.film("horse"), range(500))) == len(first.film.times_s) > 20
    assert folder.strip("horse").read_bytes()[:2] == b"\xff\xd8"
    assert "hit horse at" in folder.report.read_text(encoding="utf-8")
    printed = json.loads("[" + capsys.readouterr().out.replace("\n}\n{", "\n},\n{") + "]")
    assert printed[0] == json.loads(folder.results.read_text())
    assert list(printed[0]["skipped"]) == ["unicorn"] and printed[0]["drivers"][0]["hits"] == 1


def test_a_scenario_that_fails_is_told_beside_the_others(
    command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture
):
    really = suite.drive

    def drive(client, scenario, *arguments):
        if scenario.name == "cow":
            raise TimeoutError("the disk does not answer")
        return really(client, scenario, *arguments)

    monkeypatch.setattr(suite, "drive", drive)
    scenarios = [scenario_file(tmp_path, name) for name in ("cow", "horse")]
    status, folder = command(scenarios, "out", "--driver", "blind")
    assert status == 1
    assert json.loads(folder.results.read_text())["failed"] == {"cow": "the disk does not answer"}
    assert "cow: the disk does not answer" in folder.report.read_text(encoding="utf-8")
    assert list(folder.records()) == ["horse"] and "failed cow" in capsys.readouterr().err


def test_a_run_that_skips_everything_proves_nothing(command, tmp_path: Path, capsys: pytest.CaptureFixture):
    missing = scenario_file(tmp_path, "unicorn", "unicorn")
    status, folder = command([missing], "out", "--driver", "blind")
    assert status == 1 and "expected scenarios that can be put on, found all 1 skipped" in capsys.readouterr().err
    assert list(json.loads(folder.results.read_text())["skipped"]) == ["unicorn"]


@pytest.mark.usefixtures("heeded_hang_up")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_in_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: signal.Signals):
    tidied: list[str] = []

    @contextmanager
    def interrupted(*_):
        try:
            os.kill(os.getpid(), number)
            yield
        finally:
            tidied.append("crew")

    monkeypatch.setattr(closed_loop, "crew_of", interrupted)
    assert closed_loop.main(["corridor_horse", "--out", str(tmp_path / "out")]) == common.EXIT_INTERRUPTED
    assert tidied == ["crew"]


def test_a_node_that_tells_no_engine_cannot_take_up_a_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture
):
    @contextmanager
    def unknown(*_):
        yield Crew((), "node that answers on /detector/hazard_status, engine not told", False)

    monkeypatch.setattr(closed_loop, "crew_of", unknown)
    assert closed_loop.main(["corridor_horse", "--resume", "--out", str(tmp_path / "out")]) == 1
    assert "expected the node that answers on /detector/hazard_status to tell its engine" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_bad_input_is_one_line(command, tmp_path: Path, capsys: pytest.CaptureFixture):
    there = scenario_file(tmp_path, "horse")
    assert command([there, there], "out")[0] == 1
    assert "different names" in capsys.readouterr().err
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "settings.json").write_text("{}")
    assert command([there], "out", "--resume", "--latency-ms", "5")[0] == 1
    assert "drive it anew without --resume" in capsys.readouterr().err
