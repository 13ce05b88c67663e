"""Export weights to an engine: ONNX and manifest."""

from __future__ import annotations

import argparse
from pathlib import Path

from ros_anomaly.cli import common


def make_parser() -> argparse.ArgumentParser:
    from ros_anomaly.scores.names import SCORE_NAMES, Aggregation

    parser = common.ArgumentParser(
        prog="ros-anomaly-export-network",
        description="Export a network's weights to an engine file that the detector runs: OUT.onnx with the manifest "
        "OUT.json beside it. Compares ONNX Runtime with torch and fails where they differ. A new engine has no "
        "threshold: run ros-anomaly-calibrate on it.",
    )
    parser.add_argument("--weights", type=common.existing_file, required=True, help="safetensors file of train")
    parser.add_argument("--out", type=Path, required=True, help="manifest to write, such as engines/default.json")
    parser.add_argument(
        "--kind", choices=("fused", "raw"), default="fused", help="fused: score and class ids; raw: all logits"
    )
    parser.add_argument("--size", type=common.image_size, default="640x360", help="WIDTHxHEIGHT of the image")
    parser.add_argument("--score", choices=SCORE_NAMES, default="uno_clamped", help="score of a fused engine")
    parser.add_argument(
        "--aggregation",
        choices=tuple(a.value for a in Aggregation),
        default=Aggregation.STRIDE_4.value,
        help="sum over masks at full size (exact) or at a quarter of it",
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
    import numpy as np

    from ros_anomaly.cli.engine_files import EngineRequest, write_engine
    from ros_anomaly.data.frame_store import FrameStore
    from ros_anomaly.network.export import ExportError
    from ros_anomaly.network.weights import load_weights
    from ros_anomaly.scores.names import Aggregation

    if args.out.suffix != ".json":
        raise common.CliError(f"--out: expected a manifest path ending in .json, found {args.out}")
    network, info = load_weights(args.weights)
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
        info=info,
    )
    try:
        parity = write_engine(network, args.out, request, images)
    except ExportError as error:
        raise common.CliError(str(error)) from error
    common.say(
        f"wrote {args.out}: largest error against torch {parity.max_error:.2g}, "
        f"{parity.class_changes:.4%} of the class decisions changed"
    )
    if args.json:
        common.print_json({"manifest": args.out, **vars(parity)})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
