"""The training loop of one stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.network.weights import save_weights
from ros_anomaly.training.checkpoint import (
    CheckpointError,
    Position,
    read_checkpoint,
    restore_checkpoint,
    save_checkpoint,
)
from ros_anomaly.training.compute import Compute
from ros_anomaly.training.feed import Batches, BatchFeed
from ros_anomaly.training.loss import LossConfig
from ros_anomaly.training.random_state import random_state, restore_random_state
from ros_anomaly.training.run_log import RunLog
from ros_anomaly.training.schedule import Schedule
from ros_anomaly.training.stage_config import LogConfig
from ros_anomaly.training.stage_report import StageReport
from ros_anomaly.training.step import Stepper
from ros_anomaly.training.stop_requests import stop_requests

_BEST_BY = ("uno_normalised_ap", "miou")
"""What the best validation is chosen by: the first of these figures that it has."""


class TrainingStopped(Exception):
    """The run was asked to stop; its checkpoint is written and ``--resume`` continues it."""


class Validate(Protocol):
    """Figures now and then; :class:`ros_anomaly.training.validation.Validation` is one."""

    def __call__(self, network: AnomalyNetwork, iteration: int) -> Mapping[str, float]:
        """Figures as fractions, and a contact sheet."""

    def preview(self, network: AnomalyNetwork, iteration: int) -> None:
        """The contact sheet alone."""

    def sheet(self, iteration: int) -> Path:
        """Where the contact sheet of an iteration is."""


@dataclass(frozen=True)
class StageParts:
    """What a stage is trained with.

    Attributes:
        batches: training crops. data_workers: processes that make them; None chooses.
        validate: None does without.
        show_batch: writes a picture of a batch and says where it is; called with the first one. None does not.
        info: what weights files of the stage say of it; JSON-serialisable.
    """

    batches: Batches
    schedule: Schedule
    loss: LossConfig = field(default_factory=LossConfig)
    log: LogConfig = field(default_factory=LogConfig)
    data_workers: int | None = None
    validate: Validate | None = None
    show_batch: Callable[[Tensor, Tensor], Path] | None = None
    info: Mapping[str, Any] = field(default_factory=dict)


class StageTrainer:
    """Trains a network for one stage, writing checkpoints, log, curves, pictures and summary into a folder.

    Args:
        name: of the stage, ``closed`` or ``outlier``; an outlier network learns the outlier class too.
        network: changed in place.
        folder: of the stage.
        compute: None is a plain one on this machine's GPU or CPU.
    """

    def __init__(
        self, name: str, network: AnomalyNetwork, parts: StageParts, folder: Path, compute: Compute | None = None
    ) -> None:
        self.name, self.folder, self._parts = name, folder, parts
        self._compute = compute or Compute()
        self._workers = self._compute.data_workers(parts.data_workers)
        self._stepper = Stepper(network, parts.schedule, parts.loss, self._compute)
        self.position = Position()
        folder.mkdir(parents=True, exist_ok=True)
        self._log = RunLog(folder, name, parts.log.print_seconds, parts.log.tensorboard)
        setting = {**self._compute.describe(), "data_workers": self._workers}
        self._report = StageReport(name, self._log, setting)
        self._figures: Mapping[str, float] = {}
        self._saved_s = 0.0

    @property
    def checkpoint_path(self) -> Path:
        return self.folder / "checkpoint.pt"

    @property
    def network(self) -> AnomalyNetwork:
        """The network in training."""
        return self._stepper.network

    @property
    def result(self) -> AnomalyNetwork:
        """The network that is validated and saved: the moving average of the weights where there is one."""
        return self._stepper.result

    def weights_info(self) -> dict[str, Any]:
        """What a weights file of :attr:`result` says of it."""
        seconds = round(self.position.elapsed_s, 1)
        return {**self._parts.info, "stage": self.name, "iterations": self.position.iteration, "seconds": seconds}

    def resume(self) -> bool:
        """Continue from the folder's checkpoint; False if there is none.

        Raises:
            CheckpointError: it is broken, or of another stage, network, recipe or number of processes.
        """
        path = self.checkpoint_path
        if not path.exists():
            return False
        contents = read_checkpoint(path)
        states, processes = contents["random_states"], self._compute.processes
        if len(states) != processes:
            raise CheckpointError(f"{path}: expected a checkpoint of {processes} processes, found {len(states)}")
        self.position = restore_checkpoint(contents, self._stepper.state(self.name), path)
        self._saved_s = self.position.elapsed_s
        restore_random_state(states[self._compute.rank])
        return True

    def run(self) -> None:
        """Train to the end of the stage.

        Raises:
            TrainingStopped: SIGINT or SIGTERM came; the checkpoint is written.
            TrainingDiverged: ten steps in a row without a finite loss.
            FeedError: a batch could not be made.
        """
        if self.position.done:
            return
        if self._compute.is_main:
            self._log.open(self.position.iteration)
        try:
            self._preview()
            with stop_requests() as stop_requested, self._feed() as feed:
                self._loop(feed, stop_requested)
            self.position.done = True
            self._run_validation()
            self._save()
            if self._compute.is_main:
                self._report.done(self.position)
        finally:
            self._log.close()
            self._compute.release()

    def _loop(self, feed: BatchFeed, stop_requested: Callable[[], bool]) -> None:
        position, log = self.position, self._parts.log
        waited_before, started = position.waited_s, time.monotonic() - position.elapsed_s
        while (share := self._share(position.iteration)) < 1:
            step_started, feed_before = time.monotonic(), feed.waited_s
            images, class_ids = feed.next()
            if position.iteration == 0:
                self._show_batch(images, class_ids)
            parts = self._stepper.step(images, class_ids, position.iteration, share)
            now = time.monotonic()
            position.iteration += 1
            position.waited_s = waited_before + feed.waited_s
            position.elapsed_s, stop = self._compute.highest(now - started, float(stop_requested()))
            if self._compute.is_main:
                self._report.step(parts, position, share, now - step_started, feed.waited_s - feed_before)
            if stop:
                self._save()
                raise TrainingStopped(f"{self.name}: stopped at iteration {position.iteration}")
            if position.elapsed_s - position.validated_s > 60 * log.validate_minutes:
                self._run_validation()
            if position.elapsed_s - self._saved_s > 60 * log.checkpoint_minutes:
                self._save()

    def _share(self, iteration: int) -> float:
        return self._parts.schedule.progress(iteration, self.position.elapsed_s)

    def _feed(self) -> BatchFeed:
        stage = self._parts.schedule.stage
        return BatchFeed(
            self._parts.batches,
            self.position.iteration,
            lambda iteration: stage.phase_at(self._share(iteration)),
            self._compute.slots,
            self._workers,
            pinned=self._compute.on_gpu,
        )

    def _preview(self) -> None:
        """Pictures before the first step, on which a user sees at once whether images and labels fit."""
        if self.position.iteration or self._parts.validate is None or not self._compute.is_main:
            return
        self.result.eval()
        self._parts.validate.preview(self.result, 0)
        self._log.picture("validation", self._parts.validate.sheet(0), 0)

    def _show_batch(self, images: Tensor, class_ids: Tensor) -> None:
        if self._parts.show_batch is not None and self._compute.is_main:
            self._log.picture("training_batch", self._parts.show_batch(images, class_ids), 0)

    def _run_validation(self) -> None:
        position, validate = self.position, self._parts.validate
        position.validated_s = position.elapsed_s
        if validate is None or not self._compute.is_main:
            return
        self.result.eval()
        self._figures = figures = dict(validate(self.result, position.iteration))
        self._report.validation(figures, position)
        self._log.picture("validation", validate.sheet(position.iteration), position.iteration)
        name = next((name for name in _BEST_BY if name in figures), None)
        if name is not None and (position.best_value is None or figures[name] > position.best_value):
            position.best_value, position.best_iteration = figures[name], position.iteration
            info = {**self.weights_info(), name: figures[name]}
            save_weights(self.folder / "best.safetensors", self.result, info)

    def _save(self) -> None:
        """Checkpoint, summary and curve."""
        self._saved_s = self.position.elapsed_s
        states = self._compute.gather(random_state())
        if self._compute.is_main:
            save_checkpoint(self.checkpoint_path, self._stepper.state(self.name), self.position, states)
            self._report.summary(self.position, self._figures)
        self._compute.wait()
