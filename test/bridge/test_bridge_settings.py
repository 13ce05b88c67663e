"""What the bridge can be told."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ros_anomaly_sim.scenarios.conditions import Light
from ros_anomaly_sim.scenarios.files import suite_names

pytest.importorskip("carla")

from ros_anomaly_sim.bridge.bridge_settings import PARAMETERS, BridgeSettings  # noqa: E402
from ros_anomaly_sim.bridge.camera_rig import CameraKind  # noqa: E402

FILE = Path(__file__).resolve().parents[2] / "config" / "carla_bridge.yaml"


def test_defaults_start_a_server_and_drive_in_lockstep():
    settings = BridgeSettings.from_values({})
    assert settings.host is None and settings.drives and settings.lockstep and not settings.repeat
    assert settings.cameras.size == (360, 640)
    assert settings.cameras.kinds == (CameraKind.RGB, CameraKind.SEMANTIC, CameraKind.INSTANCE)
    assert settings.cameras.tick_s == 0.1


def test_a_drive_of_ones_own():
    settings = BridgeSettings.from_values({"map": "Town03", "spawn_point": 5, "light": "dusk", "host": "10.0.0.2"})
    assert settings.scenario.map == "Town03" and settings.scenario.ego.spawn_point == 5
    assert settings.scenario.light is Light.DUSK and settings.host == "10.0.0.2"


def test_a_scenario_by_name():
    name = suite_names()[0]
    assert BridgeSettings.from_values({"scenario": name}).scenario.name == name


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hots": "x"}, "parameter hots: expected one of host, port"),
        ({"port": 70000}, "parameter port: expected 1 to 65534, found 70000"),
        ({"light": "night"}, "parameter light: expected one of noon, afternoon, low_sun, dusk"),
        ({"cameras": "rgb,lidar"}, "parameter cameras: expected some of rgb, semantic, instance, depth; found 'lidar'"),
        ({"cameras": "instance"}, "cameras: expected rgb and each kind at most once, found instance"),
        ({"sensor_tick_s": 0.12}, "parameter sensor_tick_s: expected a multiple of delta_s = 0.05, found 0.12"),
        ({"sensor_tick_s": 0.01}, "parameter sensor_tick_s: expected a multiple of delta_s"),
        ({"scenario": "no_such"}, "scenario: expected the path of a .yaml file or one of"),
        ({"ahead": True, "lockstep": False}, "parameter ahead: expected lockstep with it"),
        ({"wait_for_go": True, "lockstep": False}, "parameter wait_for_go: expected lockstep with it"),
        ({"ahead": True, "ego_control": "external"}, "parameter ahead: expected ego_control route with it"),
        ({"notes": "/no/such/folder"}, "parameter notes: expected a folder, found '/no/such/folder'"),
        ({"ego_control": "me"}, "parameter ego_control: expected one of route, external"),
    ],
)
def test_bad_values(values: dict, message: str):
    with pytest.raises(ValueError, match=message):
        BridgeSettings.from_values(values)


def test_the_parameter_file_says_what_there_is():
    values = yaml.safe_load(FILE.read_text())["carla_bridge"]["ros__parameters"]
    flat = {}
    for key, value in values.items():
        flat.update({f"{key}.{k}": v for k, v in value.items()} if isinstance(value, dict) else {key: value})
    assert flat == {parameter.name: parameter.default for parameter in PARAMETERS}
