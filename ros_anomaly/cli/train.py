"""Train the default network: closed-set training, then fine-tuning with negatives."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli import common

if TYPE_CHECKING:
    from ros_anomaly.training.compute import Compute
    from ros_anomaly.training.recipe import Recipe
    from ros_anomaly.training.sources import FrameFolders

_MOST_RENDERERS = 16


def make_parser() -> argparse.ArgumentParser:
    parser = common.ArgumentParser(
        prog="ros-anomaly-train",
        description="Train the network, by default on rendered streets: 'closed' learns the K classes from ImageNet "
        "weights, 'outlier' adds the outlier class with negatives. Weights are written to OUT/closed.safetensors and "
        "OUT/outlier.safetensors; checkpoints, log, loss curve, TensorBoard events, pictures and summary.json to "
        "OUT/closed/ and OUT/outlier/. Look at pictures/training_batch.png there first: do labels and images fit? "
        "Ctrl-C writes a checkpoint; --resume continues. Several GPUs: torchrun --nproc-per-node N -m "
        "ros_anomaly.cli.train ...",
    )
    parser.add_argument("--recipe", type=common.existing_file, required=True, help="YAML file that says how to train")
    parser.add_argument(
        "--set",
        dest="changes",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="another value for a key of the recipe, such as outlier.learning_rate=1e-4 or "
        "'outlier.mixture={pasted: 0.5}'; may be given again",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument(
        "--frames",
        type=Path,
        help="folder of rendered frames that are there already (default: OUT/frames, rendered as the recipe says)",
    )
    parser.add_argument(
        "--dataset",
        metavar="KIND:PATH",
        help="labelled images to train on in place of the recipe's, such as cityscapes:FOLDER; 'streets' for rendered",
    )
    parser.add_argument(
        "--stage",
        choices=("closed", "outlier", "all", "frames"),
        default="all",
        help="what to train; 'frames' renders the frames that the recipe needs, and trains nothing",
    )
    parser.add_argument(
        "--minutes", type=common.positive_float, help="wall-clock budget; 'all' divides it as the recipe's minutes"
    )
    parser.add_argument(
        "--start",
        type=common.existing_file,
        help="weights to start the (first) stage from; a checkpoint that is resumed comes first",
    )
    parser.add_argument(
        "--backbone-weights",
        type=Path,
        metavar="PATH",
        help="ImageNet weights of a ResNet or Swin backbone, file or folder, for a 'closed' stage without --start",
    )
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoints in OUT")
    parser.add_argument(
        "--data-workers",
        type=common.non_negative_int,
        metavar="N",
        help="processes that make batches ahead, 0 for none (default: the recipe's; none on the CPU, where they would "
        "take their time from training). The batches are the same for any number",
    )
    parser.add_argument("--threads", type=common.positive_int, help="CPU threads (default: one a core)")
    parser.add_argument("--cpu", action="store_true", help="train on the CPU even if there is a GPU")
    return parser


def main(argv: list[str] | None = None) -> int:
    return common.run(make_parser(), _train, argv)


def _train(args: argparse.Namespace) -> int:
    import cv2
    import torch

    from ros_anomaly.training.compute import Compute
    from ros_anomaly.training.run import STAGES, run_stage
    from ros_anomaly.training.sources import check_negatives
    from ros_anomaly.training.step import TrainingDiverged
    from ros_anomaly.training.trainer import TrainingStopped

    if args.threads:
        torch.set_num_threads(args.threads)
    # OpenCV's own threads would fight with torch's over the same cores.
    cv2.setNumThreads(1)
    recipe = _recipe(args)
    compute = Compute(recipe.precision, recipe.compile, args.cpu)
    stages = {"all": STAGES, "frames": ()}.get(args.stage, (args.stage,))
    check_negatives(recipe, stages)
    frames = _frames(args, recipe, compute)
    planned = sum(getattr(recipe, stage).minutes for stage in stages)
    start = args.start
    for stage in stages:
        minutes = args.minutes * getattr(recipe, stage).minutes / planned if args.minutes else None
        try:
            weights = run_stage(
                stage, recipe, frames, args.out, minutes, args.resume, start, compute, args.backbone_weights
            )
        except TrainingStopped as stopped:
            compute.close()
            raise common.CliError(f"{stopped}; --resume continues", common.EXIT_INTERRUPTED) from None
        except TrainingDiverged as diverged:
            raise common.CliError(f"{stage}: {diverged}") from diverged
        if compute.is_main:
            common.say(f"wrote {weights}")
        start = None
    if args.stage == "frames" and compute.is_main:
        common.say(f"frames are in {frames.root}")
    compute.close()
    return 0


def _recipe(args: argparse.Namespace) -> Recipe:
    """The recipe with what the command line says instead of it."""
    from dataclasses import replace

    from ros_anomaly.training.recipe import load_recipe
    from ros_anomaly.training.sources import with_dataset

    recipe = load_recipe(args.recipe, args.changes)
    if args.dataset:
        recipe = with_dataset(recipe, args.dataset)
    if args.data_workers is not None:
        recipe = replace(recipe, data_workers=args.data_workers)
    return recipe


def _frames(args: argparse.Namespace, recipe: Recipe, compute: Compute) -> FrameFolders:
    """Folders of rendered frames; what the recipe needs of them is rendered first, unless they were named."""
    from ros_anomaly.training.sources import FrameFolders

    if recipe.data.dataset is not None:
        return FrameFolders(args.frames or args.out / "frames")
    from ros_anomaly.cli.street_frames import ensure, object_kinds

    frames = FrameFolders(args.frames or args.out / "frames", object_kinds())
    if args.frames is None:
        with compute.main_first():
            # Costs nothing where the folder is whole.
            ensure(recipe.data, frames.root, workers=min(_MOST_RENDERERS, os.cpu_count() or 2))
    elif not frames.clean.is_dir():
        raise common.CliError(f"--frames {args.frames}: expected a folder {frames.clean.name} in it, found none")
    return frames


if __name__ == "__main__":
    raise SystemExit(main())
