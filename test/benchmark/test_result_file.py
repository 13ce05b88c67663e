"""Result files, the machine they name, and the tables that are made of them."""

from __future__ import annotations

import json
import subprocess

import pytest

from ros_anomaly.benchmark import machine, result_file
from ros_anomaly.benchmark.machine import Gpu, Machine, this_commit, this_machine
from ros_anomaly.benchmark.result_file import read_results, record
from ros_anomaly.benchmark.table import Table, number


def test_subjects_stand_side_by_side_in_the_file_of_the_device(tmp_path):
    path = record(tmp_path / "new", "engines", {"a": 1}, "command one")
    assert record(tmp_path / "new", "node", {"b": [2]}, "command two") == path
    assert record(tmp_path / "new", "engines", {"a": 3}, "command three") == path
    results = read_results(path)
    assert path.stem == results["device"] == this_machine().device
    assert {name: (own["figures"], own["command"]) for name, own in results["subjects"].items()} == {
        "engines": ({"a": 3}, "command three"),
        "node": ({"b": [2]}, "command two"),
    }
    section = results["subjects"]["node"]
    assert section["machine"]["cores"] >= 1 and section["machine"]["processor"] and section["libraries"]["numpy"]
    assert section["measured"].endswith("+00:00") and set(section["commit"]) == {"sha", "date", "changed"}


def test_no_folder_of_this_machine_gets_into_a_file(tmp_path):
    figures = {
        "failure": f"{tmp_path}/some/engine.json: expected 640/360, found https://a.b/c",
        "list": [str(tmp_path)],
    }
    written = json.loads(record(tmp_path, "engines", figures, f"run {tmp_path}/x.json").read_text())["subjects"][
        "engines"
    ]
    assert written["figures"] == {
        "failure": "engine.json: expected 640/360, found https://a.b/c",
        "list": [tmp_path.name],
    }
    assert written["command"] == "run x.json"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no JSON", "expected a result file"),
        ("[1]", "expected schema 1, found list"),
        ('{"schema": 2}', "expected schema 1, found 2"),
        ('{"schema": 1, "device": "x"}', "expected a device and subjects"),
        ('{"schema": 1, "device": "x", "subjects": {"node": {"figures": {}}}}', "node: expected .* found no command"),
    ],
)
def test_other_files_are_refused_and_not_overwritten(tmp_path, text, message):
    path = tmp_path / f"{this_machine().device}.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_results(path)
    with pytest.raises(ValueError, match=message):
        record(tmp_path, "node", {}, "command")
    assert path.read_text() == text


def test_devices_are_named_after_the_gpu_or_the_processor():
    plain = Machine("AMD EPYC (v2)", 2, 1.0, "Linux", "3.12", None)
    assert plain.device == "amd-epyc-v2-2-cores" and plain.line == "AMD EPYC (v2), 2 cores"
    assert (
        Machine("x", 2, 1.0, "Linux", "3.12", Gpu("NVIDIA H100 80GB HBM3", "580", 8e4)).device
        == "nvidia-h100-80gb-hbm3"
    )


@pytest.mark.parametrize(
    ("answer", "gpu"),
    [
        ("NVIDIA X, 580.1, 1000\nNVIDIA Y, 580.1, 1000", Gpu("NVIDIA X", "580.1", 1048.576)),
        ("No devices were found", None),
        ("", None),
    ],
)
def test_what_the_driver_answers(monkeypatch, answer, gpu):
    monkeypatch.setattr(machine, "_output", lambda *_: answer)
    assert machine._gpu() == gpu


def test_the_commit_of_a_checkout_and_of_a_copy_without_history(tmp_path, monkeypatch):
    monkeypatch.setenv(machine.COMMIT_VARIABLE, "abc 2026-01-31T00:00:00+00:00")
    assert this_commit(tmp_path) == machine.Commit("abc", "2026-01-31T00:00:00+00:00", False)
    monkeypatch.delenv(machine.COMMIT_VARIABLE)
    assert this_commit(tmp_path) == machine.Commit()
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tmp_path)]
    (tmp_path / "file").write_text("1")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *arguments], check=True)
    clean = this_commit(tmp_path)
    assert len(clean.sha) == 40 and clean.date and not clean.changed
    (tmp_path / "file").write_text("2")
    assert this_commit(tmp_path) == machine.Commit(clean.sha, clean.date, True)


def test_tables():
    table = Table(("", "ms"), (("a|b", "1"), ("longer", "22")))
    assert table.text() == "        ms\na|b      1\nlonger  22"
    assert table.markdown() == "|  | ms |\n| --- | ---: |\n| a\\|b | 1 |\n| longer | 22 |"
    with pytest.raises(ValueError, match="expected 2 cells"):
        Table(("", "ms"), (("a",),))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0"),
        (1234.4, "1234"),
        (99.96, "100"),
        (12.34, "12.3"),
        (1.2345, "1.23"),
        (0.01234, "0.0123"),
        (0.000123456, "1.23e-04"),
        (-5.5, "-5.50"),
    ],
)
def test_numbers(value, text):
    assert number(value) == text


def test_schema_is_stated_in_the_module():
    for key in result_file._SECTION_KEYS:
        assert f'"{key}"' in (result_file.__doc__ or "")
