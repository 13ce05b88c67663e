"""Whole demonstrations on a real ROS graph: server, bridge and detector node as they are, box models, a toy engine."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import cv2
import psutil
import pytest
from carla_stage_rig import BOX_SERVER
from toy_engine import make_toy_engine

pytest.importorskip("carla")

from ros_anomaly_sim.bridge.server_process import ServerDied  # noqa: E402
from ros_anomaly_sim.demo.plan import NAME  # noqa: E402
from ros_anomaly_sim.demo.preparation import Preparation  # noqa: E402
from ros_anomaly_sim.demo.processes import ProcessDied  # noqa: E402
from ros_anomaly_sim.demo.run import DemoOptions, run_demo  # noqa: E402
from ros_anomaly_sim.demo.setting import Setting  # noqa: E402
from ros_anomaly_sim.render.context import MissingEglError, RenderContext  # noqa: E402
from ros_anomaly_sim.scenarios.schema import Anomaly, Ego, Expected, Home, Scenario, Swerve  # noqa: E402

pytestmark = pytest.mark.timeout(240)

WAY_M = 60.0
SERVER = (*BOX_SERVER, "--until-stdin-closes", "--magenta")


def prepared(town: int, duration_s: float, weather: str) -> Preparation:
    """A short way past a magenta box in the lane, driven in ``duration_s`` however long that is."""
    speed_kmh = min(36.0, max(5.0, 3.6 * WAY_M / duration_s))
    ego = Ego(spawn_point=1, route_m=100.0, speed_kmh=speed_kmh, swerves=(Swerve(45.0, 8.0, 2.2),))
    box = Anomaly("static.prop.horse", distance_m=45.0, left_m=-0.2)
    scenario = Scenario(NAME, "", Home.EMBEDDED, Expected.OPEN, f"Town{town}", ego, duration_s, anomalies=(box,))
    return Preparation(scenario, SERVER, Setting(town, weather, "boxes"))


@pytest.fixture(scope="module", autouse=True)
def egl() -> None:
    try:
        RenderContext().close()
    except MissingEglError as error:
        pytest.skip(str(error))


class Run:
    """A demonstration in a folder of its own; ``watch`` sees every line that it says."""

    def __init__(self, folder: Path, duration_s: float) -> None:
        engine = make_toy_engine(folder, (360, 640), threshold=0.2)
        self.options = DemoOptions(folder / "out", 2001, duration_s, "noon", str(engine), frame_timeout_s=2.0)
        self.lines: list[str] = []

    def start(self, watch: Callable[[str], None] = lambda line: None):
        def say(line: str) -> None:
            self.lines.append(line)
            watch(line)

        return run_demo(self.options, say, prepared)

    def process(self, name: str) -> psutil.Process:
        return psutil.Process(int(re.findall(rf"{name} is process (\d+)", "\n".join(self.lines))[0]))

    def driven_s(self, line: str) -> float:
        """Simulated seconds that a live line tells of; −1 before the drive."""
        match = re.match(r"\s*([\d.]+) s ", line)
        return float(match[1]) if match else -1.0


@pytest.fixture(autouse=True)
def own_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", str(101 + os.getpid() % 100))


def test_a_whole_run_and_what_it_leaves_behind(tmp_path: Path):
    run = Run(tmp_path, 8.0)
    result = run.start()
    out = run.options.out

    assert result.sent == 80 and result.enough_processed
    assert result.processed + result.dropped == result.sent
    (box,) = result.objects
    assert box.verdict == "hazard" and box.report.hazard_m is not None and 5 < box.report.hazard_m < 45
    assert box.object.in_corridor and box.object.instance_id == 60001
    # A cell of the toy engine is four pixels wide, so that the rim of a box is worth less than its middle.
    assert result.ap is not None and result.ap > 0.6
    assert not result.false_hazards

    figures = json.loads((out / "result.json").read_text())
    assert figures["frames"]["sent"] == 80 and figures["objects"][0]["verdict"] == "hazard"
    assert sum(figures["levels"].values()) == figures["frames"]["processed"]

    with av.open(str(out / "overlay.mp4")) as video:
        stream = video.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert sum(1 for _ in video.decode(stream)) >= result.processed
    sheet = cv2.imread(str(out / "frames.png"))
    assert sheet is not None and sheet.shape[1] > 1000

    page = (out / "report.html").read_text()
    assert "HAZARD at" in page and "horse" in page
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page), "the report must stand alone"
    assert sum(bool(re.search(r"frames/s", line)) for line in run.lines) >= 5


def test_a_killed_engine_worker_costs_frames_and_not_the_run(tmp_path: Path):
    run = Run(tmp_path, 12.0)
    killed: list[int] = []

    def kill_worker(line: str) -> None:
        if run.driven_s(line) >= 2 and not killed:
            workers = [
                p for p in run.process("detector").children(recursive=True) if "channel_fd" in " ".join(p.cmdline())
            ]
            assert workers, "the detector has no worker process"
            for worker in workers:
                killed.append(worker.pid)
                worker.send_signal(signal.SIGKILL)

    result = run.start(kill_worker)
    assert killed
    assert result.sent == 120 and result.enough_processed
    assert any("UNKNOWN" in line and "engine" in line for line in run.lines), "\n".join(run.lines)
    assert json.loads((run.options.out / "result.json").read_text())["frames"]["dropped"] == result.dropped


def test_a_server_that_dies_is_told(tmp_path: Path):
    run = Run(tmp_path, 30.0)

    def kill_server(line: str) -> None:
        if run.driven_s(line) >= 1:
            run.process("CARLA server").send_signal(signal.SIGKILL)

    with pytest.raises(ServerDied, match="the CARLA server ended"):
        run.start(kill_server)
    assert not (run.options.out / "report.html").exists()


def test_a_bridge_that_cannot_go_on_is_told_with_the_end_of_its_log(tmp_path: Path):
    run = Run(tmp_path, 8.0)
    options = DemoOptions(run.options.out, 2001, 8.0, "noon", run.options.engine)

    def too_far(town: int, duration_s: float, weather: str) -> Preparation:
        ready = prepared(town, duration_s, weather)
        ego = Ego(spawn_point=1, route_m=5000.0)
        return replace(ready, scenario=replace(ready.scenario, ego=ego))

    with pytest.raises(ProcessDied, match=r"(?s)bridge ended with status 1.*expected a lane of 5040 m"):
        run_demo(options, run.lines.append, too_far)


def test_a_detector_that_dies_ends_the_run(tmp_path: Path):
    run = Run(tmp_path, 30.0)

    def kill_detector(line: str) -> None:
        if run.driven_s(line) >= 1:
            run.process("detector").send_signal(signal.SIGKILL)

    with pytest.raises(ProcessDied, match="detector was ended by SIGKILL"):
        run.start(kill_detector)


def test_an_engine_that_is_not_there_ends_the_run_with_the_detectors_own_words(tmp_path: Path):
    run = Run(tmp_path, 8.0)
    options = DemoOptions(run.options.out, 2001, 8.0, "noon", str(tmp_path / "absent.json"))
    with pytest.raises(ProcessDied, match=r"(?s)detector ended with status 1.*absent\.json"):
        run_demo(options, lambda line: None, prepared)


def test_a_folder_takes_one_run_at_a_time(tmp_path: Path):
    run = Run(tmp_path, 8.0)
    run.options.out.mkdir()
    (run.options.out / "result.json").write_text("of the run that is under way")
    with (run.options.out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(OSError, match="another demonstration is writing"):
            run.start()
    assert (run.options.out / "result.json").exists()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_however_it_ends_it_leaves_no_process_behind(tmp_path: Path, end: signal.Signals):
    run = Run(tmp_path, 60.0)
    code = (
        f"import sys; sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}\n"
        "from pathlib import Path; from ros_anomaly_sim.demo.run import DemoOptions, run_demo\n"
        "from test_demo_run import prepared\n"
        f"options = DemoOptions(Path({str(run.options.out)!r}), 2001, 60.0, 'noon', {run.options.engine!r})\n"
        "run_demo(options, lambda line: print(line, flush=True), prepared)"
    )
    demo = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert demo.stdout is not None
    try:
        for line in demo.stdout:
            if run.driven_s(line) >= 1:
                break
        descendants = psutil.Process(demo.pid).children(recursive=True)
        assert len(descendants) >= 4  # detector, its worker, server, bridge
        os.kill(demo.pid, end)
        demo.wait(60)
    finally:
        demo.kill()
        demo.stdout.close()
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and any(p.is_running() for p in descendants):
        time.sleep(0.1)
    assert [p for p in descendants if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
