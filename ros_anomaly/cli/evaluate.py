"""``ros-anomaly-evaluate``: figures of an engine's anomaly scores over a street protocol."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ros_anomaly.cli import common
from ros_anomaly.cli.street_frames import PROTOCOLS, street_source

if TYPE_CHECKING:
    from ros_anomaly.evaluation.metrics import RankingFigures
    from ros_anomaly.evaluation.street import StreetReport

DEFAULT_SCORES = "uno,uno_clamped,unc,objectness,msp,max_logit"

_LOG_HEADER = """\
# Runs of the test protocol

Choices are made on validation; every run of `street-test-1` leaves a line here (figures are fractions).

| date | commit | command | frames | mIoU | AP / AUROC / FPR95 by score |
|---|---|---|---|---|---|
"""


def build_parser() -> common.ArgumentParser:
    parser = common.ArgumentParser(
        prog="ros-anomaly-evaluate",
        description="Render the frames of a street protocol, run the network once on each, and report how well every "
        "score tells anomalous pixels from normal ones (AP, AUROC, FPR95, pooled over all pixels) and how well the "
        "known classes are segmented (mIoU). Choose on validation; test is for reporting.",
    )
    parser.add_argument("--street", choices=sorted(PROTOCOLS), default="validation", help="which protocol")
    parser.add_argument("--frames", type=common.positive_int, help="only so many frames, spread over its towns")
    parser.add_argument("--scores", default=DEFAULT_SCORES, metavar="NAME,…", help="scores, comma separated")
    parser.add_argument("--engine", default="default", help="engine: name, manifest or raw engine's manifest")
    parser.add_argument(
        "--aggregation",
        choices=["stride_4", "exact"],
        default="stride_4",
        help="masks to pixels: as deployed, or exact",
    )
    parser.add_argument("--threads", type=common.positive_int, help="CPU threads of the engine")
    parser.add_argument("--details", type=Path, metavar="FILE", help="write everything (classes, distances …) as JSON")
    parser.add_argument("--log", type=Path, metavar="FILE", help="append the line for docs/test_log.md to this file")
    common.add_json_option(parser)
    return parser


def evaluate(args: argparse.Namespace) -> None:
    from ros_anomaly.cli.raw_engine import open_raw_engine
    from ros_anomaly.evaluation.street import evaluate_frames
    from ros_anomaly.scores.names import Aggregation, check_score_name

    if args.log and args.street != "test":
        raise common.CliError("--log: only runs of --street test are logged", common.EXIT_BAD_ARGUMENTS)
    for path in (args.details, args.log):  # said now and not after minutes of work
        if path and (path.is_dir() or not path.resolve().parent.is_dir()):
            raise common.CliError(f"expected a file in a folder that is there, found {path}", common.EXIT_BAD_ARGUMENTS)
    names = [name.strip() for name in args.scores.split(",") if name.strip()]
    for name in names:
        check_score_name(name)
    protocol = PROTOCOLS[args.street]
    engine = open_raw_engine(args.engine, args.threads)
    try:
        frames = common.track(street_source(args.street, args.frames), f"evaluating {protocol}")
        report = evaluate_frames(frames, engine, names, Aggregation(args.aggregation))
    finally:
        engine.close()

    print(table(protocol, report))
    if args.json:
        common.print_json(figures(protocol, report))
    if args.details:
        args.details.write_text(_as_json(details(protocol, report)), encoding="utf-8")
    if args.street == "test":
        line = log_line(report, logged_command(args))
        if args.log:
            append_log(args.log, line)
        else:
            common.say(f"for docs/test_log.md:\n{line}")


def figures(protocol: str, report: StreetReport) -> dict[str, Any]:
    """What ``--json`` prints."""
    return {
        "protocol": protocol,
        "frames": report.frames,
        "miou": report.miou,
        "scores": {
            name: {
                **_ranking(score.full, score.full_ap_ci),
                "road": _ranking(score.road, score.road_ap_ci),
            }
            for name, score in report.scores.items()
        },
    }


def details(protocol: str, report: StreetReport) -> dict[str, Any]:
    """What ``--details`` writes: ``figures`` and classes, distances, pixel counts, worst frames."""
    from dataclasses import asdict

    everything = figures(protocol, report)
    everything["anomalous_frames"] = report.anomalous_frames
    everything["iou"] = report.iou
    for name, score in report.scores.items():
        everything["scores"][name]["by_distance"] = {band: asdict(own) for band, own in score.by_distance.items()}
        everything["scores"][name]["anomalous_px"] = score.full.anomalous_px
        everything["scores"][name]["normal_px"] = score.full.normal_px
    everything["worst_frames"] = [asdict(frame) for frame in report.worst]
    return everything


def table(protocol: str, report: StreetReport) -> str:
    """The figures for people, in per cent."""
    lines = [
        f"{protocol}: {report.frames} frames, {report.anomalous_frames} of them with anomalies; "
        f"mIoU {_percent(report.miou)} %",
        "classes (IoU in %): " + ", ".join(f"{name} {_percent(value)}" for name, value in report.iou.items()),
        "",
        f"{'in per cent':<14}{'AP':>7}{'95 % interval':>16}{'AUROC':>8}{'FPR95':>8}   "
        f"{'road: AP':>9}{'AUROC':>8}{'FPR95':>8}",
    ]
    for name, score in report.scores.items():
        interval = "–" if score.full_ap_ci is None else "–".join(_percent(end) for end in score.full_ap_ci)
        full, road = score.full, score.road
        lines.append(
            f"{name:<14}{_percent(full.ap):>7}{interval:>16}{_percent(full.auroc):>8}{_percent(full.fpr95):>8}   "
            f"{_percent(road.ap):>9}{_percent(road.auroc):>8}{_percent(road.fpr95):>8}"
        )
    first, score = next(iter(report.scores.items()))
    lines += ["", f"{first} by distance of the anomaly (against all normal pixels):"]
    lines += [
        f"  {band:<10} AP {_percent(own.ap):>5}  AUROC {_percent(own.auroc):>5}  FPR95 {_percent(own.fpr95):>5}"
        f"  {own.anomalous_px} pixels"
        for band, own in score.by_distance.items()
    ]
    worst = ", ".join(f"{frame.name} {_percent(frame.ap)}" for frame in report.worst)
    return "\n".join([*lines, f"frames with the lowest AP: {worst or 'none has anomalies'}"])


def log_line(report: StreetReport, command: str) -> str:
    """One row of the table in docs/test_log.md, with the commit of this checkout."""
    scores = "; ".join(
        f"{name} {_fraction(s.full.ap)} / {_fraction(s.full.auroc)} / {_fraction(s.full.fpr95)}"
        for name, s in report.scores.items()
    )
    today = datetime.now(timezone.utc).date().isoformat()
    return f"| {today} | {_commit()} | `{command}` | {report.frames} | {_fraction(report.miou)} | {scores} |"


def logged_command(args: argparse.Namespace) -> str:
    """What decided the figures, as a command; where they were written to, and on which machine, did not."""
    words = ["ros-anomaly-evaluate", "--street", args.street]
    engine = Path(args.engine)
    defaults = {"frames": None, "scores": DEFAULT_SCORES, "engine": "default", "aggregation": "stride_4"}
    given = {**vars(args), "engine": engine.name if engine.is_absolute() else args.engine}
    for name, default in defaults.items():
        if given[name] != default:
            words += [f"--{name}", str(given[name])]
    return shlex.join(words)


def append_log(path: Path, line: str) -> None:
    """Append a line to the log of test runs; a new file gets its heading first."""
    new = not path.exists() or not path.read_text(encoding="utf-8").strip()
    with path.open("a", encoding="utf-8") as file:
        file.write((_LOG_HEADER if new else "") + line + "\n")


def _ranking(own: RankingFigures, ap_ci: tuple[float, float] | None) -> dict[str, Any]:
    return {"ap": own.ap, "auroc": own.auroc, "fpr95": own.fpr95, "ap_ci": None if ap_ci is None else list(ap_ci)}


def _commit() -> str:
    here = Path(__file__).resolve().parent
    try:
        named = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=10"],
            cwd=here,
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return named.stdout.strip() if named.returncode == 0 and named.stdout.strip() else "unknown"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _fraction(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _as_json(value: dict[str, Any]) -> str:
    import json

    return json.dumps(common.to_plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def main(argv: list[str] | None = None) -> int:
    return common.run(build_parser(), evaluate, argv)


if __name__ == "__main__":
    sys.exit(main())
