"""``benchmark node`` end to end, with an engine that takes no time: what is left is the package's own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from detector_rig import PATIENCE_S, ROOT

COMMAND = [sys.executable, "-m", "ros_anomaly.cli.benchmark", "node"]


@pytest.mark.parametrize("size", ["640x360", "1280x720"])
def test_figures_as_json(engine, size):
    command = [*COMMAND, "--engine", str(engine), "--size", size, "--frames", "30", "--warmup", "5", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3 * PATIENCE_S)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["frames"] == 30 and figures["image_size"] == size and sum(figures["levels"].values()) == 30
    for key in ("total_ms", "engine_ms", "not_engine_ms"):
        assert 0 < figures[key]["median"] <= figures[key]["p99"]
    assert figures["total_ms"]["median"] > figures["engine_ms"]["median"]
    assert set(figures["stages_ms"]) == {"receive", "wait", "convert", "resize", "regions", "health", "publish"}
    assert all(own["median"] >= 0 for own in figures["stages_ms"].values())
    assert 0 < figures["not_engine_share"] < 1 and figures["dropped"] == 0 and figures["machine"]


def test_bad_engine_is_one_line():
    done = subprocess.run([*COMMAND, "--engine", "nope"], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 1 and done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1 and "nope.json" in done.stderr
