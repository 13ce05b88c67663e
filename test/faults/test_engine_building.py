"""The node with an engine that has to be built: it speaks all the while, and what it says is UNKNOWN."""

from __future__ import annotations

import building_double
import pytest
import toy_engine
from detector_rig import SIZE, picture

BUILDING = {"backend": building_double.NAME, "build_if_missing": True}
PATIENCE_S = 90.0


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """An engine that has to be built; processes that are started have its backend, and a cache of the test's own."""
    for folder in ("engines", "start"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("ROS_ANOMALY_CACHE", str(tmp_path / "cache"))
    told = {building_double.LOG: str(tmp_path / "builds"), building_double.STEPS: "8"}
    for name, value in building_double.environment(tmp_path / "start", **told).items():
        monkeypatch.setenv(name, value)
    return toy_engine.make_toy_engine(tmp_path / "engines", SIZE)


def test_unknown_while_it_is_built_then_at_work_and_at_once_the_second_time(rig, toy, tmp_path, monkeypatch):
    monkeypatch.setenv(building_double.HOLDS, str(tmp_path / "go"))
    rig.launch(toy, **BUILDING)
    rig.wait_for(rig.subscribed, "the node to be active while it builds", PATIENCE_S)
    building = rig.send_until(rig.level_is("unknown", reason="building, "), "UNKNOWN, building", patience_s=PATIENCE_S)
    assert building.state.reason.endswith(" %") and building.state.level.flag
    rig.wait_for(lambda: rig.diagnostic("engine").get("state") == "building", "diagnostics of the building", PATIENCE_S)
    assert rig.diagnostic("engine")["message"].startswith("building, ")
    rig.send_until(rig.level_is("unknown", reason="building, 50 %"), "how far it is", patience_s=PATIENCE_S)
    (tmp_path / "go").touch()
    rig.send_until(rig.level_is("clear"), "clear frames", patience_s=PATIENCE_S)
    rig.send_until(rig.level_is("hazard"), "a hazard", lambda: picture(anomaly=True), patience_s=PATIENCE_S)
    engine = rig.wait_for(lambda: rig.diagnostic("engine"), "diagnostics")
    assert (engine["engine"], engine["threshold_inherited_from"]) == ("toy-double-fp32", "toy")
    assert engine["backend"] == building_double.NAME and "backend double" in engine["threshold_doubt"]
    assert rig.stop() == 0

    seen = len(rig.status.messages)
    rig.launch(toy, **BUILDING)
    rig.send_until(rig.level_is("clear"), "clear frames of the engine in the cache", patience_s=PATIENCE_S)
    assert not any("building" in report.state.reason for report in rig.reports(seen))
    assert len((tmp_path / "builds").read_text().splitlines()) == 1


def test_a_build_that_fails_is_told_once_and_not_tried_again(rig, toy, tmp_path, monkeypatch):
    monkeypatch.setenv(building_double.FAILS, "operator GridSample is not supported")
    rig.launch(toy, **BUILDING)
    failed = rig.send_until(
        rig.level_is("unknown", reason="could not be built"), "UNKNOWN, not built", patience_s=PATIENCE_S
    )
    assert "operator GridSample is not supported" in failed.state.reason
    beats = len(rig.hazard.messages)
    rig.wait_for(lambda: len(rig.hazard.messages) > beats + 20, "two seconds of heartbeat")
    assert rig.process.poll() is None, "what restarts an ended node would build for ever"
    assert len((tmp_path / "builds").read_text().splitlines()) == 1
    errors = [line for line in rig.output.splitlines() if "could not be built" in line]
    assert len(errors) == 1 and "[ERROR]" in errors[0], rig.output
