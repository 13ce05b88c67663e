"""One whole demonstration: street process, detector process, recorder, report."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import rclpy
from rclpy.signals import SignalHandlerOptions

from ros_anomaly.share import large_image_environment
from ros_anomaly_sim.bridge import topics
from ros_anomaly_sim.bridge.drive_file import DRIVE_FILE, SUMMARY_FILE, DriveFile, StreetSummary
from ros_anomaly_sim.demo.assembly import RecordedFrame
from ros_anomaly_sim.demo.listener import Listener
from ros_anomaly_sim.demo.live import LiveLine
from ros_anomaly_sim.demo.pictures import BANNER_PX
from ros_anomaly_sim.demo.processes import Child, ProcessDied
from ros_anomaly_sim.demo.report import write_contact_sheet, write_report
from ros_anomaly_sim.demo.result import RunResult, run_result, to_json
from ros_anomaly_sim.demo.run_record import RunRecord
from ros_anomaly_sim.demo.video import VideoWriter

DETECTOR = "detector"
OUTPUTS = ("report.html", "overlay.mp4", "frames.png", "result.json", DRIVE_FILE, SUMMARY_FILE)

_IMAGE_SIZE = (360, 640)
_VIDEO_RATE_HZ = 10
_STREET_END_S = 20.0
_NS_PER_S = 1_000_000_000


@dataclass(frozen=True)
class DemoOptions:
    """What to drive through, with which engine, and where the results go."""

    out: Path
    town: int
    duration_s: float
    weather: str
    engine: str
    frame_timeout_s: float = 2.0


def run_demo(options: DemoOptions, say: Callable[[str], None], street: list[str] | None = None) -> RunResult:
    """Run and report; children and nodes are gone when it returns or raises.

    Args:
        say: takes one line at a time, about one a second.
        street: command of another street process, default ``street_command(options)``.

    Raises:
        ProcessDied: the street or the detector ended too early, with the end of its log.
        OSError: the output folder cannot be written, or another run writes to it.
    """
    with _only_one_in(options.out):
        return _run_alone(options, say, street or street_command(options))


def _run_alone(options: DemoOptions, say: Callable[[str], None], street: list[str]) -> RunResult:
    _clear(options.out)
    environment = ros_environment()
    os.environ.update(environment)
    say(f"ROS_DOMAIN_ID {environment['ROS_DOMAIN_ID']}, logs in {options.out / 'logs'}")
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    children: list[Child] = []
    try:
        children.append(_start(DETECTOR, detector_command(options.engine), options.out, environment))
        children.append(_start("street", street, options.out, environment))
        say(f"detector is process {children[0].pid}, street is process {children[1].pid}")
        return _Recorder(options, children[0], children[1], say).run()
    finally:
        for child in reversed(children):
            child.stop()
        rclpy.try_shutdown()


class _Recorder:
    """Listens while the two processes run, then writes everything."""

    def __init__(self, options: DemoOptions, detector: Child, street: Child, say: Callable[[str], None]) -> None:
        self._options, self._detector, self._street, self._say = options, detector, street, say
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
        while self._street.exit_status is None:
            listener.listen(0.0 if self._backlog else 0.05)
            if self._record is None and any(frame.complete for frame in self._backlog):
                listener.say_go()
            self._record_next()
            self._detector.must_run()
            self._show_line()
        self._street.must_succeed(_STREET_END_S)
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < 1.0:  # the last answers are still on their way
            listener.listen(0.05)

    def _record_next(self) -> None:
        if not self._backlog:
            return
        frame = self._backlog.popleft()
        if self._record is None and (self._options.out / DRIVE_FILE).exists():
            self._record = RunRecord(DriveFile.load(self._options.out), self._video)
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
            self._say(f"getting ready: {self._street.last_words() or 'the street is being built'}")
        else:
            drive_s = max(self._newest_ns - self._record.drive.first_stamp_ns, 0) / _NS_PER_S
            self._say(self._live.text(drive_s, since_last_s))
        self._last_line_s = now

    def _write(self) -> RunResult:
        out, engine = self._options.out, Path(self._options.engine).stem
        if self._record is None:
            raise ProcessDied("the drive ended without a frame")
        self._record.album.finish()
        street = StreetSummary.load(out)
        result = run_result(self._record, street, self._last_frame_s - self._started_s)
        figures = json.dumps(to_json(result, self._record, engine), indent=2, allow_nan=False)
        (out / "result.json").write_text(figures + "\n", encoding="utf-8")
        write_contact_sheet(out / "frames.png", result, self._record.album)
        write_report(out / "report.html", result, self._record, engine)
        return result


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
    """The detector's executable, in lockstep with simulated time, listening to the street's camera."""
    parameters = {
        "autostart": "true",
        "use_sim_time": "true",
        "lockstep": "true",
        "engine": engine,
        "camera.x_m": "1.5",
        "camera.z_m": "1.6",
    }
    remaps = {"image": topics.IMAGE, "camera_info": topics.CAMERA_INFO, "odometry": topics.ODOMETRY}
    command = [sys.executable, "-m", "ros_anomaly.cli.detector", "--ros-args"]
    for name, value in parameters.items():
        command += ["-p", f"{name}:={value}"]
    for name, topic in remaps.items():
        command += ["-r", f"{name}:={topic}"]
    return command


def street_command(options: DemoOptions) -> list[str]:
    """The street process; it waits for the detector's answer and the recorder's word."""
    return [
        *(sys.executable, "-m", "ros_anomaly_sim.bridge.street_process"),
        *("--folder", str(options.out)),
        *("--town", str(options.town)),
        *("--duration", str(options.duration_s)),
        *("--weather", options.weather),
        *("--timeout", str(options.frame_timeout_s)),
        *("--status-topic", f"/{DETECTOR}/hazard_status"),
        "--wait-for-go",
    ]


def _start(name: str, command: list[str], out: Path, environment: dict[str, str]) -> Child:
    return Child(name, command, out / "logs" / f"{name}.log", environment)


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
