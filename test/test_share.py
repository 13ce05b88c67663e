import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ros_anomaly import share

NEW, OLD = "FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE"


def test_finds_the_checkouts_own_files():
    path = share.share_path("package.xml")
    assert "<name>ros_anomaly</name>" in path.read_text()


def test_a_missing_file_names_itself_and_the_places_searched(monkeypatch):
    monkeypatch.setenv("AMENT_PREFIX_PATH", "/no/such/prefix")
    with pytest.raises(FileNotFoundError, match=r"engines/absent\.json.*/no/such/prefix/share/ros_anomaly"):
        share.share_path("engines/absent.json")


@pytest.mark.parametrize(
    "version, names", [("3.3.15", {NEW, OLD}), ("7.1.5", {NEW, OLD}), ("9.1.2", {NEW}), ("10.0.0", {NEW})]
)
def test_the_profile_has_its_old_name_up_to_jazzy(monkeypatch, version, names):
    monkeypatch.setattr(share.metadata, "version", lambda package: {"rclpy": version}[package])
    assert set(share.large_image_environment()) == names


def test_without_rclpy_the_profile_has_both_names(monkeypatch):
    def missing(package):
        raise share.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(share.metadata, "version", missing)
    variables = share.large_image_environment()
    assert set(variables) == {NEW, OLD}
    assert {Path(value).name for value in variables.values()} == {"fastdds_large_images.xml"}


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


def test_a_graph_of_ones_own_stays_on_this_machine():
    variables = share.own_graph_environment()
    assert variables["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST" and 1 <= int(variables["ROS_DOMAIN_ID"]) <= 100
    assert share.large_image_environment().items() <= variables.items()
