"""What ``ros-anomaly-demo`` says before anything is started."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ros_anomaly.cli import common, demo
from ros_anomaly_sim.render.context import MissingEglError, RenderContext


@pytest.fixture
def egl() -> None:
    try:
        RenderContext().close()
    except MissingEglError as error:
        pytest.skip(str(error))


def said_in_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    assert demo.main(arguments) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("ros-anomaly-demo: error: ")
    return line


def test_without_carlas_client_it_says_what_to_do(monkeypatch, capsys, tmp_path: Path):
    monkeypatch.setattr(demo, "find_spec", lambda name: None)
    line = said_in_one_line(capsys, ["--out", str(tmp_path / "out")])
    assert "pip install carla==0.9.16" in line and "ros-anomaly-record-streets" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--duration", "1000"], "duration_s: expected 1..600, found 1000"),
        (["--town", "5000"], "town seed 5000 belongs to no split"),
    ],
)
def test_what_cannot_be_planned_is_told_before_anything_starts(
    egl, monkeypatch, capsys, tmp_path: Path, arguments, message
):
    pytest.importorskip("carla")
    # Nothing of the library is asked for.
    monkeypatch.setattr("ros_anomaly_sim.demo.preparation.ModelLibrary", lambda: None)
    line = said_in_one_line(capsys, ["--out", str(tmp_path / "out"), *arguments])
    assert message in line
    assert list((tmp_path / "out" / "logs").iterdir()) == []


@pytest.mark.usefixtures("heeded_hang_up")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_in_order(monkeypatch, capsys, tmp_path: Path, number: signal.Signals):
    pytest.importorskip("carla")
    tidied: list[str] = []

    def interrupted(*_):
        try:
            os.kill(os.getpid(), number)
        finally:
            os.kill(os.getpid(), number)  # a second one does not cut the tidying short
            tidied.append("all")

    monkeypatch.setattr("ros_anomaly_sim.demo.run.run_demo", interrupted)
    before = signal.getsignal(number)
    assert demo.main(["--out", str(tmp_path / "out")]) == common.EXIT_INTERRUPTED
    assert tidied == ["all"] and "interrupted" in capsys.readouterr().err
    assert signal.getsignal(number) is before


def test_missing_models_are_named(egl, monkeypatch, capsys, tmp_path: Path):
    pytest.importorskip("carla")
    monkeypatch.setenv("SWEETHOME3D_FURNITURE", "/no/such/folder")
    # An empty cache: processed models must not stand in for the missing package.
    monkeypatch.setenv("ROS_ANOMALY_CACHE", str(tmp_path / "cache"))
    assert "sweethome3d-furniture" in said_in_one_line(capsys, ["--out", str(tmp_path / "out"), "--duration", "5"])
