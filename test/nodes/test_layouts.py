"""Layouts for Foxglove and RViz: well formed, and every topic and key in them is one that is published."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from ros_anomaly.hazard.types import HazardLevel, HazardState
from ros_anomaly.messages.diagnostics import values_of
from ros_anomaly.messages.hazard import hazard_message
from ros_anomaly.messages.stamps import ns_to_stamp
from ros_anomaly_sim.bridge import topics

ROOT = Path(__file__).resolve().parents[2]
FOXGLOVE = json.loads((ROOT / "config/foxglove_layout.json").read_text())
RVIZ = yaml.safe_load((ROOT / "config/detector.rviz").read_text())
FROM_THE_STREET = {topics.IMAGE, topics.CAMERA_INFO}


def published() -> set[str]:
    """Topics of a node named detector, from the sources that make its publishers."""
    own = {
        name
        for path in (ROOT / "ros_anomaly/nodes").glob("*.py")
        for name in re.findall(r'"~/([a-z_/]+)"', path.read_text())
    }
    assert {"mask", "hazard_status"} <= own
    return {f"/detector/{name}" for name in own} | FROM_THE_STREET | {"/diagnostics"}


def panels_of(layout: Any) -> list[str]:
    if isinstance(layout, str):
        return [layout]
    assert set(layout) == {"direction", "first", "second", "splitPercentage"}
    return panels_of(layout["first"]) + panels_of(layout["second"])


def test_every_foxglove_panel_has_its_place():
    shown = panels_of(FOXGLOVE["layout"])
    assert sorted(shown) == sorted(FOXGLOVE["configById"]) and len(set(shown)) == len(shown)
    assert {"Image", "StateTransitions", "Plot", "DiagnosticSummary"} <= {name.split("!")[0] for name in shown}


def test_topics_in_foxglove_are_published():
    text = json.dumps(FOXGLOVE["configById"])
    named = set(re.findall(r'"(/[a-z_/]+)', text))
    assert named <= published()
    for kind in ("mask", "score", "hazard", "hazard_status", "overlay/compressed"):
        assert f"/detector/{kind}" in named


def test_keys_in_foxglove_are_in_the_status():
    message = hazard_message(HazardState(HazardLevel.CLEAR, "", 1), 0, ns_to_stamp(1), "camera", "detector")
    keys = set(re.findall(r'key==\\+"([a-z_]+)\\+"', json.dumps(FOXGLOVE)))
    assert {"level", "max_score", "nearest_m"} <= keys <= set(values_of(message.status[0]))


def test_topics_in_rviz_are_published():
    displays = RVIZ["Visualization Manager"]["Displays"]
    named = {display["Topic"]["Value"] for display in displays if "Topic" in display}
    assert named <= published() and {"/detector/mask", "/detector/score"} <= named
    assert all(display["Enabled"] for display in displays)
