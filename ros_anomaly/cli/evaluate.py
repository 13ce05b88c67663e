"""``ros-anomaly-evaluate``: figures of engines and scores over a street protocol or a dataset."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli import common, evaluate_log, evaluate_output, evaluate_sources, evaluate_text
from ros_anomaly.cli.evaluate_engines import DEFAULT_SCORES, Request, check_engine, unique_labels
from ros_anomaly.cli.evaluate_runs import RunPlan, run_engine
from ros_anomaly.cli.raw_engine import engine_of
from ros_anomaly.cli.street_frames import PROTOCOLS, STREET_SIZE

if TYPE_CHECKING:
    from ros_anomaly.data.corruptions import Corruption
    from ros_anomaly.evaluation.labelled.result import EvaluatedEngine, EvaluationResult
    from ros_anomaly.evaluation.labelled.source import EvaluationSource

POOLED = "fishyscapes"
"""By whose definitions a dataset without a custom of its own is measured: pixels pooled over frames."""

_EPILOG = """\
--json prints {"protocol", "frames", "miou", "scores": {name: {"ap", "auroc", "fpr95", "ap_ci", "road"}}} for a street
protocol. A dataset has "dataset", "split", "convention" in place of "protocol", and each score "best_f1", "threshold",
"siou", "ppv", "f1_star" in place of "road". With several engines "miou" and "scores" stand in "engines" under each
engine's name. Beside "scores" stand, where they were measured, "ap_gains" (UNO against the other scores),
"object_recall" (at the calibrated threshold; "near": at least 60 visible pixels, in the corridor, within 30 m) and
"corruptions".
"""


def build_parser() -> common.ArgumentParser:
    parser = common.ArgumentParser(
        prog="ros-anomaly-evaluate",
        description="Run engines over labelled frames, once a frame, and report how well every score tells anomalous "
        "pixels from normal ones (AP, AUROC, FPR95 …) and how well the known classes are segmented (mIoU). Frames are "
        "those of a street protocol, rendered here, or of a dataset in a folder. Choose on validation; test is for "
        "reporting.",
        epilog=_EPILOG,
    )
    what = parser.add_argument_group("what to look at")
    what.add_argument("--street", choices=sorted(PROTOCOLS), default="validation", help="a street protocol")
    what.add_argument("--dataset", metavar="NAME", help="a dataset instead; an unknown name lists them all")
    what.add_argument("--folder", type=common.existing_folder, metavar="DIR", help="where the dataset lies")
    what.add_argument("--split", help="which part of the dataset; without it the one that the field reports")
    what.add_argument(
        "--images", type=common.existing_folder, metavar="DIR", help="its pictures, where they lie apart from labels"
    )
    what.add_argument(
        "--label-format",
        choices=["class-ids", "anomaly-mask"],
        help="what the masks of --dataset folder hold, never guessed: class ids (13 anomaly, 255 void), or 0, 1 "
        "(anomaly) and 255 (void); the labels of drives have 255 for anomaly instead",
    )
    what.add_argument("--allow-missing", action="store_true", help="leave out pictures without labels, and name them")
    what.add_argument("--frames", type=common.positive_int, help="only so many frames, evenly spread")

    how = parser.add_argument_group("how to measure")
    how.add_argument(
        "--engine",
        nargs="+",
        default=["default"],
        metavar="ENGINE",
        help="names, manifests or weights files (.safetensors, for 640x360 images); several are compared",
    )
    how.add_argument(
        "--scores",
        metavar="NAME,…",
        help=f"scores, comma separated (default: {','.join(DEFAULT_SCORES)}); an unknown name lists them all",
    )
    how.add_argument(
        "--fit",
        metavar="SOURCE",
        help="anomaly-free frames for the scores that need statistics (sml, kl_matching): training or validation "
        "(streets), or NAME[/SPLIT]:FOLDER of a dataset; other frames than those evaluated; kept in the cache",
    )
    how.add_argument("--deployed", action="store_true", help="run the engine as deployed, with its own score alone")
    how.add_argument(
        "--aggregation",
        choices=["masks", "exact"],
        default="masks",
        help="masks to pixels: as deployed, or exact",
    )
    how.add_argument(
        "--corrupt",
        nargs="+",
        default=[],
        metavar="NAME[:AMOUNT]",
        help="besides, the same frames with their pictures corrupted: jpeg:40 (quality), noise:10 (grey levels), "
        "blur:2 (pixels), motion-blur:8 (pixels), fog:150 (metres of visibility), brightness:1.3 (factor); "
        "NAME@SEVERITY for severities 1 to 5, NAME for all five, all for every one of them",
    )
    how.add_argument("--corrupt-seed", type=common.non_negative_int, default=0, help="seed of noise and motion")
    how.add_argument("--convention", metavar="NAME", help="definitions for a dataset; without it the dataset's own")
    common.add_backend_option(how)
    how.add_argument("--threads", type=common.positive_int, help="CPU threads of the engine")

    where = parser.add_argument_group("what to leave behind")
    where.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for result.json, curves.json, frames.csv, pictures of the worst frames, report.html and "
        "timings.json; an interrupted run that is started again with it goes on where it stopped",
    )
    where.add_argument("--fresh", action="store_true", help="forget an interrupted run in --out and begin anew")
    where.add_argument(
        "--save-every", type=common.positive_int, default=50, metavar="N", help="frames between two savings in --out"
    )
    where.add_argument("--worst", type=common.non_negative_int, default=10, help="worst frames to keep of each kind")
    where.add_argument("--log", type=Path, metavar="FILE", help="append the line for docs/test_log.md to this file")
    common.add_json_option(parser)
    return parser


def evaluate(args: argparse.Namespace) -> None:
    from ros_anomaly.evaluation.labelled.result import summary

    _check(args)
    request = _request(args)
    opened = {name: engine_of(name, STREET_SIZE) for name in args.engine}
    labels = _engine_labels(opened, request)
    unfinished = evaluate_output.claim(args.out, args.fresh) if args.out else None
    source = _source(args)
    if args.fit:
        fit_source = evaluate_sources.open_fit_source(args.fit)
        evaluate_sources.check_fit_apart(fit_source, source)
        request = replace(request, fit=fit_source)
    plan = RunPlan(
        source, _convention_name(args), corruptions(args), args.corrupt_seed, args.worst, unfinished, args.save_every
    )
    engines = [run_engine(opened[name], labels[name], request, plan) for name in args.engine]
    result = _result(args, source, [engine for engine, _ in engines], next((fit for _, fit in engines if fit), None))

    print(evaluate_text.table(result))
    if args.json:
        common.print_json(summary(result))
    if args.out:
        commands = {labels[name]: evaluate_log.command_of(args, name) for name in args.engine}
        evaluate_output.write(args.out, result, commands)
        common.say(f"{args.out / 'report.html'}")
    if args.dataset is None and args.street == "test":
        reports = {name: engine.report for name, (engine, _) in zip(args.engine, engines, strict=True)}
        evaluate_log.log_runs(args, reports)


def _check(args: argparse.Namespace) -> None:
    """Whatever is wrong is said now and not after minutes of work."""
    from ros_anomaly.evaluation.conventions import CONVENTIONS
    from ros_anomaly.scores.names import FITTED_SCORE_NAMES, check_score_name

    def refuse(message: str) -> None:
        raise common.CliError(message, common.EXIT_BAD_ARGUMENTS)

    corruptions(args)
    for name in score_names(args):
        check_score_name(name)
    if set(score_names(args)) & set(FITTED_SCORE_NAMES) and not args.fit:
        refuse("--scores: expected --fit with sml and kl_matching, which need statistics; found none")
    if args.dataset is None:
        if args.fit == args.street:
            refuse(
                f"--fit: expected other frames than those evaluated (training, or NAME[/SPLIT]:FOLDER), "
                f"found {args.fit} for both"
            )
        for option in ("folder", "split", "images", "label_format", "convention"):
            if getattr(args, option) is not None:
                refuse(f"--{option.replace('_', '-')}: expected with --dataset, found without")
    elif args.folder is None:
        refuse("--dataset: expected --folder with it, found none")
    if args.convention is not None and args.convention not in CONVENTIONS:
        refuse(f"--convention: expected one of {', '.join(CONVENTIONS)}; found {args.convention!r}")
    if args.log and (args.dataset is not None or args.street != "test"):
        refuse("--log: only runs of --street test are logged")
    if args.log and (args.log.is_dir() or not args.log.resolve().parent.is_dir()):
        refuse(f"expected a file in a folder that is there, found {args.log}")
    if args.fresh and not args.out:
        refuse("--fresh: expected with --out, found without")
    if len(set(args.engine)) != len(args.engine):
        refuse(f"--engine: expected every engine once, found {' '.join(args.engine)}")


def score_names(args: argparse.Namespace) -> list[str]:
    """The names in ``--scores``; none where it was not given."""
    return [name.strip() for name in (args.scores or "").split(",") if name.strip()]


def corruptions(args: argparse.Namespace) -> tuple[Corruption, ...]:
    """What ``--corrupt`` asks for, each once; ValueError for anything that is no corruption."""
    from ros_anomaly.data.corruptions import parse_corruptions

    return tuple(dict.fromkeys(one for word in args.corrupt for one in parse_corruptions(word)))


def _engine_labels(opened: Mapping[str, str], request: Request) -> dict[str, str]:
    """By the names that were given; ``opened`` has what each of them stands for."""
    from ros_anomaly.runtime.locate import manifest_path
    from ros_anomaly.runtime.manifest import load_manifest

    manifests = [load_manifest(manifest_path(name)) for name in opened.values()]
    for manifest in manifests:
        check_engine(manifest, request)
    return dict(zip(opened, unique_labels([(m.name, m.fingerprint) for m in manifests]), strict=True))


def _source(args: argparse.Namespace) -> EvaluationSource:
    if args.dataset is None:
        return evaluate_sources.open_street(args.street, args.frames)
    return evaluate_sources.open_dataset(args)


def _request(args: argparse.Namespace) -> Request:
    """All but the frames of ``--fit``, which are opened when everything else is known to be right."""
    return Request(tuple(score_names(args)), args.deployed, args.aggregation, args.threads, None, args.backend)


def _convention_name(args: argparse.Namespace) -> str | None:
    from ros_anomaly.data.datasets.registry import dataset_info

    if args.dataset is None:
        return None
    return args.convention or dataset_info(args.dataset).convention or POOLED


def _result(
    args: argparse.Namespace, source: EvaluationSource, engines: list[EvaluatedEngine], fit: str | None
) -> EvaluationResult:
    from ros_anomaly.evaluation.labelled.published import published_rows
    from ros_anomaly.evaluation.labelled.result import EvaluationResult

    return EvaluationResult(
        source=source.name,
        split=source.split,
        convention=_convention_name(args),
        aggregation=args.aggregation,
        engines=tuple(engines),
        published=published_rows(args.dataset) if args.dataset else (),
        fit=fit,
    )


def main(argv: list[str] | None = None) -> int:
    return common.run(build_parser(), evaluate, argv)


if __name__ == "__main__":
    sys.exit(main())
