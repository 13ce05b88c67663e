"""Bad arguments of the town preview get one line and status 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from ros_anomaly.cli.preview_town import main


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--town", "1500"], "belongs to no split"),
        (["--town", "-1"], "--town"),
        (["--town", "one"], "--town"),
        (["--size", "640"], "--size"),
        (["--weather", "hail"], "--weather"),
    ],
)
def test_bad_arguments(arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    try:
        status = main([*arguments, "--out", str(tmp_path / "out")])
    except SystemExit as stop:
        status = stop.code
    printed = capsys.readouterr()
    assert status == 2
    assert said in printed.err and printed.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_out_that_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "file").write_text("kept")
    assert main(["--town", "3", "--out", str(tmp_path / "file")]) == 2
    assert "expected a folder" in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "kept"
