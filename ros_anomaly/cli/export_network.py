"""Export weights, ours or a public checkpoint's, to an engine: ONNX and manifest."""

from __future__ import annotations

import argparse
from pathlib import Path

from ros_anomaly.cli import common, network_sources


def make_parser() -> argparse.ArgumentParser:
    from ros_anomaly.scores.names import SCORE_NAMES, Aggregation

    parser = common.ArgumentParser(
        prog="ros-anomaly-export-network",
        description="Export a network's weights to an engine file that the detector runs: OUT.onnx with the manifest "
        "OUT.json beside it. Compares ONNX Runtime with torch and fails where they differ. A new engine has no "
        "threshold: run ros-anomaly-calibrate on it. Weights are ours (--weights) or those of a public Mask2Former "
        "(--checkpoint), which can also be saved for fine-tuning (--save-weights).",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--weights", type=common.existing_file, help="safetensors file of train")
    source.add_argument(
        "--checkpoint",
        type=Path,
        help="Mask2Former of others: a Hugging Face folder, or a .pth, .pkl or .safetensors state dict of the original "
        "code, Open-set-M2F or RbA (Swin and ResNet backbones)",
    )
    network_sources.add_options(parser)
    parser.add_argument("--out", type=Path, help="manifest to write, such as engines/default.json")
    parser.add_argument(
        "--kind", choices=("fused", "raw"), default="fused", help="fused: score and class ids; raw: all logits"
    )
    parser.add_argument("--size", type=common.image_size, default="640x360", help="WIDTHxHEIGHT of the image")
    parser.add_argument("--score", choices=SCORE_NAMES, default="uno_clamped", help="score of a fused engine")
    parser.add_argument(
        "--aggregation",
        choices=tuple(a.value for a in Aggregation),
        default=Aggregation.MASKS.value,
        help="sum over masks at full size (exact) or at the masks' own size",
    )
    parser.add_argument("--program", action="store_true", help="write a torch program OUT.pt2 too (torch backend)")
    parser.add_argument(
        "--with-weights", action="store_true", help="write OUT.safetensors too, in float16, and export exactly that"
    )
    parser.add_argument("--frames", type=common.existing_folder, help="frame store to compare on (default: made up)")
    common.add_json_option(parser)
    return parser


def main(argv: list[str] | None = None) -> int:
    return common.run(make_parser(), _export, argv)


def _export(args: argparse.Namespace) -> int:
    _check(args)
    source = network_sources.open_network(args)
    figures: dict[str, object] = {}
    if args.save_weights:
        from ros_anomaly.network.weights import save_weights

        save_weights(args.save_weights, source.network, source.info)
        common.say(f"wrote {args.save_weights}: continue with ros-anomaly-train --start {args.save_weights}")
        figures["weights"] = args.save_weights
    if args.out:
        figures |= _write(args, source)
    if args.json:
        common.print_json(figures)
    return 0


def _check(args: argparse.Namespace) -> None:
    if args.out is None and args.save_weights is None:
        raise common.CliError("expected --out or --save-weights, found neither", common.EXIT_BAD_ARGUMENTS)
    if args.out is not None and args.out.suffix != ".json":
        raise common.CliError(f"--out: expected a manifest path ending in .json, found {args.out}")
    if args.save_weights is not None and args.save_weights.suffix != ".safetensors":
        raise common.CliError(f"--save-weights: expected a path ending in .safetensors, found {args.save_weights}")
    for option in ("variant", "ignore", "save_weights"):
        if args.weights and getattr(args, option):
            raise common.CliError(
                f"--{option.replace('_', '-')}: expected with --checkpoint alone, found with --weights"
            )


def _write(args: argparse.Namespace, source: network_sources.NetworkSource) -> dict[str, object]:
    """Write the engine; manifest and parity for ``--json``."""
    import numpy as np

    from ros_anomaly.cli.engine_files import EngineRequest, write_engine
    from ros_anomaly.data.frame_store import FrameStore
    from ros_anomaly.network.export import ExportError
    from ros_anomaly.scores.names import Aggregation

    images = []
    if args.frames:
        store = FrameStore(args.frames)
        if store.size != args.size:
            raise common.CliError(f"{args.frames}: expected frames of {args.size} (height, width), found {store.size}")
        images = [np.array(store.arrays(int(i))[0]) for i in np.linspace(0, len(store) - 1, min(8, len(store)))]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    request = EngineRequest(
        size=args.size,
        score=args.score if args.kind == "fused" else None,
        aggregation=Aggregation(args.aggregation),
        program=args.program,
        weights=args.with_weights,
        info=source.info,
        classes=source.classes,
    )
    try:
        parity = write_engine(source.network, args.out, request, images)
    except ExportError as error:
        raise common.CliError(str(error)) from error
    common.say(
        f"wrote {args.out}: largest error against torch {parity.max_error:.2g}, "
        f"{parity.class_changes:.4%} of the class decisions changed"
    )
    return {"manifest": args.out, **vars(parity)}


if __name__ == "__main__":
    raise SystemExit(main())
