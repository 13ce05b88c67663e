"""The training loop of one stage."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import torch
from torch import Tensor, nn

from ros_anomaly.network.backbone import INPUT_MEAN, INPUT_SCALE
from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.training.checkpoint import Position, load_checkpoint, save_checkpoint
from ros_anomaly.training.loss import LossConfig, LossParts, segmentation_loss
from ros_anomaly.training.recipe import LogConfig, StageConfig
from ros_anomaly.training.run_log import RunLog
from ros_anomaly.training.sampling import BatchSampler
from ros_anomaly.training.schedule import Schedule

Validate = Callable[[AnomalyNetwork, int], Mapping[str, float]]
_MAX_BAD_STEPS = 10


class TrainingStopped(Exception):
    """The run was asked to stop; its checkpoint is written and ``--resume`` continues it."""


class TrainingDiverged(RuntimeError):
    """The loss was not finite for several steps in a row."""


class StageTrainer:
    """Trains a network for one stage, writing checkpoint, log and loss curve into a folder.

    Args:
        name: of the stage, ``closed`` or ``outlier``; an outlier network learns the outlier class too.
        network: changed in place.
        schedule: budget and learning rate.
        folder: of the stage.
        validate: called as ``validate(network, iteration)`` now and then and at the end; its figures go to the log.
    """

    def __init__(
        self,
        name: str,
        network: AnomalyNetwork,
        sampler: BatchSampler,
        schedule: Schedule,
        loss: LossConfig,
        log: LogConfig,
        folder: Path,
        validate: Validate | None = None,
    ) -> None:
        self.name, self.network, self.folder = name, network, folder
        self._sampler, self._schedule, self._loss, self._log_config = sampler, schedule, loss, log
        self._stage = schedule.stage
        self._validate = validate
        self.position = Position()
        folder.mkdir(parents=True, exist_ok=True)
        self._log = RunLog(folder, name, log.print_seconds)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stubs
        if self._stage.freeze_stem:
            for parameter in network.backbone.stem_parameters():
                parameter.requires_grad_(False)
        self._optimiser = make_optimiser(network, self._stage)
        self._bad_steps = 0

    @property
    def checkpoint_path(self) -> Path:
        return self.folder / "checkpoint.pt"

    def resume(self) -> bool:
        """Continue from the folder's checkpoint; False if there is none."""
        if not self.checkpoint_path.exists():
            return False
        self.position = load_checkpoint(self.checkpoint_path, self.network, self._optimiser, self.name)
        self._log.truncate_after(self.position.iteration)
        return True

    def run(self) -> None:
        """Train to the end of the stage.

        Raises:
            TrainingStopped: SIGINT or SIGTERM came; the checkpoint is written.
            TrainingDiverged: ten steps in a row without a finite loss.
        """
        if self.position.done:
            return
        started = time.monotonic() - self.position.elapsed_s
        last_saved = last_validated = time.monotonic()
        waited = 0.0
        with _stop_requests() as stop_requested:
            while (share := self._schedule.progress(self.position.iteration, self.position.elapsed_s)) < 1:
                step_started = time.monotonic()
                images, class_ids = self._sampler.batch(self.position.iteration, self._stage.phase_at(share))
                data_s = time.monotonic() - step_started
                parts = self._step(images, class_ids, share)
                now = time.monotonic()
                self.position.iteration += 1
                self.position.elapsed_s = now - started
                waited += data_s
                self._report(parts, share, now - step_started, data_s)
                if stop_requested():
                    self._save()
                    raise TrainingStopped(f"{self.name}: stopped at iteration {self.position.iteration}")
                if now - last_validated > 60 * self._log_config.validate_minutes:
                    self._run_validation()
                    last_validated = time.monotonic()
                if now - last_saved > 60 * self._log_config.checkpoint_minutes:
                    self._save()
                    last_saved = time.monotonic()
        self.position.done = True
        self._run_validation()
        self._save()

    def _step(self, images: Tensor, class_ids: Tensor, share: float) -> LossParts:
        factor = self._schedule.factor(self.position.iteration, share)
        for group in self._optimiser.param_groups:
            group["lr"] = group["base_lr"] * factor
        self.network.train()
        if self._stage.freeze_norms:
            for norm in self.network.batch_norms():
                norm.eval()
        config = self.network.config
        output = self.network(normalise(images))
        parts = segmentation_loss(output, class_ids, config.inlier_classes, config.outlier_class, self._loss)
        self._optimiser.zero_grad(set_to_none=True)
        if not math.isfinite(float(parts.total.detach())):
            self._bad_steps += 1
            if self._bad_steps >= _MAX_BAD_STEPS:
                raise TrainingDiverged(f"{self.name}: expected a finite loss, found {_MAX_BAD_STEPS} steps without")
            return parts
        self._bad_steps = 0
        parts.total.backward()
        nn.utils.clip_grad_norm_(self._trained_parameters(), self._stage.clip_norm)
        self._optimiser.step()
        return parts

    def _trained_parameters(self) -> Iterator[nn.Parameter]:
        return (parameter for group in self._optimiser.param_groups for parameter in group["params"])

    def _report(self, parts: LossParts, share: float, step_s: float, data_s: float) -> None:
        position = self.position
        loss = float(parts.total.detach())
        self._log.record(
            "step",
            iteration=position.iteration,
            elapsed_s=round(position.elapsed_s, 2),
            share=round(share, 5),
            loss=round(loss, 4),
            classification=round(parts.classification, 4),
            mask=round(parts.mask, 4),
            dice=round(parts.dice, 4),
            dense=round(parts.dense, 4),
            step_s=round(step_s, 3),
            data_s=round(data_s, 3),
        )
        text = (
            f"iteration {position.iteration}, {step_s:.2f} s/it ({100 * data_s / step_s:.0f} % data), loss {loss:.2f}: "
            f"class {parts.classification:.3f} mask {parts.mask:.3f} dice {parts.dice:.3f} dense {parts.dense:.3f}"
        )
        self._log.progress(share, text, position.elapsed_s * (1 - share) / share if share > 0.002 else None)

    def _run_validation(self) -> None:
        if self._validate is None:
            return
        self.network.eval()
        figures = dict(self._validate(self.network, self.position.iteration))
        self._log.record("validation", iteration=self.position.iteration, **figures)
        shown = ", ".join(f"{name} {value:.3f}" for name, value in figures.items() if "/" not in name)
        self._log.progress(1.0 if self.position.done else 0.0, f"validation: {shown}", None, force=True)

    def _save(self) -> None:
        save_checkpoint(self.checkpoint_path, self.network, self._optimiser, self.position, self.name)
        self._log.draw()


def normalise(images: Tensor) -> Tensor:
    """uint8 [B, 3, h, w] to the float32 the network takes, in the same memory format."""
    return (images.float() - INPUT_MEAN) / INPUT_SCALE


def make_optimiser(network: AnomalyNetwork, stage: StageConfig) -> torch.optim.AdamW:
    """AdamW with a lower rate for the backbone and no weight decay on vectors and embeddings."""
    backbone, decayed, plain = [], [], []
    in_backbone = {id(parameter) for parameter in network.backbone.parameters()}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        if id(parameter) in in_backbone:
            backbone.append(parameter)
        elif parameter.ndim < 2 or "embed" in name or "queries" in name:
            plain.append(parameter)
        else:
            decayed.append(parameter)
    rate = stage.learning_rate
    groups = [
        {"params": backbone, "base_lr": rate * stage.backbone_factor, "weight_decay": stage.weight_decay},
        {"params": decayed, "base_lr": rate, "weight_decay": stage.weight_decay},
        {"params": plain, "base_lr": rate, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=rate, fused=True)


@contextmanager
def _stop_requests() -> Iterator[Callable[[], bool]]:
    """Turn SIGINT and SIGTERM into a question that is asked between steps. Only the main thread may do so."""
    requested = False

    def request(_signal: int, _frame: FrameType | None) -> None:
        nonlocal requested
        requested = True

    try:
        previous = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: signals are someone else's
        previous = {}
    try:
        yield lambda: requested
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
