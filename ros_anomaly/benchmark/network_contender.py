"""What people run without an engine: the network in torch, and what comes after it as they have it today."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ros_anomaly.benchmark.research_code import full_size_einsum
from ros_anomaly.network.fused import FusedNetwork
from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.network.weights import load_weights
from ros_anomaly.scores.names import Aggregation
from ros_anomaly.scores.registry import get_score

Maps = tuple[Tensor, ...]
MODES = ("eager", "compile")
PRECISIONS = ("fp32", "fp16", "autocast")
"""``fp16``: the network itself in half precision, as it is exported; ``autocast``: float16 where torch thinks fit."""
ENDINGS = ("maps", "full_size_einsum", "transformers")
"""What follows the network: the package's own maps; the einsum over full-size masks of research code; or
``Mask2FormerImageProcessor`` before and ``post_process_semantic_segmentation`` after."""


class NetworkContender:
    """A network of a weights file in torch: image in host memory in, maps in host memory out."""

    def __init__(self, infer: Callable[[np.ndarray], Maps], images: np.ndarray) -> None:
        self._infer, self._images = infer, images

    def run(self, index: int) -> None:
        with torch.inference_mode():
            for maps in self._infer(self._images[index % len(self._images)]):
                maps.cpu().numpy()  # waits for the device

    def facts(self) -> Mapping[str, Any]:
        with torch.inference_mode():
            maps = self._infer(self._images[0])[0]
        return {"map_size": f"{maps.shape[-1]}x{maps.shape[-2]}"}

    def close(self) -> None:
        del self._infer


def make_network(
    weights: str,
    images: str,
    score: str,
    mode: str = "eager",
    ending: str = "maps",
    precision: str = "fp32",
    device: str = "cpu",
    aggregation: str = "masks",
    threads: int | None = None,
) -> NetworkContender:
    """Factory of :class:`NetworkContender`.

    Args:
        weights: safetensors file.
        images: ``.npy`` file, uint8 [n, H, W, 3].
        score, aggregation: of the maps; the other endings have theirs.
        mode: one of :data:`MODES`; what is compiled is all between image and maps.
        ending: one of :data:`ENDINGS`.
        precision: one of :data:`PRECISIONS`.
        device: ``cpu`` or ``cuda``.

    Raises:
        ValueError: a mode, ending or precision that there is not.
        RuntimeError: no such device.
    """
    for name, value, legal in (
        ("mode", mode, MODES),
        ("ending", ending, ENDINGS),
        ("precision", precision, PRECISIONS),
    ):
        if value not in legal:
            raise ValueError(f"{name}: expected one of {', '.join(legal)}; found {value!r}")
    if precision == "fp16" and ending != "maps":
        raise ValueError(f"precision: expected fp32 or autocast with ending {ending}, found fp16")
    if threads:
        torch.set_num_threads(threads)
    where = torch.device(device)
    network = load_weights(weights)[0].eval().to(where)
    pictures = np.load(images)
    if ending == "transformers":
        size = (pictures.shape[1], pictures.shape[2])
        infer = _transformers(network, size, where, _casting(precision, where))
    else:
        half = precision == "fp16"
        module: nn.Module = (
            FusedNetwork(network, score, Aggregation(aggregation), folded=half, half=half)
            if ending == "maps"
            else _FullSizeEinsum(network, score)
        )
        infer = _module(module.to(where), mode, where, _casting(precision, where))
    return NetworkContender(infer, pictures)


def _casting(precision: str, device: torch.device) -> Callable[[], AbstractContextManager[object]]:
    if precision != "autocast":
        return nullcontext
    return lambda: torch.autocast(device.type, torch.float16)


def _module(
    module: nn.Module, mode: str, device: torch.device, casting: Callable[[], AbstractContextManager[object]]
) -> Callable[[np.ndarray], Maps]:
    run: Callable[[Tensor], Maps] = torch.compile(module) if mode == "compile" else module

    def infer(image: np.ndarray) -> Maps:
        with casting():
            return run(torch.from_numpy(image).to(device))

    return infer


class _FullSizeEinsum(nn.Module):
    """As the original code of mask networks does it: all masks at the size of the image, then einsums."""

    def __init__(self, network: AnomalyNetwork, score: str) -> None:
        super().__init__()
        self._network, self._score = network, get_score(score)

    def forward(self, image: Tensor) -> Maps:
        output = self._network(self._network.prepare(image.permute(2, 0, 1)[None]))
        size = (int(image.shape[0]), int(image.shape[1]))
        return full_size_einsum(
            output.class_logits[-1][0].float(),
            output.mask_logits[-1][0].float(),
            self._network.config.inlier_classes,
            self._score.formula,
            size,
        )


class _Logits:
    """What transformers' post-processing takes of a network's output."""

    def __init__(self, class_logits: Tensor, mask_logits: Tensor) -> None:
        self.class_queries_logits, self.masks_queries_logits = class_logits, mask_logits


def _transformers(
    network: AnomalyNetwork,
    size: tuple[int, int],
    device: torch.device,
    casting: Callable[[], AbstractContextManager[object]],
) -> Callable[[np.ndarray], Maps]:
    """The image processor, the network, and the processor's class map at the size of the image: no score."""
    processor = _image_processor(network, size)

    def infer(image: np.ndarray) -> Maps:
        pixels = processor(images=image, return_tensors="pt")["pixel_values"].to(device)
        with casting():
            output = network(pixels)
        logits = _Logits(output.class_logits[-1].float(), output.mask_logits[-1].float())
        return tuple(processor.post_process_semantic_segmentation(logits, target_sizes=[size]))

    return infer


def _image_processor(network: AnomalyNetwork, size: tuple[int, int]) -> Any:
    """transformers' own, with the network's normalisation; of its two the one that works here."""
    import transformers
    from transformers.utils import is_torchvision_available

    name = "Mask2FormerImageProcessor" if is_torchvision_available() else "Mask2FormerImageProcessorPil"
    mean, deviation = ((values.flatten() / 255.0).tolist() for values in (network.input_mean, network.input_std))
    height, width = network.config.input_size(*size)
    return getattr(transformers, name)(size={"height": height, "width": width}, image_mean=mean, image_std=deviation)
