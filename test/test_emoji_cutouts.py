"""The script that fetches pictures of everyday things to paste."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "scripts" / "emoji_cutouts.py"
LISTING = ROOT / "config" / "cutouts" / "fluent_emoji.txt"


def listed() -> list[list[str]]:
    return [line.split() for line in LISTING.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


def package(path: Path, codes: list[str]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for code in codes:
            content = f"picture {code}".encode()
            member = tarfile.TarInfo(f"package/assets/{code}.webp")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return package(tmp_path / "package.tgz", [code for code, _ in listed()] + ["1f600"])


def test_the_listing_names_every_picture_once():
    rows = listed()
    assert len(rows) > 200 and all(len(row) == 2 for row in rows)
    assert len({code for code, _ in rows}) == len({name for _, name in rows}) == len(rows)


def test_the_listed_pictures_and_no_others_are_unpacked(tmp_path, archive):
    done = run(tmp_path / "out", "--archive", archive)
    assert done.returncode == 0, done.stderr
    assert {p.name for p in (tmp_path / "out").iterdir()} == {f"{name}.webp" for _, name in listed()}
    code, name = listed()[7]
    assert (tmp_path / "out" / f"{name}.webp").read_text() == f"picture {code}"


def test_a_folder_that_is_whole_needs_no_package(tmp_path, archive):
    run(tmp_path / "out", "--archive", archive)
    archive.unlink()
    assert run(tmp_path / "out", "--archive", archive).returncode == 0
    (tmp_path / "out" / f"{listed()[0][1]}.webp").unlink()
    done = run(tmp_path / "out", "--archive", archive)
    assert done.returncode != 0 and "package.tgz" in done.stderr


def test_a_package_that_lacks_pictures_is_named(tmp_path):
    short = package(tmp_path / "short.tgz", [code for code, _ in listed()[1:]])
    done = run(tmp_path / "out", "--archive", short)
    assert done.returncode != 0
    assert f"short.tgz: expected {len(listed())} pictures, found none of package/assets/{listed()[0][0]}" in done.stderr
    assert not list((tmp_path / "out").iterdir())
