"""What every executable promises: one clear line on bad input, JSON alone on standard output, progress elsewhere."""

from __future__ import annotations

import argparse
import io
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ros_anomaly.cli import common
from ros_anomaly.runtime.errors import EngineError, WorkerError, WorkerFault


def parser_with_frames():
    parser = common.ArgumentParser(prog="ros-anomaly-try", description="a trial")
    parser.add_argument("--frames", type=common.positive_int, default=600, help="how many frames")
    common.add_json_option(parser)
    return parser


def run_with(action, argv=()):
    return common.run(parser_with_frames(), action, list(argv))


def fail_with(error):
    def action(args):
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (common.CliError("no object models found", exit_status=3), 3, "no object models found"),
        (ValueError("threshold: expected\n  a number, found 'x'"), 1, "threshold: expected a number, found 'x'"),
        (FileNotFoundError(2, "No such file or directory", "a.npz"), 1, "No such file or directory"),
        (EngineError("expected sha256 a, found b"), 1, "expected sha256 a, found b"),
        (WorkerError(WorkerFault.DIED, "engine worker died"), 1, "engine worker died"),
        (ModuleNotFoundError("No module named 'carla'", name="carla"), 1, "'carla' is not installed"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_expected_failures_are_one_line_and_a_status(capsys, monkeypatch, error, status, text):
    monkeypatch.delenv(common.TRACEBACK_VARIABLE, raising=False)
    assert run_with(fail_with(error)) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ros-anomaly-try: error: ") and text in err
    assert err.count("\n") == 1


def test_traceback_on_demand(capsys, monkeypatch):
    monkeypatch.setenv(common.TRACEBACK_VARIABLE, "1")
    assert run_with(fail_with(ValueError("no"))) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_fault_of_the_program_keeps_its_traceback():
    with pytest.raises(KeyError):
        run_with(fail_with(KeyError("bug")))


@pytest.mark.parametrize(
    ("argv", "text"), [(["--frames", "0"], "at least 1, found '0'"), (["--frame", "5"], "--frame"), (["x"], "x")]
)
def test_bad_arguments_are_one_line_and_status_2(capsys, argv, text):
    with pytest.raises(SystemExit) as caught:
        run_with(lambda args: 0, argv)
    assert caught.value.code == 2
    err = capsys.readouterr().err
    assert text in err and err.count("\n") == 1


def test_help_shows_defaults_that_say_something(capsys):
    with pytest.raises(SystemExit) as caught:
        run_with(lambda args: 0, ["--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert "default: 600" in out and "default: False" not in out


def test_status_of_the_command_is_passed_on():
    assert run_with(lambda args: None) == 0
    assert run_with(lambda args: 4) == 4


def test_json_stands_alone_on_standard_output(capsys):
    def action(args):
        print("loading")
        common.say("working")
        common.print_json({"ap": np.float32(0.5), "fpr95": math.nan, "curve": np.arange(3), "file": Path("a")})
        print("done")

    assert run_with(action, ["--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"ap": 0.5, "fpr95": None, "curve": [0, 1, 2], "file": "a"}
    assert err == "loading\nworking\ndone\n"
    print("later")
    assert capsys.readouterr().out == "later\n"


def test_without_json_prints_stay_where_they_are(capsys):
    assert run_with(lambda args: print("a table")) == 0
    assert capsys.readouterr().out == "a table\n"


def test_reader_that_goes_away_is_no_traceback(tmp_path):
    code = (
        "from ros_anomaly.cli import common\n"
        "def action(args):\n"
        "    for _ in range(100000): print('line' * 20)\n"
        "raise SystemExit(common.run(common.ArgumentParser(prog='p'), action, []))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(10) == 1
    process.stderr.close()


def test_progress_counts_rates_and_ends():
    stream = io.StringIO()
    progress = common.Progress("rendering", total=4, interval_s=0.0, stream=stream)
    for _ in range(4):
        progress.update(note="town 3")
    progress.finish()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 5
    assert lines[0].startswith("rendering: 1/4 frames") and lines[0].endswith("s left, town 3")
    assert lines[-1].startswith("rendering: 4/4 frames")


def test_track_yields_everything_and_reports_to_standard_error(capsys):
    assert list(common.track(range(5), "reading", unit="files")) == [0, 1, 2, 3, 4]
    out, err = capsys.readouterr()
    assert out == "" and "reading: 5/5 files" in err


@pytest.mark.parametrize(
    ("kind", "good", "value", "bad"),
    [
        (common.positive_int, "3", 3, ["0", "-1", "2.5", "x", ""]),
        (common.non_negative_int, "0", 0, ["-1", "1e3"]),
        (common.positive_float, "0.5", 0.5, ["0", "nan", "inf", "-1", "x"]),
        (common.fraction, "1", 1.0, ["1.1", "-0.1", "nan"]),
        (common.image_size, "640x360", (360, 640), ["640", "640x", "0x360", "a x b", "-1x5", "640x360x3"]),
    ],
)
def test_argument_types(kind, good, value, bad):
    assert kind(good) == value
    for text in bad:
        with pytest.raises(argparse.ArgumentTypeError, match="expected .*found"):
            kind(text)


def test_paths_must_be_there(tmp_path):
    (tmp_path / "file").touch()
    assert common.existing_file(str(tmp_path / "file")) == tmp_path / "file"
    assert common.existing_folder(str(tmp_path)) == tmp_path
    for kind, text in (
        (common.existing_file, tmp_path),
        (common.existing_file, tmp_path / "none"),
        (common.existing_folder, tmp_path / "file"),
        (common.existing_folder, tmp_path / "none"),
    ):
        with pytest.raises(argparse.ArgumentTypeError, match="expected a f.*, found"):
            kind(str(text))
