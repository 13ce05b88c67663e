"""Train the default network: closed-set training, then fine-tuning with negatives."""

from __future__ import annotations

import argparse
from pathlib import Path

from ros_anomaly.cli import common


def make_parser() -> argparse.ArgumentParser:
    parser = common.ArgumentParser(
        prog="ros-anomaly-train",
        description="Train the network on rendered streets: 'closed' learns the K classes of the street from "
        "ImageNet weights, 'outlier' adds the outlier class with pasted and rendered negatives. Weights are written to "
        "OUT/closed.safetensors and OUT/outlier.safetensors; log, loss curve and pictures beside them. "
        "Ctrl-C writes a checkpoint; --resume continues.",
    )
    parser.add_argument("--recipe", type=common.existing_file, required=True, help="YAML file that says how to train")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument(
        "--frames",
        type=Path,
        help="folder of frames that are there already (default: OUT/frames, rendered as the recipe says)",
    )
    parser.add_argument("--stage", choices=("closed", "outlier", "all"), default="all", help="what to train")
    parser.add_argument(
        "--minutes", type=common.positive_float, help="wall-clock budget; 'all' divides it as the recipe's minutes"
    )
    parser.add_argument("--start", type=common.existing_file, help="weights to start the (first) stage from")
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoints in OUT")
    parser.add_argument("--threads", type=common.positive_int, help="CPU threads (default: one a core)")
    return parser


def main(argv: list[str] | None = None) -> int:
    return common.run(make_parser(), _train, argv)


def _train(args: argparse.Namespace) -> int:
    import cv2
    import torch

    from ros_anomaly.training.recipe import load_recipe
    from ros_anomaly.training.run import STAGES, FrameFolders, run_stage
    from ros_anomaly.training.trainer import TrainingDiverged, TrainingStopped

    if args.threads:
        torch.set_num_threads(args.threads)
    # OpenCV's own threads would fight with torch's over the same cores.
    cv2.setNumThreads(1)
    recipe = load_recipe(args.recipe)
    frames = FrameFolders(args.frames or args.out / "frames")
    if args.frames is None:
        from ros_anomaly.cli.street_frames import ensure

        ensure(recipe.data, frames.root)  # costs nothing where the folder is whole
    elif not frames.clean.is_dir():
        raise common.CliError(f"--frames {args.frames}: expected a folder {frames.clean.name} in it, found none")
    stages = STAGES if args.stage == "all" else (args.stage,)
    planned = sum(getattr(recipe, stage).minutes for stage in stages)
    start = args.start
    for stage in stages:
        minutes = args.minutes * getattr(recipe, stage).minutes / planned if args.minutes else None
        try:
            weights = run_stage(stage, recipe, frames, args.out, minutes, args.resume, start)
        except TrainingStopped as stopped:
            raise common.CliError(f"{stopped}; --resume continues", common.EXIT_INTERRUPTED) from None
        except TrainingDiverged as diverged:
            raise common.CliError(str(diverged)) from diverged
        common.say(f"wrote {weights}")
        start = None
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
