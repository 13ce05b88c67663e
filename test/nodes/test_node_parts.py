"""Parts of the node that need no graph: loop, beat, counts, overlay."""

from __future__ import annotations

import threading
import time

import numpy as np

from ros_anomaly.hazard.types import Assessment, HazardLevel, HazardState, Region
from ros_anomaly.nodes.counters import FrameCounters
from ros_anomaly.nodes.inference_loop import InferenceLoop
from ros_anomaly.nodes.overlay import draw_overlay
from ros_anomaly.nodes.periodic import Periodic

PATIENCE_S = 10.0


def wait_until(condition) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


class Workbench:
    """A loop whose work waits for a go."""

    def __init__(self) -> None:
        self.go, self.done, self.drops, self.crashes = threading.Semaphore(0), [], [], []
        self.started: list[int] = []
        self.loop = InferenceLoop(self._work, self.crashes.append, lambda: self.drops.append(1))
        self.loop.start()

    def _work(self, item: int) -> None:
        self.started.append(item)
        assert self.go.acquire(timeout=PATIENCE_S)
        if item < 0:
            raise RuntimeError(f"item {item}")
        self.done.append(item)


def test_newest_item_wins_and_the_others_are_dropped():
    bench = Workbench()
    bench.loop.submit(1)
    wait_until(lambda: bench.started == [1])
    for item in (2, 3, 4):
        bench.loop.submit(item)
    assert len(bench.drops) == 2, "submitting does not wait for the work"
    bench.go.release(2)
    wait_until(lambda: len(bench.done) == 2)
    assert bench.done == [1, 4]
    bench.loop.stop()


def test_a_crash_in_one_item_is_told_and_the_next_is_worked_on():
    bench = Workbench()
    bench.go.release(2)
    bench.loop.submit(-1)
    wait_until(lambda: bench.crashes)
    bench.loop.submit(5)
    wait_until(lambda: bench.done == [5])
    assert "item -1" in str(bench.crashes[0])
    bench.loop.stop()


def test_stopping_drops_what_waits_and_takes_nothing_more():
    bench = Workbench()
    bench.loop.submit(1)
    wait_until(lambda: bench.started == [1])
    bench.loop.submit(2)
    bench.go.release(2)
    bench.loop.stop()
    bench.loop.submit(3)
    bench.loop.stop()
    assert bench.done in ([1], [1, 2]) and len(bench.done) + len(bench.drops) == 2 and 3 not in bench.started


def test_a_beat_that_fails_says_so_and_ends():
    beats, crashes = [], []

    def beat() -> None:
        beats.append(1)
        if len(beats) == 3:
            raise RuntimeError("third beat")

    periodic = Periodic(0.005, beat, crashes.append, "test")
    periodic.start()
    wait_until(lambda: crashes)
    time.sleep(0.05)
    assert len(beats) == 3 and "third beat" in str(crashes[0])
    periodic.stop()


def test_counts_add_up_and_start_over():
    counters = FrameCounters()
    for kind in ("received", "received", "received", "processed", "superseded", "bad_images"):
        counters.count(kind, "why" if kind == "bad_images" else "")
    counters.took(engine_ms=20.0, node_ms=25.0)
    counters.took(engine_ms=30.0, node_ms=35.0)
    counts = counters.counts
    assert counts.dropped == 2 and counts.received == counts.processed + counts.dropped and counts.last_problem == "why"
    assert counters.timing.engine_ms == 25.0 and counters.timing.node_ms == 30.0 and counters.timing.rate_hz > 0
    counters.reset()
    assert counters.counts.received == 0 and counters.timing.engine_ms == 0.0


def test_overlay_shows_mask_regions_and_state():
    image = np.full((180, 320, 3), 100, np.uint8)
    mask = np.zeros((180, 320), np.uint8)
    mask[100:140, 100:160] = 255
    region = Region((100, 100, 160, 140), 2400, 1.0, 1.0, 8.0, 0.0, True)
    assessment = Assessment(mask, np.zeros((45, 80), np.float32), np.zeros((45, 80), np.uint8), (region,), 1.0, 5.0)
    shown = draw_overlay(image, assessment, HazardState(HazardLevel.HAZARD, "grün – in the way", 1, (region,)))
    assert shown.shape == image.shape and (image == 100).all(), "the input is left alone"
    red, green, _ = shown[120, 130].astype(int)
    assert red > 130 > green
    assert (shown[160:175, 200:300] == 100).all(), "nothing is drawn where nothing is"
    assert tuple(shown[100, 130]) == (255, 40, 40)
    assert len(np.unique(shown[:11].reshape(-1, 3), axis=0)) > 3, "the state is written above"
