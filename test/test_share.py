import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ros_anomaly import share


def test_finds_the_checkouts_own_files():
    path = share.share_path("package.xml")
    assert "<name>ros_anomaly</name>" in path.read_text()


def test_a_missing_file_names_itself_and_the_places_searched(monkeypatch):
    monkeypatch.setenv("AMENT_PREFIX_PATH", "/no/such/prefix")
    with pytest.raises(FileNotFoundError, match=r"engines/absent\.json.*/no/such/prefix/share/ros_anomaly"):
        share.share_path("engines/absent.json")


def test_an_installed_copy_finds_the_share_folder_of_its_own_prefix(tmp_path: Path):
    site = tmp_path / "lib/python3/site-packages/ros_anomaly"
    site.mkdir(parents=True)
    shutil.copy(share.__file__, site / "share.py")
    (site / "__init__.py").touch()
    installed = tmp_path / "share/ros_anomaly"
    (installed / "config").mkdir(parents=True)
    (installed / "package.xml").touch()
    (installed / "config/detector.yaml").touch()
    code = "from ros_anomaly.share import share_path; print(share_path('config/detector.yaml'))"
    env = {"PYTHONPATH": str(site.parent)}
    out = subprocess.run([sys.executable, "-S", "-c", code], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    assert Path(out.stdout.strip()) == installed / "config/detector.yaml"
