"""A closed-loop drive with the detector as a node: magenta alone frightens it, and nothing is magenta."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from carla_stage_rig import TIMEOUT_S, box_server  # noqa: F401
from detector_rig import ROOT, Rig

from ros_anomaly.runtime.manifest import load_manifest
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
    command += ["--host", "127.0.0.1", "--port", str(port), "--out", str(scenario.parent / "out"), "--json", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=4 * TIMEOUT_S)


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "open_road.yaml"
    path.write_text(SCENARIO)
    return path


def test_the_node_answers_every_image_and_lets_the_drive_through(
    rig: Rig,
    engine,
    box_server,  # noqa: F811
    scenario: Path,
    tmp_path: Path,
):
    remaps = (f"image:={topics.IMAGE}", f"camera_info:={topics.CAMERA_INFO}", f"odometry:={topics.ODOMETRY}")
    rig.launch(engine, *remaps, lockstep=True, use_sim_time=True)
    status = ("--status-topic", "/detector/hazard_status")
    done = closed_loop(box_server.port, scenario, "detector", *status, "--latency-ms", "130")
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)["scenarios"]
    late, at_once = record["drives"]
    assert (late["latency_ms"], at_once["latency_ms"]) == (130.0, 0.0)
    for result in (late, at_once):
        assert result["completed"] and result["brakings"] == [] and result["missed"] == 0
        assert result["compute"]["images"] == result["images"]
    # Simulated time runs twice through the same street, and the node is asked of fewer images where it is slow.
    assert at_once["dropped"] == 0 and at_once["images"] >= 30
    assert late["dropped"] > 0 and late["images"] < at_once["images"]
    assert (tmp_path / "out" / "scenarios" / "open_road" / "film.mp4").exists()
    asked = json.loads((tmp_path / "out" / "settings.json").read_text())["asked"]
    assert load_manifest(engine).fingerprint[:12] in asked["detector"]


def test_a_scenario_that_cannot_be_put_on_is_skipped_by_name(box_server, scenario: Path):  # noqa: F811
    scenario.write_text(SCENARIO + "anomalies: [{blueprint: static.prop.unicorn, distance_m: 12}]\n")
    done = closed_loop(box_server.port, scenario, "blind")
    assert done.returncode == 1 and "found all 1 skipped" in done.stderr
    results = json.loads(done.stdout)
    assert results["scenarios"] == [] and results["failed"] == {}
    assert results["skipped"] == {"open_road": "the server has no blueprint 'static.prop.unicorn'"}
