"""Set-up as a newcomer meets it: missing system packages are named, a finished set-up is left alone at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def stubs(tmp_path: Path) -> Path:
    """A folder that comes first on PATH: dpkg-query knows no package, apt-get leaves a note of its arguments."""
    folder = tmp_path / "bin"
    folder.mkdir()
    stub(folder / "dpkg-query", "exit 1")
    stub(folder / "apt-get", f'echo "$@" >> {tmp_path}/apt-get.log')
    return folder


def stub(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def environment(stubs: Path) -> dict[str, str]:
    """This environment with the stubs first on PATH, and without what `make` hands to the set-up."""
    own = {k: v for k, v in os.environ.items() if k not in ("VENV", "PYTHON", "MAKEFLAGS", "MAKELEVEL")}
    return own | {"PATH": f"{stubs}:{os.environ['PATH']}"}


def run(command: list[str], stubs: Path, cwd: Path = ROOT, **extra: str) -> subprocess.CompletedProcess[str]:
    env = environment(stubs) | extra
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=60)


def test_without_root_one_line_names_the_missing_packages(stubs: Path):
    stub(stubs / "id", "echo 1000")
    done = run(["scripts/debian_packages.sh"], stubs)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "libegl1 libegl-mesa0 libgl1-mesa-dri sweethome3d-furniture" in line and "sudo apt-get install" in line
    assert not (stubs.parent / "apt-get.log").exists()


def test_make_stops_with_a_non_zero_status_where_packages_are_missing(stubs: Path, tmp_path: Path):
    stub(stubs / "id", "echo 1000")
    done = run(["make", "setup"], stubs, VENV=str(tmp_path / "venv"))
    assert done.returncode != 0 and "sweethome3d-furniture" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_as_root_they_are_installed_after_an_update(stubs: Path):
    stub(stubs / "id", "echo 0")
    done = run(["scripts/debian_packages.sh"], stubs)
    assert done.returncode == 0, done.stderr
    update, install = (stubs.parent / "apt-get.log").read_text().splitlines()
    assert " update" in update and " install " in install
    assert install.endswith("libegl1 libegl-mesa0 libgl1-mesa-dri sweethome3d-furniture")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What the set-up reads, in a folder of its own."""
    folder = tmp_path / "project"
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    for name in ("constraints.txt", "setup.py", "setup.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def fake_python(stubs: Path) -> None:
    """A Python that makes virtual environments of stubs, slowly, and notes every pip call."""
    stub(stubs / "dpkg-query", 'echo "install ok installed"')
    pip = f'echo "$@" >> {stubs.parent}/pip.log; sleep 0.2'
    copies = f'for name in python pip; do cp {stubs}/venv-python "$last/bin/$name"; done'
    venv = f'for last; do :; done; mkdir -p "$last/bin"; {copies}'
    body = f"""case "$*" in
  *ensurepip*) ;;
  *version_info*) echo 3.11 ;;
  *venv*) {venv} ;;
esac"""
    stub(stubs / "venv-python", pip)
    stub(stubs / "python3", body)


def test_the_second_set_up_does_nothing_and_a_changed_pin_does_it_again(stubs: Path, project: Path):
    fake_python(stubs)
    log = stubs.parent / "pip.log"
    assert run(["scripts/setup.sh"], stubs, project).returncode == 0
    calls = log.read_text().splitlines()
    assert "torch==" in calls[0] and "constraint" not in calls[0]

    started = time.monotonic()
    assert run(["scripts/setup.sh"], stubs, project).returncode == 0
    assert time.monotonic() - started < 5 and log.read_text().splitlines() == calls

    with (project / "constraints.txt").open("a") as pins:
        pins.write("extra-package==1.0\n")
    assert run(["scripts/setup.sh"], stubs, project).returncode == 0
    assert len(log.read_text().splitlines()) == 2 * len(calls)


def test_two_set_ups_at_once_install_once(stubs: Path, project: Path):
    fake_python(stubs)
    env = environment(stubs)
    both = [subprocess.Popen(["scripts/setup.sh"], cwd=project, env=env, stderr=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=60)[1].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("torch==" in call for call in (stubs.parent / "pip.log").read_text().splitlines()) == 1
