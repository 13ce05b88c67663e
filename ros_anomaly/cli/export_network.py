"""Export weights, ours or a public checkpoint's, to an engine: ONNX and manifest."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli import common, network_sources

if TYPE_CHECKING:
    import numpy as np

    from ros_anomaly.runtime.threshold import Threshold

_MOST_IMAGES = 8


def make_parser() -> argparse.ArgumentParser:
    from ros_anomaly.network.operators import Target
    from ros_anomaly.scores.names import SCORE_NAMES, Aggregation

    parser = common.ArgumentParser(
        prog="ros-anomaly-export-network",
        description="Export a network's weights to an engine file that the detector runs: OUT.onnx with the manifest "
        "OUT.json beside it. Compares what it wrote with torch in fp32 on images, writes the differences into the "
        "manifest, and fails where they are too large. A new engine has no threshold: run ros-anomaly-calibrate on it, "
        "or let it inherit those of an engine of the same weights (--thresholds-of). Weights are ours (--weights) or "
        "those of a public Mask2Former (--checkpoint), which can also be saved for fine-tuning (--save-weights).",
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
    parser.add_argument("--score", choices=SCORE_NAMES, default="uno_normalised", help="score of a fused engine")
    parser.add_argument(
        "--aggregation",
        choices=tuple(a.value for a in Aggregation),
        default=Aggregation.MASKS.value,
        help="sum over masks at full size (exact) or at the masks' own size",
    )
    parser.add_argument(
        "--precision",
        choices=("fp32", "fp16"),
        default="fp32",
        help="of matrices and features; softmax, sigmoid and the sums over masks are fp32 in both (int8: "
        "ros-anomaly-build-engine)",
    )
    parser.add_argument(
        "--target",
        choices=tuple(target.value for target in Target),
        default=Target.EMBEDDED.value,
        help="embedded: operators that TensorRT has too; any: all but control flow",
    )
    parser.add_argument(
        "--thresholds-of",
        metavar="ENGINE",
        help="inherit the thresholds of this engine (name or manifest) of the same weights, marked as inherited",
    )
    parser.add_argument("--program", action="store_true", help="write a torch program OUT.pt2 too (torch backend)")
    parser.add_argument(
        "--with-weights", action="store_true", help="write OUT.safetensors too, in float16, and export exactly that"
    )
    parser.add_argument(
        "--frames",
        type=Path,
        metavar="PATH",
        help=f"images to compare on, {_MOST_IMAGES} of them: a frame store, a folder of pictures or a bag (default: "
        "made-up ones, which say little of real decisions)",
    )
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
    from ros_anomaly.cli.engine_files import EngineRequest, write_engine
    from ros_anomaly.network.export import ExportError
    from ros_anomaly.scores.names import Aggregation

    images = _images(args.frames, args.size) if args.frames else []
    lost = _calibrated(args.out) if not args.thresholds_of else ""
    args.out.parent.mkdir(parents=True, exist_ok=True)
    fused = args.kind == "fused"
    request = EngineRequest(
        size=args.size,
        score=args.score if fused else None,
        aggregation=Aggregation(args.aggregation) if fused else None,
        precision=args.precision,
        target=args.target,
        program=args.program,
        weights=args.with_weights,
        thresholds=_inherited(args) if args.thresholds_of else {},
        info=source.info,
        classes=source.classes,
    )
    try:
        parity = write_engine(source.network, args.out, request, images)
    except ExportError as error:
        raise common.CliError(str(error)) from error
    common.say(
        f"wrote {args.out}: {args.precision} against torch in fp32 on {parity.frames} "
        f"{'' if images else 'made-up '}images: errors up to {parity.max_error:.2g}, {parity.mean_error:.2g} on "
        f"average; {parity.decision_changes:.4%} of the decisions and {parity.class_changes:.4%} of the classes changed"
    )
    if lost:
        common.say(f"the engine before had a threshold for {lost}; this one has none")
    return {"manifest": args.out, **vars(parity)}


def _calibrated(path: Path) -> str:
    """Scores that an engine at ``path`` is calibrated for, in words; empty where there is none that can be read."""
    from ros_anomaly.runtime.errors import ManifestError
    from ros_anomaly.runtime.manifest import load_manifest

    try:
        return ", ".join(load_manifest(path).thresholds)
    except ManifestError:
        return ""


def _images(path: Path, size: tuple[int, int]) -> list[np.ndarray]:
    """Images spread evenly over what is at ``path``, uint8 [H, W, 3] of ``size``."""
    import numpy as np

    from ros_anomaly.cli.calibration_images import recorded_images
    from ros_anomaly.data.frame_store import FrameStore

    if not path.exists():
        raise common.CliError(
            f"--frames: expected a frame store, a folder of pictures or a bag, found nothing at {path}"
        )
    if not (path / "store.json").is_file():
        images = recorded_images(path, None, size, _MOST_IMAGES)
        if not images:
            raise common.CliError(f"--frames: expected images in {path}, found none that can be read")
        return images
    store = FrameStore(path)
    if store.size != size:
        raise common.CliError(f"{path}: expected frames of {size} (height, width), found {store.size}")
    chosen = np.linspace(0, len(store) - 1, min(_MOST_IMAGES, len(store)))
    return [np.array(store.arrays(int(i))[0]) for i in chosen]


def _inherited(args: argparse.Namespace) -> Mapping[str, Threshold]:
    """The thresholds of another engine of the very weights that are exported, marked as inherited."""
    from ros_anomaly.runtime.files import sha256_of
    from ros_anomaly.runtime.locate import manifest_path
    from ros_anomaly.runtime.manifest import load_manifest

    path = manifest_path(args.thresholds_of)
    manifest = load_manifest(path)
    entry = manifest.files.get("weights")
    if args.weights is None or entry is None or entry.sha256 != (found := sha256_of(args.weights)):
        expected = f"weights with sha256 {entry.sha256}" if entry else "an engine with weights beside it"
        raise common.CliError(
            f"--thresholds-of {path}: thresholds say nothing of other weights; expected {expected}, "
            f"found {found if args.weights and entry else 'none'}"
        )
    return {name: threshold.inherited(manifest.name) for name, threshold in manifest.thresholds.items()}


if __name__ == "__main__":
    raise SystemExit(main())
