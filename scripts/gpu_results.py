"""Gathers what a training run has to show into a few small files.

    gpu_results.py RUN OUT

OUT/<stage>.safetensors   weights of a stage, matrices in float16; those of the last checkpoint until it is finished
OUT/run.tar.gz            logs, curves, summaries, TensorBoard events and pictures of all stages
"""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ros_anomaly.network.model import AnomalyNetwork
from ros_anomaly.network.weights import load_tensors, load_weights, save_weights
from ros_anomaly.training.checkpoint import checkpoint_network, read_checkpoint

LIMIT_MIB = float(os.environ.get("GPU_RESULT_LIMIT_MIB", "16"))
STAGES = ("closed", "outlier")
_ARCHIVED = ("log.jsonl", "summary.json", "loss.png")
_PICTURES = 4


def gather(run: Path, out: Path) -> list[Path]:
    """Write the results of ``run`` into ``out`` and return them."""
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for stage in STAGES:
        if (found := _weights(run, stage)) is not None:
            network, info = found
            save_weights(out / f"{stage}.safetensors", network, info, half=True)
            written.append(out / f"{stage}.safetensors")
    archive = out / "run.tar.gz"
    temporary = archive.with_suffix(".tmp")
    with tarfile.open(temporary, "w:gz") as file:
        for path in _files(run):
            file.add(path, path.relative_to(run).as_posix())
    shutil.move(temporary, archive)
    return [*written, archive]


def _weights(run: Path, stage: str) -> tuple[AnomalyNetwork, dict[str, Any]] | None:
    final, checkpoint = run / f"{stage}.safetensors", run / stage / "checkpoint.pt"
    if final.exists():
        network, info = load_weights(final)
        return network, {**info, "finished": True}
    if not checkpoint.exists():
        return None
    contents = read_checkpoint(checkpoint)
    network = AnomalyNetwork(checkpoint_network(contents))
    load_tensors(network, contents["average"] or contents["network"], str(checkpoint))
    position = contents["position"]
    return network, {"stage": stage, "finished": False, "iterations": position["iteration"]}


def _files(run: Path) -> list[Path]:
    """Of all stages; of the pictures the first and the last, which show the start and the state."""
    found = []
    for stage in STAGES:
        folder = run / stage
        found += [folder / name for name in _ARCHIVED if (folder / name).exists()]
        found += sorted(folder.glob("tensorboard/*"))
        sheets = sorted(folder.glob("pictures/iteration_*.png"))
        found += [*sheets[:1], *sheets[1:][-_PICTURES:], *folder.glob("pictures/training_batch.png")]
    return found


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    too_large = 0
    for path in gather(Path(arguments[0]), Path(arguments[1])):
        size = path.stat().st_size / 2**20
        note = "" if size <= LIMIT_MIB else f": expected at most {LIMIT_MIB:g} MiB"
        too_large += bool(note)
        print(f"{size:7.1f} MiB  {path}{note}", file=sys.stderr)
    return 1 if too_large else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
