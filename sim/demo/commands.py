"""Command lines of the demonstration's processes, and the environment that they share."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from ros_anomaly.share import large_image_environment
from ros_anomaly_sim.bridge import topics

DETECTOR = "detector"


def ros_environment() -> dict[str, str]:
    """This environment with what the run needs of ROS: large images, this machine only, a domain of its own."""
    own_domain = str(1 + os.getpid() % 100)
    return {
        **large_image_environment(),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "ROS_DOMAIN_ID": own_domain,
        "PYTHONUNBUFFERED": "1",
        **os.environ,
    }


def detector_command(engine: str) -> list[str]:
    """The detector's executable, in lockstep with simulated time, listening to the bridge's camera."""
    parameters = {
        "autostart": "true",
        "use_sim_time": "true",
        "lockstep": "true",
        "engine": engine,
        "camera.x_m": "1.5",
        "camera.z_m": "1.6",
    }
    remaps = {"image": topics.IMAGE, "camera_info": topics.CAMERA_INFO, "odometry": topics.ODOMETRY}
    return _command("detector", parameters, remaps)


def bridge_command(port: int, scenario: Path, notes: Path, answer_timeout_s: float) -> list[str]:
    """The bridge's executable: it drives a scenario on the server at a port of this machine, and waits for our word."""
    parameters = {
        "host": "127.0.0.1",
        "port": str(port),
        "connect_timeout_s": "60.0",
        "reconnect": "false",
        "scenario": str(scenario),
        "status_topic": f"/{DETECTOR}/hazard_status",
        "answer_timeout_s": f"{answer_timeout_s:.3f}",
        "startup_timeout_s": "300.0",
        "wait_for_go": "true",
        "ahead": "true",
        "notes": str(notes),
    }
    return _command("carla_bridge", parameters, {})


def _command(executable: str, parameters: Mapping[str, str], remaps: Mapping[str, str]) -> list[str]:
    command = [sys.executable, "-m", f"ros_anomaly.cli.{executable}", "--ros-args"]
    for name, value in parameters.items():
        command += ["-p", f"{name}:={value}"]
    for name, topic in remaps.items():
        command += ["-r", f"{name}:={topic}"]
    return command
