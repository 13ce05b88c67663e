"""One whole demonstration: CARLA server, bridge and detector, a process each; recorder, report."""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import rclpy
from rclpy.signals import SignalHandlerOptions

from ros_anomaly_sim.bridge.drive_file import DRIVE_FILE, SUMMARY_FILE, DriveFile, DriveSummary
from ros_anomaly_sim.bridge.server_process import ServerProcess
from ros_anomaly_sim.demo.assembly import RecordedFrame
from ros_anomaly_sim.demo.commands import DETECTOR, bridge_command, detector_command, ros_environment
from ros_anomaly_sim.demo.listener import Listener
from ros_anomaly_sim.demo.live import LiveLine
from ros_anomaly_sim.demo.plan import NAME
from ros_anomaly_sim.demo.preparation import Preparation, prepare
from ros_anomaly_sim.demo.processes import Child, ProcessDied
from ros_anomaly_sim.demo.report import write_contact_sheet, write_report
from ros_anomaly_sim.demo.result import RunResult, run_result, to_json
from ros_anomaly_sim.demo.run_record import RunRecord
from ros_anomaly_sim.demo.setting import Setting
from ros_anomaly_sim.film.pictures import BANNER_PX
from ros_anomaly_sim.film.video import VideoWriter
from ros_anomaly_sim.scenarios.files import save_scenario

SCENARIO_FILE = f"{NAME}.yaml"
OUTPUTS = ("report.html", "overlay.mp4", "frames.png", "result.json", SCENARIO_FILE, DRIVE_FILE, SUMMARY_FILE)

_IMAGE_SIZE = (360, 640)
_VIDEO_RATE_HZ = 10
_BRIDGE_END_S = 20.0
_NS_PER_S = 1_000_000_000
_ROS_LOG_PREFIX = re.compile(r"^\[\w+\] \[[\d.]+\] \[[\w.]+\]: ")


@dataclass(frozen=True)
class DemoOptions:
    """What to drive through, with which engine, and where the results go."""

    out: Path
    town: int
    duration_s: float
    weather: str
    engine: str
    frame_timeout_s: float = 5.0


def run_demo(
    options: DemoOptions,
    say: Callable[[str], None],
    prepared: Callable[[int, float, str], Preparation] = prepare,
) -> RunResult:
    """Run and report; children and nodes are gone when it returns or raises.

    Args:
        say: takes one line at a time, about one a second.
        prepared: plans the drive, from town, duration and weather.

    Raises:
        ProcessDied, ServerDied: one of the processes ended too early, with the end of its log.
        MissingEglError, MissingModelsError: nothing can be drawn here; the message says what is missing.
        ValueError: no such town, or a duration out of range.
        OSError: the output folder cannot be written, or another run writes to it.
    """
    with _only_one_in(options.out), ExitStack() as stack:
        return _run_alone(options, say, prepared, stack)


def _run_alone(
    options: DemoOptions,
    say: Callable[[str], None],
    prepared: Callable[[int, float, str], Preparation],
    stack: ExitStack,
) -> RunResult:
    out = options.out
    _clear(out)
    say(f"planning a drive through town {options.town}")
    preparation = prepared(options.town, options.duration_s, options.weather)
    save_scenario(preparation.scenario, out / SCENARIO_FILE)
    environment = ros_environment()
    os.environ.update(environment)
    say(f"ROS_DOMAIN_ID {environment['ROS_DOMAIN_ID']}, logs in {out / 'logs'}")
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    stack.callback(rclpy.try_shutdown)
    detector = _start(DETECTOR, detector_command(options.engine), out, environment, stack)
    say(f"starting the CARLA server, drawn by {preparation.setting.drawn_by}")
    server = stack.enter_context(ServerProcess(preparation.server, log=out / "logs" / "server.log"))
    command = bridge_command(server.port, out / SCENARIO_FILE, out, options.frame_timeout_s)
    bridge = _start("bridge", command, out, environment, stack)
    say(f"detector is process {detector.pid}, CARLA server is process {server.pid}, bridge is process {bridge.pid}")
    return _Recorder(options, _Processes(server, bridge, detector), preparation.setting, say).run()


@dataclass(frozen=True)
class _Processes:
    server: ServerProcess
    bridge: Child
    detector: Child

    def must_run(self) -> None:
        """Raise unless server and detector do; the bridge ends by itself, at the end of the drive."""
        self.server.must_run()
        self.detector.must_run()


class _Recorder:
    """Listens while the processes run, then writes everything."""

    def __init__(
        self, options: DemoOptions, processes: _Processes, setting: Setting, say: Callable[[str], None]
    ) -> None:
        self._options, self._processes, self._setting, self._say = options, processes, setting, say
        self._live = LiveLine()
        self._record: RunRecord | None = None
        self._started_s = self._last_frame_s = time.monotonic()
        self._last_line_s = self._started_s
        self._newest_ns = 0
        # Frames wait here, so that listening, and with it the middleware's short queues, always comes first.
        self._backlog: deque[RecordedFrame] = deque()
        size = (_IMAGE_SIZE[0] + BANNER_PX, _IMAGE_SIZE[1])
        self._video = VideoWriter(options.out / "overlay.mp4", size, _VIDEO_RATE_HZ)

    def run(self) -> RunResult:
        listener = Listener(DETECTOR, self._backlog.append, self._live.take)
        try:
            with self._video:
                self._listen(listener)
                listener.finish()
                while self._backlog:
                    self._record_next()
        finally:
            listener.close()
        return self._write()

    def _listen(self, listener: Listener) -> None:
        bridge = self._processes.bridge
        while bridge.exit_status is None:
            listener.listen(0.0 if self._backlog else 0.05)
            if self._record is None and any(frame.complete for frame in self._backlog):
                listener.say_go()
            self._record_next()
            self._processes.must_run()
            self._show_line()
        self._processes.must_run()  # whoever died first is the one to be named
        bridge.must_succeed(_BRIDGE_END_S)
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < 1.0:  # the last answers are still on their way
            listener.listen(0.05)

    def _record_next(self) -> None:
        if not self._backlog:
            return
        frame = self._backlog.popleft()
        if self._record is None and (self._options.out / DRIVE_FILE).exists():
            self._record = RunRecord(DriveFile.load(self._options.out), self._setting, self._video)
            self._started_s = time.monotonic()
        if self._record is not None:
            self._record.add(frame)
            self._newest_ns = frame.stamp_ns
            self._last_frame_s = time.monotonic()

    def _show_line(self) -> None:
        now = time.monotonic()
        if now - self._last_line_s < 1.0:
            return
        since_last_s = now - self._last_line_s
        if self._record is None:
            said = _ROS_LOG_PREFIX.sub("", self._processes.bridge.last_words())
            self._say(f"getting ready: {said or 'the bridge is starting'}")
        else:
            drive_s = max(self._newest_ns - self._record.drive.first_stamp_ns, 0) / _NS_PER_S
            self._say(self._live.text(drive_s, since_last_s))
        self._last_line_s = now

    def _write(self) -> RunResult:
        out, engine = self._options.out, Path(self._options.engine).stem
        if self._record is None:
            raise ProcessDied("the drive ended without a frame")
        self._record.album.finish()
        result = run_result(self._record, DriveSummary.load(out), self._last_frame_s - self._started_s)
        figures = json.dumps(to_json(result, self._record, engine), indent=2, allow_nan=False)
        (out / "result.json").write_text(figures + "\n", encoding="utf-8")
        write_contact_sheet(out / "frames.png", result, self._record.album)
        write_report(out / "report.html", result, self._record, engine)
        return result


def _start(name: str, command: list[str], out: Path, environment: dict[str, str], stack: ExitStack) -> Child:
    child = Child(name, command, out / "logs" / f"{name}.log", environment)
    stack.callback(child.stop)
    return child


@contextmanager
def _only_one_in(out: Path) -> Iterator[None]:
    """Hold the folder for one run; OSError if another run has it."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(f"another demonstration is writing to {out}; choose another folder with --out") from None
        yield


def _clear(out: Path) -> None:
    """An empty stage: results of an earlier run must not be taken for this one's."""
    (out / "logs").mkdir(parents=True, exist_ok=True)
    for name in OUTPUTS:
        (out / name).unlink(missing_ok=True)
