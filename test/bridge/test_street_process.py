import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (["--duration", "5"], {"SWEETHOME3D_FURNITURE": "/no/such/folder"}, "sweethome3d-furniture"),
        (["--duration", "100000"], {}, "duration_s"),
    ],
)
def test_what_stops_the_street_is_told_in_one_line(tmp_path: Path, arguments, environment, told):
    command = [sys.executable, "-m", "ros_anomaly_sim.bridge.street_process", "--folder", str(tmp_path), *arguments]
    # An empty cache: processed models must not stand in for the missing package.
    env = {**os.environ, "ROS_ANOMALY_CACHE": str(tmp_path / "cache"), **environment}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=100)
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("street: error: ") and told in line
