"""Batches made ahead: the same ones in the same order, and errors that say what happened."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import pytest
import torch

from ros_anomaly.training.feed import BatchFeed, FeedError
from ros_anomaly.training.stage_config import Phase

PHASES = (Phase(0.5, (32, 32), 4), Phase(1.0, (32, 64), 2))


class Numbered:
    """Batches that say what was asked for; the even ones take longer, so that workers finish out of order."""

    def __init__(self, broken: int | None = None) -> None:
        self._broken = broken

    def batch(self, iteration, phase, slots=None):
        if iteration == self._broken:
            raise ValueError(f"frame {iteration}: expected a picture,\nfound none")
        if iteration % 2 == 0:
            time.sleep(0.05)
        images = torch.full((len(slots), 3, *phase.crop), iteration, dtype=torch.uint8)
        return images, torch.tensor(list(slots), dtype=torch.uint8)


def feed(workers: int, first: int = 3, broken: int | None = None) -> BatchFeed:
    return BatchFeed(
        Numbered(broken), first, lambda i: PHASES[int(i >= 6)], lambda batch: range(1, batch, 2), workers=workers
    )


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_order_and_content_do_not_depend_on_workers(workers):
    state = torch.get_rng_state()
    with feed(workers) as batches:
        found = [batches.next() for _ in range(6)]
    assert [int(images[0, 0, 0, 0]) for images, _ in found] == [3, 4, 5, 6, 7, 8]
    assert [tuple(images.shape[2:]) for images, _ in found] == [(32, 32)] * 3 + [(32, 64)] * 3
    assert [slots.tolist() for _, slots in found] == [[1, 3]] * 3 + [[1]] * 3
    assert batches.waited_s > 0
    # A random number drawn here would be drawn again by a resumed run, and every later one would differ.
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_batch_that_cannot_be_made_is_one_line(workers):
    others = multiprocessing.active_children()
    with feed(workers, broken=4) as batches:
        batches.next()
        with pytest.raises(FeedError) as error:
            batches.next()
    assert "found none" in str(error.value)
    # No worker is left behind, though the error's traceback is still held: it would keep the process from ending.
    assert [child for child in multiprocessing.active_children() if child not in others] == []
    assert "\n" not in str(error.value)


def test_workers_outlive_signals_to_the_whole_group():
    others = multiprocessing.active_children()
    with feed(2) as batches:
        batches.next(), batches.next()  # one of each worker: both have settled
        workers = [child for child in multiprocessing.active_children() if child not in others]
        assert len(workers) == 2
        for worker in workers:
            for number in (signal.SIGINT, signal.SIGTERM):
                os.kill(worker.pid, number)
        assert [int(batches.next()[0][0, 0, 0, 0]) for _ in range(6)] == [5, 6, 7, 8, 9, 10]
    for worker in workers:
        worker.join(20)
    assert not any(worker.is_alive() for worker in workers)
