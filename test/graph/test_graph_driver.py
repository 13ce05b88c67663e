"""A closed-loop drive with the detector as a node: magenta alone frightens it, and nothing is magenta."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from carla_stage_rig import TIMEOUT_S, box_server  # noqa: F401
from detector_rig import ROOT, Rig

from ros_anomaly_sim.bridge import topics

pytest.importorskip("carla")

SCENARIO = """
description: nothing in the way
home: embedded
expected: open
map: Town2001
duration_s: 8
ego: {spawn_point: 1, route_m: 20}
"""


def closed_loop(port: int, scenario: Path, driver: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ros_anomaly.cli.closed_loop", str(scenario), "--driver", driver]
    command += ["--host", "127.0.0.1", "--port", str(port), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=4 * TIMEOUT_S)


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "open_road.yaml"
    path.write_text(SCENARIO)
    return path


def test_the_node_answers_every_image_and_lets_the_drive_through(rig: Rig, engine, box_server, scenario: Path):  # noqa: F811
    remaps = (f"image:={topics.IMAGE}", f"camera_info:={topics.CAMERA_INFO}", f"odometry:={topics.ODOMETRY}")
    rig.launch(engine, *remaps, lockstep=True, use_sim_time=True)
    done = closed_loop(box_server.port, scenario, "detector", "--status-topic", "/detector/hazard_status", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)["results"][0]
    assert result["completed"] and result["brakings"] == [] and result["images"] >= 30
    assert result["missed"] == result["dropped"] == 0


def test_a_scenario_that_cannot_be_put_on_is_skipped_by_name(box_server, scenario: Path):  # noqa: F811
    scenario.write_text(SCENARIO + "anomalies: [{blueprint: static.prop.unicorn, distance_m: 12}]\n")
    done = closed_loop(box_server.port, scenario, "blind", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "results": [],
        "skipped": {"open_road": "the server has no blueprint 'static.prop.unicorn'"},
    }
