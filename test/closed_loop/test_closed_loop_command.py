"""``ros-anomaly-closed-loop`` against a server: what lies in its folder, and that a second run gives the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from toy_engine import make_toy_engine

from ros_anomaly.cli import closed_loop

pytest.importorskip("carla")

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


def test_bad_input_is_one_line(command, tmp_path: Path, capsys: pytest.CaptureFixture):
    there = scenario_file(tmp_path, "horse")
    assert command([there, there], "out")[0] == 1
    assert "different names" in capsys.readouterr().err
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "settings.json").write_text("{}")
    assert command([there], "out", "--resume", "--latency-ms", "5")[0] == 1
    assert "drive it anew without --resume" in capsys.readouterr().err
