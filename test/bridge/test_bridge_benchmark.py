"""Timing server and bridge together: the figures are of the ticks that were asked for, and hang together."""

from __future__ import annotations

import json

import pytest
from carla_stage_rig import BOX_SERVER

from ros_anomaly.cli.benchmark_subjects import bridge

pytest.importorskip("carla")

from ros_anomaly_sim.bridge.benchmark import BridgeBenchmark, run_benchmark  # noqa: E402
from ros_anomaly_sim.render.context import MissingEglError, RenderContext  # noqa: E402


@pytest.fixture(scope="module")
def figures():
    try:
        RenderContext().close()
    except MissingEglError as error:
        pytest.skip(str(error))
    done: list[None] = []
    plan = BridgeBenchmark(ticks=4, warmup=2, size=(54, 96), cameras=("rgb", "semantic", "instance"))
    measured = run_benchmark(plan, lambda: done.append(None), lambda town: [*BOX_SERVER, "--town", town])
    assert len(done) == 6
    return measured


def test_figures_hang_together(figures):
    assert json.loads(json.dumps(figures)) == figures
    assert figures["ticks"] == 4 and figures["missed_images"] == 0
    server = figures["server"]
    assert 0.0 < server["overhead_share"] < 1.0
    assert server["render_ms"]["median"] > 0.0 and server["other_ms"]["median"] > 0.0
    assert figures["step_ms"]["median"] < figures["tick_ms"]["p99"]
    assert figures["ticks_per_s"] == pytest.approx(1e3 / figures["tick_ms"]["median"], rel=0.9)


def test_text_and_table_show_them(figures):
    share = f"{100 * figures['server']['overhead_share']:.1f} %"
    rate = f"{figures['ticks_per_s']:.1f} ticks"
    text, table = bridge.text(figures), bridge.markdown(figures)
    assert share in text and rate in text and "rgb + semantic + instance at 96x54" in text
    assert share in table and "| server: rendering |" in table


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"ticks": 1}, "ticks: expected 2 to 1000, found 1"),
        ({"warmup": -1}, "warmup: expected 0 to 1000, found -1"),
    ],
)
def test_plans_that_cannot_be(given, message):
    with pytest.raises(ValueError, match=message):
        BridgeBenchmark(**given)


def test_cameras_that_do_not_exist():
    with pytest.raises(ValueError, match="expected some of rgb, semantic, instance, depth; found 'lidar'"):
        BridgeBenchmark(cameras=("rgb", "lidar")).settings()
