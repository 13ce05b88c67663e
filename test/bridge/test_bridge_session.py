"""The choreography of a session against a stage and a graph that are made up: who waits for whom, what is counted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("carla")

from ros_anomaly.hazard.types import HazardLevel, HazardState  # noqa: E402
from ros_anomaly.messages.hazard import HazardReport  # noqa: E402
from ros_anomaly.messages.lockstep import DetectorSilent, Lockstep  # noqa: E402
from ros_anomaly_sim.bridge import bridge_session, lockstep_drive  # noqa: E402
from ros_anomaly_sim.bridge.bridge_session import Session, Tally  # noqa: E402
from ros_anomaly_sim.bridge.bridge_settings import BridgeSettings  # noqa: E402
from ros_anomaly_sim.bridge.drive_file import DriveFile, DriveSummary, StreetObject  # noqa: E402
from ros_anomaly_sim.bridge.lockstep_drive import NobodyListens  # noqa: E402

FIRST_NS, TICK_NS, PERIOD_NS = 10_000_000_000, 50_000_000, 100_000_000
ROUTE_M, SPEED_MPS = 20.0, 10.0
ANOMALY = SimpleNamespace(name="garden_gnome", middle=(3.0, -40.0), reaches_into=lambda half_m: half_m > 1.0)


class Clock:
    """Steady time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


class FakeStage:
    """Drives at a steady speed; every second tick has an image."""

    missed_images, anomalies = 0, (ANOMALY,)
    scene = SimpleNamespace(driver=SimpleNamespace(control=lambda wanted_mps: "drive"))

    def __init__(self, told: list[tuple[str, int]]) -> None:
        self._told, self._ticks, self._driven = told, 0, 0

    def __enter__(self) -> FakeStage:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def warm_up(self) -> Any:
        return self._moment()

    def step(self, control: Any) -> Any:
        self._ticks += 1
        self._driven += control == "drive"
        moment = self._moment()
        self._told.append(("drawn" if moment.view else "ticked", moment.stamp_ns))
        return moment

    def _moment(self) -> Any:
        view = SimpleNamespace() if self._ticks % 2 == 0 else None
        stamp_ns = FIRST_NS + self._ticks * TICK_NS
        return SimpleNamespace(stamp_ns=stamp_ns, travelled_m=self._driven * 0.05 * SPEED_MPS, view=view, motion=None)


class FakePort:
    """Answers each image at the next ``listen``, as ``answer`` says: a level, or None for silence."""

    def __init__(self, told: list[tuple[str, int]], clock: Clock, lockstep: Lockstep) -> None:
        self.listeners, self.told_to_go = 1, False
        self.last_answer: HazardReport | None = None
        self.answer: Callable[[int], HazardLevel | None] = lambda index: HazardLevel.CLEAR
        self.images: list[int] = []
        self.clocks: list[int] = []
        self._told, self._clock, self._lockstep = told, clock, lockstep

    def publish_moment(self, moment: Any) -> None:
        self.clocks.append(moment.stamp_ns)
        if moment.view is not None:
            self._told.append(("shown", moment.stamp_ns))
            self.images.append(moment.stamp_ns)
            self._lockstep.send(moment.stamp_ns, self._clock.now_s)

    def publish_motion(self, stamp_ns: int, motion: Any) -> None:
        self.clocks.append(stamp_ns)

    def listen(self, duration_s: float) -> None:
        level = self.answer(len(self.images) - 1) if self._lockstep.waiting else None
        if level is None:
            self._clock.now_s += duration_s + 1e-6
            return
        self.last_answer = HazardReport(HazardState(level, "", self.images[-1], latency_ms=1.0), dropped=0)
        self._told.append(("answered", self.images[-1]))
        self._lockstep.answer(self.images[-1])

    @contextmanager
    def answering(self, lockstep: Lockstep) -> Iterator[None]:
        usual, self._lockstep = self._lockstep, lockstep
        yield
        self._lockstep = usual

    def say(self, message: str) -> None:
        pass

    def publish_status(self, *_: Any) -> None:
        pass


class Bridge:
    """A session about to run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **parameters: Any) -> None:
        values = {"route_m": ROUTE_M, "speed_kmh": 36.0, "patience": 3, **parameters}
        settings = BridgeSettings.from_values(values)
        self.told: list[tuple[str, int]] = []
        self.clock = Clock()
        for module in (bridge_session, lockstep_drive):
            monkeypatch.setattr(module, "time", self.clock)
        monkeypatch.setattr(bridge_session, "Stage", lambda *_: FakeStage(self.told))
        self.lockstep = Lockstep(timeout_s=2.0, patience=3)
        self.port = FakePort(self.told, self.clock, self.lockstep)
        self.tally = Tally()
        self._session = Session(self.port, settings, self.lockstep, self.tally)  # type: ignore[arg-type]

    def run(self) -> None:
        self._session.run(None, FIRST_NS)  # type: ignore[arg-type]

    def order(self, stamp_ns: int) -> list[str]:
        """What happened around an image, from its being shown to the next one's."""
        start = self.told.index(("shown", stamp_ns))
        return [what for what, _ in self.told[start : self.told.index(("shown", stamp_ns + PERIOD_NS)) + 1]]


def test_every_image_of_the_drive_is_sent_and_answered(monkeypatch):
    bridge = Bridge(monkeypatch)
    bridge.run()
    # The first image is that of the warm-up.
    assert bridge.lockstep.sent == len(bridge.port.images) - 1 == 20
    assert {later - earlier for earlier, later in pairwise(bridge.port.images)} == {PERIOD_NS}
    assert bridge.lockstep.unanswered == [] and not bridge.lockstep.waiting
    assert bridge.tally.drives == 1


def test_the_world_waits_for_the_answer(monkeypatch):
    bridge = Bridge(monkeypatch)
    bridge.run()
    assert bridge.order(bridge.port.images[5]) == ["shown", "answered", "ticked", "drawn", "shown"]


def test_ahead_the_next_image_is_drawn_first_and_shown_after_the_answer(monkeypatch):
    bridge = Bridge(monkeypatch, ahead=True)
    bridge.run()
    assert bridge.order(bridge.port.images[5]) == ["shown", "ticked", "drawn", "answered", "shown"]
    assert bridge.told[-1] == ("answered", bridge.port.images[-1])
    assert bridge.lockstep.sent == 20


@pytest.mark.parametrize("ahead", [False, True])
def test_the_clock_never_runs_backwards_and_moves_between_images(monkeypatch, ahead: bool):
    bridge = Bridge(monkeypatch, ahead=ahead)
    bridge.run()
    assert {later - earlier for earlier, later in pairwise(bridge.port.clocks)} == {TICK_NS}


def test_the_warm_up_lasts_until_the_detector_trusts_what_it_sees_and_counts_nothing(monkeypatch):
    bridge = Bridge(monkeypatch)
    bridge.port.answer = lambda index: HazardLevel.UNKNOWN if index < 3 else HazardLevel.CAUTION
    bridge.run()
    assert len(bridge.port.images) == 4 + 20 and bridge.lockstep.sent == 20


def test_a_detector_that_needs_longer_than_an_image_is_waited_for_is_heard_all_the_same(monkeypatch):
    bridge = Bridge(monkeypatch)
    port, usual = bridge.port, bridge.port.listen

    def listen(duration_s: float) -> None:
        """Before the drive, the detector answers an image when the next one is out."""
        if not bridge.lockstep.sent and len(port.images) > 1:
            port.last_answer = HazardReport(HazardState(HazardLevel.CLEAR, "", port.images[-2], latency_ms=1.0), 0)
        usual(duration_s)

    port.listen = listen  # type: ignore[method-assign]
    port.answer = lambda index: HazardLevel.CLEAR if bridge.lockstep.sent else None
    bridge.run()
    assert bridge.tally.drives == 1 and bridge.lockstep.sent == 20


def test_a_detector_that_stays_unknown_is_driven_for_all_the_same(monkeypatch):
    bridge = Bridge(monkeypatch)
    bridge.port.answer = lambda index: HazardLevel.UNKNOWN
    bridge.run()
    assert bridge.tally.drives == 1 and bridge.lockstep.sent == 20


def test_the_drive_waits_for_the_recorders_word(monkeypatch):
    bridge = Bridge(monkeypatch, wait_for_go=True)

    def answer(index: int) -> HazardLevel:
        bridge.port.told_to_go = index >= 5
        return HazardLevel.CLEAR

    bridge.port.answer = answer
    bridge.run()
    assert len(bridge.port.images) == 6 + 20 and bridge.lockstep.sent == 20


@pytest.mark.parametrize(
    ("listeners", "level", "message"),
    [
        (0, None, "within 120 s: the detector does not listen"),
        (1, None, "the detector did not answer"),
        (1, HazardLevel.CLEAR, "nobody said go"),
    ],
)
def test_who_is_missing_is_named(monkeypatch, listeners: int, level: HazardLevel | None, message: str):
    bridge = Bridge(monkeypatch, wait_for_go=True)
    bridge.port.listeners = listeners

    def answer(index: int) -> HazardLevel | None:
        bridge.clock.now_s += 1.0
        return level

    bridge.port.answer = answer
    with pytest.raises(NobodyListens, match=message):
        bridge.run()


def test_unanswered_images_are_counted_and_the_drive_goes_on(monkeypatch):
    bridge = Bridge(monkeypatch, ahead=True)
    bridge.port.answer = lambda index: None if index in (3, 4) else HazardLevel.CLEAR
    bridge.run()
    assert bridge.lockstep.sent == 20
    assert bridge.lockstep.unanswered == bridge.port.images[3:5]


def test_lasting_silence_ends_the_drive_and_is_noted(monkeypatch, tmp_path: Path):
    bridge = Bridge(monkeypatch, notes=str(tmp_path))
    bridge.port.answer = lambda index: HazardLevel.CLEAR if index < 2 else None
    with pytest.raises(DetectorSilent):
        bridge.run()
    assert len(DriveSummary.load(tmp_path).unanswered_ns) == 3


def test_never_faster_than_real_time(monkeypatch):
    bridge = Bridge(monkeypatch, ahead=True)
    bridge.run()
    assert bridge.clock.now_s - 100.0 == pytest.approx(2.0, abs=0.06)


def test_notes_tell_what_stands_where_and_which_image_is_the_first(monkeypatch, tmp_path: Path):
    bridge = Bridge(monkeypatch, notes=str(tmp_path), sensor_tick_s=0.1)
    bridge.run()
    drive = DriveFile.load(tmp_path)
    assert (drive.map, drive.rate_hz) == ("Town2001", 10.0)
    assert drive.first_stamp_ns == bridge.port.images[1]
    assert drive.objects == (StreetObject(60001, "garden_gnome", (3.0, -40.0), True),)
    assert json.loads((tmp_path / "summary.json").read_text())["sent"] == 20
