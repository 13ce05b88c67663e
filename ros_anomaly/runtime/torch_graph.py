"""One frame of a torch network on a GPU as a CUDA graph: upload, network and downloads are a single launch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_RUNS_BEFORE_RECORDING = 3


class RecordedFrame:
    """A network of fixed shapes, recorded when this is made. Frames allocate nothing on the GPU.

    Args:
        network: uint8 tensor of ``shape`` on the GPU → tensors on the GPU; its shapes and calls never change.
        shape: of the image.

    Raises:
        RuntimeError: the network cannot be recorded.
    """

    def __init__(self, network: Callable[[Tensor], tuple[Tensor, ...]], shape: tuple[int, ...]) -> None:
        self._image = torch.zeros(shape, dtype=torch.uint8).pin_memory()
        on_gpu = torch.zeros(shape, dtype=torch.uint8, device="cuda")
        self._graph = torch.cuda.CUDAGraph()
        with torch.inference_mode():
            # Libraries choose kernels and workspaces in the first runs; on another stream, as recording wants it.
            stream = torch.cuda.Stream()
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(_RUNS_BEFORE_RECORDING):
                    shapes = [(output.shape, output.dtype) for output in network(on_gpu)]
            torch.cuda.current_stream().wait_stream(stream)
            self._outputs = tuple(torch.empty(size, dtype=dtype).pin_memory() for size, dtype in shapes)
            with torch.cuda.graph(self._graph):
                on_gpu.copy_(self._image, non_blocking=True)
                for host, output in zip(self._outputs, network(on_gpu), strict=True):
                    host.copy_(output, non_blocking=True)
        # What is recorded holds addresses, not references.
        self._network, self._on_gpu = network, on_gpu

    def __call__(self, image: Tensor) -> tuple[Tensor, ...]:
        """Outputs in memory of the host, the caller's own, for a uint8 image there."""
        self._image.copy_(image)
        self._graph.replay()
        torch.cuda.current_stream().synchronize()
        return tuple(output.clone() for output in self._outputs)
