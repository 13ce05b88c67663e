"""``ros-anomaly-benchmark`` with an engine that takes no time: contests, results, reports, errors."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from toy_engine import make_toy_engine

from ros_anomaly.benchmark.contest import Memory, Outcome
from ros_anomaly.benchmark.contest_table import contest_markdown, contest_text
from ros_anomaly.benchmark.machine import this_machine
from ros_anomaly.benchmark.plot import plot_contest
from ros_anomaly.benchmark.statistics import Ratio, times_of
from ros_anomaly.cli import benchmark
from ros_anomaly.cli.benchmark_subjects.subject import SUBJECTS, subject

ROOT = Path(__file__).resolve().parents[2]
QUICK = ["--images", "made-up", "--rounds", "2", "--frames", "2", "--warmup", "1", "--threads", "1"]


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> str:
    return str(make_toy_engine(tmp_path_factory.mktemp("engine")))


def outcome(name: str, ms: float, baseline: bool = False, group: str = "96x64") -> dict:
    ratio = Ratio(30 / ms, 30 / ms, 30 / ms)
    times = times_of([ms / 1e3] * 4)
    return Outcome(name, group, baseline, {"error": 0.5}, None, 1.0, times, ms, ratio, Memory(100.0, 5.0)).plain()


def test_engines_that_run_and_those_that_do_not(toy, tmp_path, capsys):
    backends = "onnxruntime,tensorrt,abacus"
    command = ["engines", "--engine", toy, "--backends", backends, *QUICK, "--save", str(tmp_path), "--json"]
    assert benchmark.main(command) == 0
    captured = capsys.readouterr()
    figures = json.loads(captured.out)
    (eager, ran, absent, unknown) = figures["contenders"]
    assert "expected weights beside it" in eager["failure"]
    assert ran["name"] == "onnxruntime fp32" and ran["failure"] is None and ran["times"]["frames"] == 4
    assert ran["facts"]["map_size"] == "32x18" and ran["ratio"] is None and ran["memory"]["peak_mb"] > 10
    assert absent["failure"] and "'abacus'" in unknown["failure"]
    device = this_machine().device
    assert {path.name for path in tmp_path.iterdir()} == {f"{device}.json", f"{device}-engines.png"}

    assert benchmark.main(["report", str(tmp_path / f"{device}.json")]) == 0
    report = capsys.readouterr().out
    assert "| onnxruntime fp32 |" in report and "- not run: abacus fp32" in report
    assert "`ros-anomaly-benchmark engines --engine toy.json" in report and "--save" not in report


def test_without_a_picture_the_result_file_is_as_good(tmp_path, monkeypatch, capsys):
    def no_library(*_arguments: object) -> None:
        raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")

    own = subject("engines")
    monkeypatch.setattr(own, "plot", no_library)
    monkeypatch.setattr(own, "measure", lambda args: {"figure": 1})
    monkeypatch.setattr(own, "text", lambda figures: "text")
    assert benchmark.main(["engines", "--save", str(tmp_path)]) == 0
    said = capsys.readouterr().err
    assert "warning: no picture" in said and "matplotlib" in said
    (path,) = tmp_path.iterdir()
    assert json.loads(path.read_text())["subjects"]["engines"]["figures"] == {"figure": 1}
    assert benchmark.main(["engines", "--plot", str(tmp_path / "asked_for.png")]) == 1


def test_endurance_takes_the_first_backend_that_runs(toy, capsys):
    command = ["endurance", "--engine", toy, "--backends", "tensorrt,onnxruntime", "--frames", "12", "--timed", "8"]
    assert benchmark.main([*command, "--images", "made-up", "--threads", "1", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["name"] == "onnxruntime fp32" and set(figures["refused"]) == {"tensorrt"}
    assert figures["frames"] == 12 and figures["times"]["frames"] == 8
    text = subject("endurance").markdown(figures)
    assert "p99 / median" in text and "not run: tensorrt" in text


def test_endurance_without_a_backend_that_runs_is_one_line(toy, capsys):
    assert benchmark.main(["endurance", "--engine", toy, "--backends", "tensorrt", "--images", "made-up"]) == 1
    assert "--backends: expected one that runs here, found none (tensorrt:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["engines", "--precisions", "fp64"], 2, "expected fp32, fp16, int8 by commas, found 'fp64'"),
        (["engines", "--sizes", "640"], 2, "expected WIDTHxHEIGHT"),
        (["engines", "--engine", "nope"], 1, "nope.json"),
        (["engines", "--plot", "figures.svg"], 2, "expected a file ending in .png"),
        (["aggregation", "--epsilons", "-1"], 2, "a number of at least 0"),
        (["report", "setup.cfg"], 1, "expected a result file"),
        (["everything"], 2, "invalid choice"),
    ],
)
def test_mistakes_are_one_line(arguments, status, message, capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    try:
        found = benchmark.main(arguments)
    except SystemExit as end:
        found = end.code
    assert found == status
    error = capsys.readouterr().err
    assert message in error and len(error.strip().splitlines()) == 1


def test_images_that_are_not_there(toy, capsys):
    assert benchmark.main(["engines", "--engine", toy, "--images", "no/such/folder"]) == 1
    assert "expected a folder, a bag, 'streets' or 'made-up'" in capsys.readouterr().err


@pytest.mark.parametrize("name", SUBJECTS)
def test_every_subject_says_what_it_is(name):
    own = subject(name)
    assert (
        own.HELP and own.DESCRIPTION and all(callable(getattr(own, part)) for part in ("measure", "text", "markdown"))
    )


def test_reports_of_figures_of_another_version_and_of_none(tmp_path, capsys):
    section = {"command": "c", "measured": "2026-01-31", "libraries": {}, "figures": {}}
    section |= {"commit": {"sha": "", "changed": False}}
    section |= {"machine": {"processor": "p", "cores": 1, "python": "3", "gpu": None}}
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"schema": 1, "device": "x", "subjects": {"engines": section}}))
    assert benchmark.main(["report", str(path)]) == 1
    assert "figures of engines: expected those of this version" in capsys.readouterr().err
    assert benchmark.main(["report", str(path), "--subject", "node"]) == 1
    assert "expected figures of node, found engines" in capsys.readouterr().err


def test_tables_of_a_contest():
    failed = Outcome("lost", "96x64", False, failure="no reason " * 40).plain()
    contenders = [outcome("eager", 30, baseline=True), outcome("quick", 10), failed, outcome("other", 5, group="b")]
    text = contest_text("heading", contenders, {"error": "error", "absent": "absent"})
    lines = text.splitlines()
    assert lines[0] == "heading" and "96x64" in lines and "b" in lines and "absent" not in text
    row = next(line for line in lines if line.startswith("quick"))
    assert row.split() == ["quick", "10.0", "10.0", "100", "10.0", "3.00×", "100", "5.00", "0.5"]
    assert "eager (baseline)" in text and any(line.startswith("  not run: lost") and line[-1] == "…" for line in lines)
    assert contest_markdown("heading", contenders).count("| --- |") == 2


def test_the_plot_is_a_picture_and_nothing_is_not_drawn(tmp_path):
    plot_contest("heading", [outcome("eager", 30, baseline=True), outcome("quick", 10)], tmp_path / "new" / "a.png")
    assert (tmp_path / "new" / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="expected at least one contender that ran"):
        plot_contest("heading", [Outcome("lost", "", False, failure="x").plain()], tmp_path / "b.png")


STUB = """#!/usr/bin/env bash
[ "$1" = -m ] || exit 0
echo "$*" >>"$(dirname "$0")/calls"
[ "$3" != "$FAILS" ]
"""


def run_gpu_bench(folder: Path, *arguments: str, fails: str = "") -> subprocess.CompletedProcess[str]:
    (folder / "python").write_text(STUB)
    (folder / "python").chmod(0o755)
    environment = {**os.environ, "PYTHON": str(folder / "python"), "FAILS": fails, "GPU_PACK": str(folder / "none")}
    command = ["bash", str(ROOT / "scripts/gpu_bench.sh"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)


def test_gpu_bench_goes_on_where_a_part_fails(tmp_path):
    folders = ["--out", str(tmp_path / "out"), "--state", str(tmp_path / "state")]
    assert run_gpu_bench(tmp_path, *folders).returncode == 0
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.split()[2] for call in calls] == ["engines", "aggregation", "endurance"]
    assert all(f"--save {tmp_path / 'out'}" in call for call in calls)
    assert "--precisions fp16" in calls[0] and "--frames 10000 --timed 2000" in calls[2]
    for call in calls:  # arguments that the executable knows
        benchmark.build_parser().parse_args(call.split()[2:])

    done = run_gpu_bench(tmp_path, *folders, "--small", fails="aggregation")
    assert done.returncode == 1 and "failed: aggregation" in done.stderr
    small = (tmp_path / "calls").read_text().splitlines()[3:]
    assert len(small) == 3 and all("cuda" not in call.replace("onnxruntime:cuda", "") for call in small)
    for call in small:
        benchmark.build_parser().parse_args(call.split()[2:])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seconds", "soon"], "--seconds: expected a whole number above 0, found soon"),
        (["--out"], "--out: expected a value, found none"),
        (["--fast"], "unknown argument --fast"),
    ],
)
def test_mistakes_of_gpu_bench_are_one_line(tmp_path, arguments, message):
    done = run_gpu_bench(tmp_path, *arguments)
    assert done.returncode == 2 and message in done.stderr and len(done.stderr.splitlines()) == 1
