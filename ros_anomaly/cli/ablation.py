"""``ros-anomaly-ablation``: networks side by side on a street protocol, as tables that a document can hold."""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli import common, evaluate_sources
from ros_anomaly.cli.evaluate_engines import Request, check_engine
from ros_anomaly.cli.evaluate_output import as_json
from ros_anomaly.cli.evaluate_runs import RunPlan, run_engine
from ros_anomaly.cli.raw_engine import WEIGHTS_SUFFIX, engine_of
from ros_anomaly.cli.street_frames import PROTOCOLS, STREET_SIZE

if TYPE_CHECKING:
    from ros_anomaly.evaluation.labelled.ablation import AblatedNetwork

SCORES = (
    "uno",
    "uno_clamped",
    "uno_normalised",
    "unc",
    "objectness",
    "msp",
    "max_logit",
    "entropy",
    "energy",
    "rba",
)
_MARKDOWN, _JSON, _UNFINISHED = "ablation.md", "ablation.json", "unfinished"

_EPILOG = """\
examples:
  %(prog)s closed=RUN/closed.safetensors fine-tuned=RUN/outlier.safetensors --out ABLATION
  %(prog)s none=A.safetensors pasted=B.safetensors rendered=C.safetensors --aggregation masks exact --out ABLATION
  %(prog)s "A only=A.safetensors" all=B.safetensors --seen "A only=household" --seen all=household,shape --out ABLATION
"""


@dataclass(frozen=True)
class _Named:
    """A network as it was asked for: its label, and the engine or weights file."""

    label: str
    path: str


def build_parser() -> common.ArgumentParser:
    parser = common.ArgumentParser(
        prog="ros-anomaly-ablation",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measure several networks on the same frames of a street protocol: every score of every network,\n"
        "the known classes, UNO against its parts, sums at the masks' size and exact ones, AP by kind, distance, size\n"
        "and weather of the anomaly. Writes ablation.md and ablation.json into OUT. Choose on validation.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "networks",
        nargs="+",
        metavar="LABEL=FILE",
        help="a row of the tables: its label, and an engine (name or manifest) or a weights file (.safetensors)",
    )
    parser.add_argument("--street", choices=sorted(PROTOCOLS), default="validation", help="(default: validation)")
    parser.add_argument("--frames", type=common.positive_int, help="only so many frames, evenly spread")
    parser.add_argument(
        "--scores",
        metavar="NAME,…",
        help=f"(default: {','.join(SCORES)}); those that need an outlier class are left out of networks without one",
    )
    parser.add_argument(
        "--aggregation",
        nargs="+",
        choices=["masks", "exact"],
        default=["masks"],
        help="where sums over masks are taken; with both, a table compares them (default: masks)",
    )
    parser.add_argument(
        "--seen",
        action="append",
        default=[],
        metavar="LABEL=KIND,…",
        help="kinds of objects that this network saw as negatives (household, shape …): its AP is then told apart for "
        "kinds seen in training and kinds never seen",
    )
    parser.add_argument("--threads", type=common.positive_int, help="CPU threads of the networks")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="folder for the tables; an interrupted run that is started again with it goes on where it stopped",
    )
    common.add_json_option(parser)
    return parser


def ablation(args: argparse.Namespace) -> None:
    from ros_anomaly.evaluation.labelled.ablation import ablation_json, ablation_markdown
    from ros_anomaly.runtime.files import write_atomically

    networks = [_named(word) for word in args.networks]
    _check(args, networks)
    seen = dict(_seen(word, networks) for word in args.seen)
    args.out.mkdir(parents=True, exist_ok=True)
    opened = {one.label: engine_of(one.path, STREET_SIZE) for one in networks}
    requests = {one.label: _request(args, one, opened[one.label]) for one in networks}
    found = [_measure(args, one.label, opened[one.label], requests[one.label], seen.get(one.label)) for one in networks]
    title = PROTOCOLS[args.street]
    text = ablation_markdown(title, _command(args, networks), found)
    write_atomically(args.out / _MARKDOWN, text.encode())
    figures = ablation_json(title, found)
    write_atomically(args.out / _JSON, as_json(figures).encode())
    print(text)
    common.say(f"{args.out / _MARKDOWN}")
    if args.json:
        common.print_json(figures)


def _measure(
    args: argparse.Namespace, label: str, opened: str, requests: dict[str, Request], seen: tuple[str, ...] | None
) -> AblatedNetwork:
    from ros_anomaly.evaluation.labelled.ablation import AblatedNetwork

    source = evaluate_sources.open_street(args.street, args.frames, seen)
    plan = RunPlan(source, worst=0, unfinished=args.out / _UNFINISHED)
    engines = {
        aggregation: run_engine(opened, f"{label}, {aggregation}", request, plan)[0]
        for aggregation, request in requests.items()
    }
    return AblatedNetwork(label, engines, seen)


def _request(args: argparse.Namespace, named: _Named, opened: str) -> dict[str, Request]:
    """By aggregation; CliError where the network cannot give what is asked for."""
    from ros_anomaly.runtime.locate import manifest_path
    from ros_anomaly.runtime.manifest import load_manifest
    from ros_anomaly.scores.names import OUTLIER_SCORE_NAMES

    scores = _scores(args)
    if not _has_outlier_class(named.path):
        scores = tuple(name for name in scores if name not in OUTLIER_SCORE_NAMES)
        if not scores:
            raise common.CliError(f"{named.label}: expected a score that needs no outlier class, found {args.scores}")
    requests = {name: Request(scores, False, name, args.threads, None) for name in args.aggregation}
    for request in requests.values():
        check_engine(load_manifest(manifest_path(opened)), request)
    return requests


def _has_outlier_class(path: str) -> bool:
    """By the weights; an engine without them is taken for one that is deployed, which has it."""
    from ros_anomaly.network.weights import read_weights
    from ros_anomaly.runtime.locate import manifest_path
    from ros_anomaly.runtime.manifest import load_manifest

    file = Path(path).expanduser()
    if file.suffix != WEIGHTS_SUFFIX or file.with_suffix(".json").is_file():
        manifest_file = manifest_path(path)
        manifest = load_manifest(manifest_file)
        if "weights" not in manifest.files:
            return True
        file = manifest.file("weights", manifest_file.parent)
    return read_weights(file).config.outlier_class


def _check(args: argparse.Namespace, networks: list[_Named]) -> None:
    from ros_anomaly.scores.names import FITTED_SCORE_NAMES, check_score_name

    for name in _scores(args):
        if check_score_name(name) in FITTED_SCORE_NAMES:
            raise common.CliError(
                f"--scores: expected scores that need no statistics, found {name}", common.EXIT_BAD_ARGUMENTS
            )
    labels = [one.label for one in networks]
    if len(set(labels)) != len(labels):
        raise common.CliError(
            f"networks: expected every label once, found {', '.join(labels)}", common.EXIT_BAD_ARGUMENTS
        )
    if args.out.is_dir():
        others = [path for path in args.out.iterdir() if path.name not in (_MARKDOWN, _JSON, _UNFINISHED)]
    else:
        others = [args.out] if args.out.exists() else []
    if others:
        raise common.CliError(
            f"--out: expected a new or empty folder, or one of an earlier ablation, found {others[0]}",
            common.EXIT_BAD_ARGUMENTS,
        )


def _scores(args: argparse.Namespace) -> tuple[str, ...]:
    return tuple(name.strip() for name in args.scores.split(",") if name.strip()) if args.scores else SCORES


def _named(word: str) -> _Named:
    label, equals, path = word.partition("=")
    if not (label.strip() and equals and path):
        raise common.CliError(f"networks: expected LABEL=FILE, found {word!r}", common.EXIT_BAD_ARGUMENTS)
    return _Named(label.strip(), path)


def _seen(word: str, networks: list[_Named]) -> tuple[str, tuple[str, ...]]:
    label, equals, kinds = word.partition("=")
    known = [one.label for one in networks]
    if not equals or label.strip() not in known:
        raise common.CliError(
            f"--seen: expected LABEL=KIND,… with a LABEL of {', '.join(known)}; found {word!r}",
            common.EXIT_BAD_ARGUMENTS,
        )
    return label.strip(), tuple(kind.strip() for kind in kinds.split(",") if kind.strip())


def _command(args: argparse.Namespace, networks: list[_Named]) -> str:
    """What decided the figures, without the folders of one machine."""
    words = ["ros-anomaly-ablation", *(f"{one.label}={Path(one.path).name}" for one in networks)]
    words += ["--street", args.street] if args.street != "validation" else []
    words += ["--frames", str(args.frames)] if args.frames else []
    words += ["--scores", args.scores] if args.scores else []
    words += ["--aggregation", *args.aggregation] if args.aggregation != ["masks"] else []
    for word in args.seen:
        words += ["--seen", word]
    return shlex.join(words)


def main(argv: list[str] | None = None) -> int:
    return common.run(build_parser(), ablation, argv)


if __name__ == "__main__":
    sys.exit(main())
