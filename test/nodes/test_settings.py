"""Parameters of the node: every value checked, and the parameter file in step with the table."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml

from ros_anomaly.hazard.config import HazardConfig
from ros_anomaly.messages.parameter import Changeable
from ros_anomaly.nodes.parameters import descriptor_of
from ros_anomaly.nodes.settings import BY_NAME, PARAMETERS, Settings

PARAMETER_FILE = Path(__file__).resolve().parents[2] / "config" / "detector.yaml"


def flat(tree: dict, prefix: str = "") -> dict:
    values = {}
    for name, value in tree.items():
        values.update(flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value})
    return values


def test_defaults_are_legal_and_the_hazard_rooms_own():
    settings = Settings.from_values({})
    assert settings.hazard == HazardConfig() and settings.threshold is None and not settings.autostart
    assert settings.engine.engine == "default" and settings.engine.threads is None


def test_parameter_file_holds_every_parameter_with_its_default():
    values = flat(yaml.safe_load(PARAMETER_FILE.read_text())["/**"]["ros__parameters"])
    assert list(values) == [parameter.name for parameter in PARAMETERS]
    for parameter in PARAMETERS:
        value = parameter.checked(values[parameter.name])
        assert value == parameter.default or (math.isnan(value) and math.isnan(parameter.default)), parameter.name


def test_parameter_file_describes_every_parameter():
    lines = PARAMETER_FILE.read_text().splitlines()
    for parameter in PARAMETERS:
        leaf = parameter.name.rpartition(".")[2]
        at = [i for i, line in enumerate(lines) if line.strip().startswith(f"{leaf}:")]
        assert at and all(lines[i - 1].strip().startswith("#") for i in at), parameter.name


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"corridor.half_width_m": -1.0}, "parameter corridor.half_width_m: expected 0.1 to 20, found -1.0"),
        ({"corridor.half_width_m": math.nan}, "found nan"),
        ({"corridor.half_width_m": "wide"}, "expected float, found str 'wide'"),
        ({"threads": 1.5}, "expected int, found float 1.5"),
        ({"threads": True}, "expected int, found bool True"),
        ({"lockstep": 1}, "expected bool, found int 1"),
        ({"image_transport": "theora"}, "expected one of raw, compressed, found 'theora'"),
        ({"backend": "magic"}, "found 'magic'"),
        ({"threshold": math.inf}, "expected a finite number or .nan, found inf"),
        ({"confirm.hits": 4}, "expected hits <= window"),
        ({"treshold": 1.0}, "parameter treshold: expected one of"),
    ],
)
def test_bad_values_name_expected_and_found(values, says):
    with pytest.raises(ValueError, match=says.replace("(", r"\(")):
        Settings.from_values(values)


def test_whole_numbers_serve_where_floats_are_due():
    assert Settings.from_values({"corridor.half_width_m": 2}).hazard.corridor.half_width_m == 2.0


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter.name)
def test_every_parameter_has_a_descriptor(parameter):
    descriptor = descriptor_of(parameter)
    assert descriptor.description and descriptor.read_only == (parameter.changeable is Changeable.AT_START)
    ranges = [*descriptor.floating_point_range, *descriptor.integer_range]
    if parameter.minimum is not None:
        assert (ranges[0].from_value, ranges[0].to_value) == (parameter.minimum, parameter.maximum)
    assert BY_NAME[parameter.name] is parameter
