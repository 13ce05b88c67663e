"""Check that TensorRT-RTX takes the network: parsed and built for GPUs that need not be here."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ros_anomaly.cli import common

if TYPE_CHECKING:
    from ros_anomaly.runtime.building.options import Precision

_BACKEND = "tensorrt_rtx"


def make_parser() -> argparse.ArgumentParser:
    parser = common.ArgumentParser(
        prog="scripts/check_tensorrt.sh",
        description="Parse and build an engine's network with TensorRT-RTX, which needs no GPU for that: the exported "
        "file in its own precision, and an export of its weights in the other one. Fails where an operator is not "
        "supported, and names it. That the built engine computes what it must is for `make gpu-check` to say.",
    )
    parser.add_argument("--engine", default="default", help="exported engine with its weights: name or manifest")
    parser.add_argument(
        "--targets",
        nargs="+",
        type=_capability,
        default=["8.6", "8.9", "12.0"],
        metavar="CC",
        help="compute capabilities to build for",
    )
    parser.add_argument(
        "--precisions", nargs="+", choices=("fp32", "fp16"), default=["fp32", "fp16"], help="of the network's matrices"
    )
    common.add_json_option(parser)
    return parser


def _capability(text: str) -> str:
    from ros_anomaly.runtime.building.options import compute_capability_text

    try:
        return compute_capability_text(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def main(argv: list[str] | None = None) -> int:
    return common.run(make_parser(), _check, argv)


def _check(args: argparse.Namespace) -> None:
    from ros_anomaly.runtime.building.options import Precision
    from ros_anomaly.runtime.tensorrt.device import device_identity

    version = device_identity(_BACKEND).backend_version
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in args.precisions:
            precision = Precision(name)
            onnx_path = _network(args.engine, precision, Path(folder))
            row = {"precision": name, **_graph(onnx_path), **_build(onnx_path, precision, tuple(args.targets))}
            rows.append(row)
            common.say(
                f"{name}: {row['nodes']} nodes of opset {row['opset']}, built in {row['build_s']:.0f} s, "
                f"{row['plan_mb']:.1f} MB for compute capabilities {', '.join(args.targets)}"
            )
    if args.json:
        common.print_json({_BACKEND: version, "targets": args.targets, "networks": rows})
    else:
        print(f"TensorRT-RTX {version} takes the engine {args.engine} in {' and '.join(args.precisions)}")


def _network(engine: str, precision: Precision, folder: Path) -> Path:
    """The engine's own ONNX file where that is of the precision, else an export of its weights."""
    from ros_anomaly.runtime.locate import manifest_path
    from ros_anomaly.runtime.manifest import load_manifest

    path = manifest_path(engine)
    manifest = load_manifest(path)
    if manifest.precision is precision:
        return manifest.file("onnx", path.parent)
    if manifest.score is None or manifest.aggregation is None:
        raise common.CliError(f"{path}: expected a fused engine, found a {manifest.kind.value} one")
    from ros_anomaly.network.export import ExportError, export_onnx
    from ros_anomaly.network.fused import FusedNetwork
    from ros_anomaly.network.weights import load_weights

    common.say(f"exporting {engine} in {precision.value}")
    network, _ = load_weights(manifest.file("weights", path.parent))
    module = FusedNetwork(network, manifest.score, manifest.aggregation, half=precision.value == "fp16")
    try:
        export_onnx(module, manifest.input_size, folder / f"{precision.value}.onnx")
    except ExportError as error:
        raise common.CliError(str(error)) from error
    return folder / f"{precision.value}.onnx"


def _graph(onnx_path: Path) -> dict[str, Any]:
    """Opset, nodes and operators. CliError for what a network for TensorRT must not have, GridSample among it."""
    import onnx

    from ros_anomaly.network.operators import Target, check_graph

    model = onnx.load(str(onnx_path), load_external_data=False)
    if problem := check_graph(model, Target.EMBEDDED):
        raise common.CliError(f"{onnx_path}: {problem}")
    return {
        "opset": max(entry.version for entry in model.opset_import),
        "nodes": len(model.graph.node),
        "operators": sorted({node.op_type for node in model.graph.node}),
    }


def _build(onnx_path: Path, precision: Precision, targets: tuple[str, ...]) -> dict[str, float]:
    from ros_anomaly.runtime.building.options import BuildOptions
    from ros_anomaly.runtime.tensorrt.plan import build_plan

    began = time.monotonic()
    plan = build_plan(onnx_path, BuildOptions(_BACKEND, precision, targets=targets), lambda share: None)
    return {"build_s": time.monotonic() - began, "plan_mb": len(plan) / 1e6}


if __name__ == "__main__":
    raise SystemExit(main())
