"""Where training runs: one CPU or GPU, or several processes with their share of every batch each (Accelerate)."""

from __future__ import annotations

import datetime
import os
from contextlib import AbstractContextManager
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedDataParallelKwargs, gather_object
from torch import Tensor, nn

from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.training.precision import Precision

_ACCELERATE_NAMES = {Precision.FP32: "no", Precision.BF16: "bf16", Precision.FP16: "fp16"}
# The first process renders frames while the others wait for it: longer than the few minutes that are the default.
_PATIENCE = datetime.timedelta(hours=6)
_MOST_DATA_WORKERS = 12


class Compute:
    """Device, number format and processes of a run.

    A process that was started by ``accelerate launch`` or ``torchrun`` takes its place among the others; else there is
    this one alone.

    Args:
        precision: see :class:`Precision`.
        compile_network: hand the network to torch.compile.
        cpu: use the CPU even where there is a GPU.

    Raises:
        ValueError: the device cannot do ``precision``.
    """

    def __init__(self, precision: Precision = Precision.AUTO, compile_network: bool = False, cpu: bool = False) -> None:
        processes = PartialState(cpu=cpu, timeout=_PATIENCE)
        self.precision = precision.on(processes.device)
        # A second stage may want another precision than the first, which Accelerate's process-wide state forbids.
        AcceleratorState._reset_state()
        self._accelerator = Accelerator(
            mixed_precision=_ACCELERATE_NAMES[self.precision],
            cpu=cpu,
            dynamo_backend="inductor" if compile_network else None,
            # A batch may leave parameters without a gradient (no mask matched, no dense loss).
            kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
        )
        if self.device.type == "cuda":
            torch.set_float32_matmul_precision("high")
            torch.backends.cudnn.allow_tf32 = True
            torch.backends.cudnn.benchmark = True

    @property
    def device(self) -> torch.device:
        return self._accelerator.device

    @property
    def on_gpu(self) -> bool:
        return self.device.type == "cuda"

    @property
    def processes(self) -> int:
        return self._accelerator.num_processes

    @property
    def rank(self) -> int:
        return self._accelerator.process_index

    @property
    def is_main(self) -> bool:
        """Whether this process is the one that validates, logs and writes files."""
        return self._accelerator.is_main_process

    @property
    def scaler(self) -> torch.amp.GradScaler | None:
        """Of the loss; fp16 only."""
        return self._accelerator.scaler

    def data_workers(self, wanted: int | None) -> int:
        """Processes that make batches ahead of the loop; None chooses.

        On the CPU none: torch keeps all cores busy, and a worker would take from it what it gives (a batch made in
        the loop is 2 to 4 % of a step). On a GPU the cores are idle and a step is several times shorter.
        """
        if wanted is not None:
            return wanted
        if not self.on_gpu:
            return 0
        return max(1, min(_MOST_DATA_WORKERS, (os.cpu_count() or 2) // max(1, self.processes) - 1))

    def describe(self) -> dict[str, Any]:
        """What a summary says of the machine; JSON-serialisable."""
        name = torch.cuda.get_device_name(self.device) if self.on_gpu else "CPU"
        threads = {} if self.on_gpu else {"threads": torch.get_num_threads()}
        return {"device": name, "precision": self.precision.value, "processes": self.processes, **threads}

    def main_first(self) -> AbstractContextManager[None]:
        """A block that the main process runs before the others."""
        return self._accelerator.main_process_first()

    def slots(self, batch: int) -> range:
        """Which slots of a batch this process trains on.

        Raises:
            ValueError: the batch cannot be shared out evenly.
        """
        if batch % self.processes:
            raise ValueError(f"phase batch: expected a multiple of the {self.processes} processes, found {batch}")
        return range(self.rank, batch, self.processes)

    def prepare(self, network: AnomalyNetwork, optimiser: torch.optim.Optimizer) -> tuple[nn.Module, Any]:
        """(what is called in training, what is stepped): network and optimiser as Accelerate wraps them."""
        called, stepped = self._accelerator.prepare(network, optimiser)
        return called, stepped

    def release(self) -> None:
        """Forget what was prepared, so that its memory is freed."""
        self._accelerator.free_memory()

    def move(self, tensor: Tensor) -> Tensor:
        """``tensor`` on the device; from pinned memory without waiting."""
        return tensor.to(self.device, non_blocking=True)

    def backward(self, loss: Tensor) -> None:
        self._accelerator.backward(loss)

    def clip(self, parameters: list[nn.Parameter], norm: float) -> Tensor:
        """Clip gradients to ``norm`` over all of them, and return what it was."""
        total = self._accelerator.clip_grad_norm_(parameters, norm)
        assert total is not None  # only sharded training returns none
        return total

    def highest(self, *values: float) -> list[float]:
        """The highest of each value over all processes, so that all take the same decision."""
        if self.processes == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(tensor, torch.distributed.ReduceOp.MAX)
        return tensor.tolist()

    def gather(self, value: Any) -> list[Any]:
        """``value`` of every process, in their order, in every process."""
        return gather_object([value]) if self.processes > 1 else [value]

    def wait(self) -> None:
        """Until all processes are here."""
        self._accelerator.wait_for_everyone()

    def close(self) -> None:
        """Leave the other processes, at the end of all work."""
        PartialState().destroy_process_group()
