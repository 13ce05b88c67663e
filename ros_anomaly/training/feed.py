"""Batches in the order of the steps, made in the loop or ahead of it by worker processes."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Protocol

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from ros_anomaly.training.stage_config import Phase

_AHEAD_PER_WORKER = 2


class Batches(Protocol):
    """What makes batches; ``BatchSampler`` is one. The same request must give the same batch in every process."""

    def batch(self, iteration: int, phase: Phase, slots: range | None = None) -> tuple[Tensor, Tensor]: ...


class FeedError(ValueError):
    """A batch could not be made; the message is that of the cause."""


@dataclass(frozen=True)
class _Request:
    iteration: int
    phase: Phase
    slots: range


class BatchFeed:
    """Iterate over it for (images uint8 [B, 3, h, w], class ids uint8 [B, h, w]) of iteration ``first``, first + 1, ...

    Workers are asked for ``2 x workers`` batches ahead of the step that needs them, in order; the content of a batch
    depends on its iteration and phase alone. With a budget in steps the phase of an iteration is known, so batches do
    not depend on the number of workers either; with one in minutes a phase ends a few steps later with workers.

    Args:
        first: iteration of the first batch.
        phase_of: phase of an iteration; asked when the batch is requested.
        slots_of: slots of a batch of that many frames which this process trains on.
        workers: processes; 0 makes each batch when it is asked for.
        pinned: into page-locked memory, from which a GPU copies without waiting.
    """

    def __init__(
        self,
        batches: Batches,
        first: int,
        phase_of: Callable[[int], Phase],
        slots_of: Callable[[int], range],
        workers: int = 0,
        pinned: bool = False,
    ) -> None:
        self.waited_s = 0.0
        self._loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(
            _Made(batches),
            batch_size=None,
            sampler=_Requests(first, phase_of, slots_of),
            num_workers=workers,
            prefetch_factor=_AHEAD_PER_WORKER if workers else None,
            # Open files, decoded cut-outs and memory maps are shared by forking; nothing is pickled.
            multiprocessing_context="fork" if workers else None,
            worker_init_fn=_settle_worker,
            pin_memory=pinned,
            # Its own, since a loader draws its seed from the generator: the process's must depend on steps alone.
            generator=torch.Generator().manual_seed(0),
        )
        self._iterator: Iterator[tuple[Tensor, Tensor]] | None = None

    def __enter__(self) -> BatchFeed:
        self._iterator = iter(self._loader)
        return self

    def __exit__(self, *_: object) -> None:
        # What the iterator does when it is collected; a traceback that still refers to it would keep workers for ever.
        shutdown = getattr(self._iterator, "_shutdown_workers", None)
        if shutdown is not None:
            shutdown()
        self._iterator = None

    def next(self) -> tuple[Tensor, Tensor]:
        """The next batch; the time spent here is added to ``waited_s``.

        Raises:
            FeedError: it could not be made: a broken store, a worker that was killed.
        """
        assert self._iterator is not None, "a feed is used as a context manager"
        started = time.monotonic()
        try:
            return next(self._iterator)
        except (ValueError, OSError, RuntimeError) as error:
            # torch puts a worker's whole traceback into the message; what the cause says is its last line.
            lines = [line for line in str(error).splitlines() if line.strip()]
            raise FeedError(lines[-1].strip() if lines else type(error).__name__) from error
        finally:
            self.waited_s += time.monotonic() - started


class _Made(Dataset[tuple[Tensor, Tensor]]):
    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    def __getitem__(self, request: _Request) -> tuple[Tensor, Tensor]:
        return self._batches.batch(request.iteration, request.phase, request.slots)


class _Requests(Sampler[_Request]):
    """Never ends; each request is made when a worker (or the loop) is free to take it."""

    def __init__(self, first: int, phase_of: Callable[[int], Phase], slots_of: Callable[[int], range]) -> None:
        self._first, self._phase_of, self._slots_of = first, phase_of, slots_of

    def __iter__(self) -> Iterator[_Request]:
        iteration = self._first
        while True:
            phase = self._phase_of(iteration)
            yield _Request(iteration, phase, self._slots_of(phase.batch))
            iteration += 1


def _settle_worker(_worker: int) -> None:
    cv2.setNumThreads(1)
    # Ctrl-C, timeout and service managers signal the whole group: the loop stops between steps and ends its workers
    # then. One that died before would break the step in progress; a second SIGTERM is meant for the worker.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _ignore_once)


def _ignore_once(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
