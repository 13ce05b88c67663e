"""The scenario schema, and the standard suite's promises."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from ros_anomaly_sim.scenarios.files import find_scenario, load_scenario, save_scenario, suite, suite_names
from ros_anomaly_sim.scenarios.schema import Expected, Home, Scenario, Swerve
from ros_anomaly_sim.server.blueprint_tables import blueprint_library

GOOD = """
description: a barrel
home: portable
expected: blocked
map: Town01
duration_s: 10
ego: {spawn_point: 0, route_m: 50}
anomalies: [{blueprint: static.prop.barrel, distance_m: 40}]
"""
HALF_A_CAR_M = 0.9


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "barrel.yaml"
    path.write_text(text)
    return path


def test_a_good_file(tmp_path: Path):
    scenario = load_scenario(written(tmp_path, GOOD))
    assert scenario.name == "barrel" and scenario.ego.speed_kmh == 30.0
    assert scenario.anomalies[0].distance_m == 40.0
    assert scenario.weather_parameters["sun_altitude_angle"] > 45


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("home: portable", "home: mars", "home: expected one of portable, embedded; found 'mars'"),
        ("map: Town01", "", "map: expected a value, found none"),
        ("map: Town01", "mapp: Town01", "mapp: unknown key, expected one of"),
        ("map: Town01", "map: /Game/Town01", "map: expected a name without folders"),
        ("map: Town01", "map: Town2001", "map: expected one of Town01, .* where home is portable, found 'Town2001'"),
        ("route_m: 50", "route_m: 5", "ego.route_m: expected 20 to 10000, found 5.0"),
        ("route_m: 50", "route_m: far", "ego.route_m: expected float, found 'far'"),
        ("spawn_point: 0", "spawn_point: -1", "ego.spawn_point: expected a number from 0 on, found -1"),
        ("distance_m: 40", "distance_m: 2", r"anomalies\[0\].distance_m: expected 5 to 10000, found 2.0"),
        ("static.prop.barrel", "vehicle.audi.a2", r"anomalies\[0\].blueprint: expected one of static.prop"),
        ("duration_s: 10", "duration_s: 10\nweather: hail", "weather: expected one of clear, cloudy"),
        ("anomalies: [{blueprint: static.prop.barrel, distance_m: 40}]", "", "anomalies: expected at least one"),
        (
            "anomalies: [",
            "actors: [{blueprint: static.prop.bin, distance_m: 1, speed_kmh: 3}]\nanomalies: [",
            "speed_kmh",
        ),
        (GOOD, "- 1", "expected keys and values"),
        (GOOD, "a: [", "expected YAML"),
    ],
)
def test_errors_name_file_key_and_what_is_legal(tmp_path: Path, old: str, new: str, message: str):
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ValueError, match=message) as error:
        load_scenario(path)
    assert str(path) in str(error.value)


def test_an_unknown_name_is_told_the_known_ones():
    with pytest.raises(
        ValueError, match=f"expected the path of a .yaml file or one of .*{suite_names()[3]}.*'nowhere'"
    ):
        find_scenario("nowhere")


def gap_m(scenario: Scenario) -> list[float]:
    return [abs(anomaly.left_m) for anomaly in scenario.anomalies]


def test_the_suite_is_what_it_is_said_to_be():
    scenarios = suite()
    kinds = Counter(s.name.split("_")[0] for s in scenarios)
    assert kinds == {"corridor": 16, "beside": 4, "control": 4}
    assert sum(s.home is Home.PORTABLE for s in scenarios) >= 8
    for scenario in scenarios:
        blocked = scenario.name.startswith("corridor")
        assert (scenario.expected is Expected.BLOCKED) == blocked, scenario.name
        if blocked:
            assert all(gap < HALF_A_CAR_M for gap in gap_m(scenario)), scenario.name
            assert all(a.distance_m < scenario.ego.route_m for a in scenario.anomalies), scenario.name
        assert (not scenario.anomalies) == scenario.name.startswith("control"), scenario.name
        if scenario.name.startswith("beside"):
            assert all(gap > 3.0 for gap in gap_m(scenario)), scenario.name


def test_the_suite_varies_light_weather_and_things():
    scenarios = [s for s in suite() if s.expected is Expected.BLOCKED]
    assert len({s.light for s in scenarios}) >= 4 and len({s.weather for s in scenarios}) >= 5
    assert len({s.anomalies[0].blueprint for s in scenarios}) == 16
    # Bends and junctions.
    assert sum(s.map.startswith("Net") for s in suite()) >= 5


def test_every_blueprint_is_there():
    library = blueprint_library()
    for scenario in suite():
        names = [scenario.ego.blueprint, *(a.blueprint for a in (*scenario.actors, *scenario.anomalies))]
        for name in names:
            library.find(name)


@pytest.mark.parametrize("scenario", suite(), ids=lambda scenario: scenario.name)
def test_what_is_saved_is_loaded_again(scenario: Scenario, tmp_path: Path):
    around = replace(scenario, ego=replace(scenario.ego, swerves=(Swerve(40.0, 8.0, -1.5), Swerve(90.0, 0.0, 2.0))))
    for saved in (scenario, around):
        save_scenario(saved, tmp_path / f"{saved.name}.yaml")
        assert load_scenario(tmp_path / f"{saved.name}.yaml") == saved


def test_a_file_of_another_name_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=f"expected the file to be named {suite_names()[0]}.yaml"):
        save_scenario(suite()[0], tmp_path / "mine.yaml")
