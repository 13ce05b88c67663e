"""A network's real output, in the number and size of masks that a comparison of aggregations wants."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli.benchmark_images import contest_images
from ros_anomaly.cli.benchmark_variants import weights_file

if TYPE_CHECKING:
    from ros_anomaly.benchmark.aggregation_contender import Logits

_DEFAULT_SCORE = "uno_normalised"


def real_logits(
    engine: str, source: str, masks: int, mask_size: tuple[int, int], image_size: tuple[int, int]
) -> tuple[Logits, str]:
    """(``masks`` mask logits of ``mask_size`` with their class logits, what images they were computed on).

    The network of the engine's weights, in torch, gives them for images of ``image_size``: as many images as it takes,
    one image's masks after the other's. They are resampled where the network gives them in another size.

    Raises:
        CliError, EngineError, ValueError, OSError: no such engine, no weights of it, or no images.
    """
    import torch

    from ros_anomaly.benchmark.aggregation_contender import Logits
    from ros_anomaly.network.fused import RawNetwork
    from ros_anomaly.network.weights import load_weights
    from ros_anomaly.runtime.locate import manifest_path
    from ros_anomaly.runtime.manifest import load_manifest
    from ros_anomaly.scores.aggregation import upsample

    network = load_weights(weights_file(engine))[0].eval()
    module = RawNetwork(network, folded=False)
    queries = network.config.queries
    images = contest_images(source, image_size, -(-masks // queries))
    with torch.inference_mode():
        outputs = [module(torch.from_numpy(image)) for image in images.images]
    while len(outputs) * queries < masks:  # fewer images than that: they take turns
        outputs *= 2
    class_logits, mask_logits = (torch.cat(parts)[:masks] for parts in zip(*outputs, strict=True))
    logits = Logits(
        class_logits.contiguous(),
        upsample(mask_logits, mask_size).contiguous(),
        network.config.inlier_classes,
        load_manifest(manifest_path(engine)).score or _DEFAULT_SCORE,
        image_size,
    )
    return logits, images.source


def save_expected(logits: Logits, path: Path) -> None:
    """Write what the reference gives for ``logits``, for the contenders to compare with."""
    import numpy as np
    import torch

    from ros_anomaly.benchmark.aggregation_contender import reference

    with torch.inference_mode():
        score, class_ids = reference(logits)
    np.savez(path, score=score.numpy(), class_ids=class_ids.numpy())
