"""Where built engines are kept, and what is said where that cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from ros_anomaly.cli.cache import cache_folder
from ros_anomaly.runtime.building import folders
from ros_anomaly.runtime.building.folders import cache_root, read_folders, writable_folder
from ros_anomaly.runtime.errors import EngineError


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """The folder that is taken where the first cannot be written, below the test's own."""
    monkeypatch.setattr(folders, "_LASTING_TEMPORARY", tmp_path / "var_tmp")
    (tmp_path / "var_tmp").mkdir()
    return folders._stand_in()


@pytest.fixture
def unwritable(tmp_path) -> Path:
    """A folder that cannot be made, whoever runs the test: its parent is a file."""
    (tmp_path / "file").write_bytes(b"")
    return tmp_path / "file" / "engines"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "{home}/.cache/ros_anomaly"),
        ({"XDG_CACHE_HOME": "/x/cache"}, "/x/cache/ros_anomaly"),
        ({"XDG_CACHE_HOME": "relative"}, "{home}/.cache/ros_anomaly"),  # to be ignored, says the specification
        ({"XDG_CACHE_HOME": "/x/cache", "ROS_ANOMALY_CACHE": "/own"}, "/own"),
    ],
)
def test_cache_follows_our_variable_then_xdg_then_home(variables, expected, monkeypatch):
    for name in ("XDG_CACHE_HOME", "ROS_ANOMALY_CACHE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    wanted = Path(expected.format(home=Path.home()))
    assert cache_root() == wanted
    assert cache_folder("engines") == wanted / "engines"  # the executables' cache is the same place


def test_the_preferred_folder_is_made_and_nothing_is_said(tmp_path, stand_in):
    said: list[str] = []
    assert writable_folder(tmp_path / "a" / "b", said.append) == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir() and not said and not stand_in.exists()


def test_where_it_cannot_be_written_another_one_is_taken_and_that_is_said(unwritable, stand_in):
    said: list[str] = []
    assert writable_folder(unwritable, said.append) == stand_in
    assert len(said) == 1 and str(stand_in) in said[0] and str(unwritable) in said[0] and "engine_cache" in said[0]
    assert stand_in.parent.stat().st_mode & 0o077 == 0
    assert read_folders(unwritable) == [unwritable, stand_in]  # what was built there is found again


def test_a_stand_in_that_others_can_write_is_neither_read_nor_written(unwritable, stand_in):
    stand_in.mkdir(parents=True)
    stand_in.parent.chmod(0o777)
    assert read_folders(unwritable) == [unwritable]
    with pytest.raises(EngineError, match="cannot be written.*open to others"):
        writable_folder(unwritable, print)


def test_a_stand_in_that_is_a_link_is_not_trusted(unwritable, stand_in, tmp_path):
    (tmp_path / "elsewhere" / "engines").mkdir(parents=True)
    stand_in.parent.symlink_to(tmp_path / "elsewhere")
    assert read_folders(unwritable) == [unwritable]
    with pytest.raises(EngineError, match="expected a folder that can be written"):
        writable_folder(unwritable, print)
