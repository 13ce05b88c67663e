"""``ros-anomaly-closed-loop``: drive scenarios with the detector at the wheel, and with those who know or do not."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ros_anomaly.cli import common
from ros_anomaly.cli.closed_loop_crew import DRIVERS, Crew, crew_of
from ros_anomaly.cli.detector import split_arguments

if TYPE_CHECKING:
    from ros_anomaly_sim.closed_loop.folder import RunFolder
    from ros_anomaly_sim.closed_loop.policy import Policy
    from ros_anomaly_sim.closed_loop.record import Missing, ScenarioRecord
    from ros_anomaly_sim.closed_loop.result import DriveResult
    from ros_anomaly_sim.scenarios.schema import Scenario


def make_parser() -> common.ArgumentParser:
    parser = common.ArgumentParser(
        prog="ros-anomaly-closed-loop",
        description="Drive scenarios in a CARLA world: the driver brakes while the detector says hazard. Beside the "
        "detector drive an oracle, which knows where everything stands, and a blind driver. Without --host the "
        "embedded server is started.",
    )
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="names or files; none: the standard suite")
    parser.add_argument("--driver", choices=DRIVERS, action="append", help="one driver (may be repeated); none: all")
    parser.add_argument("--engine", default="default", help="name or manifest of the detector's engine")
    parser.add_argument("--threshold", type=float, help="instead of the engine's own")
    parser.add_argument(
        "--latency-ms",
        type=common.non_negative_float,
        help="simulated time from image to reaction; none: what is measured on this machine. The detector drives with "
        "this latency and without any",
    )
    parser.add_argument(
        "--status-topic",
        help="the detector is a node on the ROS graph, in lockstep, that answers here (/detector/hazard_status); "
        "without it the detector runs in this process",
    )
    parser.add_argument("--policy", type=common.existing_file, help="file like config/closed_loop_policy.yaml")
    parser.add_argument("--host", help="address of a CARLA 0.9.16 server that runs already")
    parser.add_argument("--port", type=common.positive_int, default=2000, help="port of that server")
    parser.add_argument("--list", action="store_true", help="list the standard suite and do nothing else")
    parser.add_argument(
        "--out", type=Path, default=Path("closed_loop_out"), help="folder for report, figures, videos and film strips"
    )
    parser.add_argument(
        "--resume", action="store_true", help="keep the scenarios that --out has already, drive the rest"
    )
    common.add_json_option(parser)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Drive; what stands after ``--ros-args`` is for ROS."""
    own, ros_arguments = split_arguments(sys.argv[1:] if argv is None else argv)
    return common.run(make_parser(), lambda args: _closed_loop(args, own, ros_arguments), own)


def _closed_loop(args: argparse.Namespace, argv: Sequence[str], ros_arguments: list[str]) -> int:
    from ros_anomaly.share import share_path
    from ros_anomaly.signals import interrupted_by_signals
    from ros_anomaly_sim.closed_loop.policy import Policy
    from ros_anomaly_sim.scenarios.files import find_scenario, suite

    scenarios = tuple(find_scenario(name) for name in args.scenarios) or suite()
    if args.list:
        for scenario in scenarios:
            print(f"{scenario.name:28s} {scenario.home.value:9s} {scenario.expected.value:8s} {scenario.description}")
        return 0
    if len({scenario.name for scenario in scenarios}) < len(scenarios):
        raise common.CliError(f"expected scenarios of different names, found {', '.join(s.name for s in scenarios)}")
    policy = Policy.load(args.policy or share_path("config/closed_loop_policy.yaml"))
    with interrupted_by_signals(), crew_of(args, policy, ros_arguments) as crew:
        return _drive(args, argv, scenarios, policy, crew)


def _drive(
    args: argparse.Namespace, argv: Sequence[str], scenarios: Sequence[Scenario], policy: Policy, crew: Crew
) -> int:
    from dataclasses import asdict

    from ros_anomaly.messages.lockstep import DetectorSilent
    from ros_anomaly_sim.closed_loop.folder import RunFolder
    from ros_anomaly_sim.closed_loop.run import DriveOptions
    from ros_anomaly_sim.closed_loop.server_at_hand import NoServer, ServerAtHand
    from ros_anomaly_sim.closed_loop.suite import Suite

    if args.resume and not crew.is_known:
        raise common.CliError(
            f"--resume: expected the {crew.detector.split(',')[0]} to tell its engine on /diagnostics, found nothing; "
            "it may be another than that of the run which is to go on: drive it anew without --resume"
        )
    address = (args.host, args.port) if args.host else None
    options = DriveOptions(policy, args.latency_ms or 0.0)
    asked = {
        "drivers": [driver.name for driver in crew.drivers],
        "detector": crew.detector,
        "latency_ms": args.latency_ms,
        "policy": asdict(policy),
        "server": f"{args.host}:{args.port}" if address else "embedded",
    }
    folder = RunFolder(args.out)
    suite = Suite(folder, crew.drivers, options, measure=args.latency_ms is None, say=common.say)
    records: dict[str, ScenarioRecord] = {}
    gone = ""
    try:
        with ServerAtHand(address) as server:
            if not args.resume:
                # Before what an earlier run left is removed.
                server.client(suite.in_order(scenarios)[0].map)
            folder.begin(asked, args.resume)
            for record in common.track(suite.run(server, scenarios), "drives", len(scenarios), "scenarios"):
                records[record.name] = record
                for drive in record.drives:
                    print(_line(drive), flush=True)
    except KeyboardInterrupt:
        common.say(f"{len(records)} scenarios are in {args.out}; --resume drives the rest")
        raise
    except (DetectorSilent, NoServer) as error:
        gone = str(error)
    if gone and not records:
        raise common.CliError(gone)
    # In the order that was asked for, not in that of the towns.
    told = [records[scenario.name] for scenario in scenarios if scenario.name in records]
    _report(args, folder, told, suite.missing, _facts(argv, asked, folder, told))
    if gone:
        raise common.CliError(f"{gone}; {len(records)} scenarios are in {args.out}, --resume drives the rest")
    if not told and not suite.missing.failed:
        raise common.CliError(f"expected scenarios that can be put on, found all {len(scenarios)} skipped: see above")
    return common.EXIT_FAILED if suite.missing.failed else 0


def _report(
    args: argparse.Namespace,
    folder: RunFolder,
    records: Sequence[ScenarioRecord],
    missing: Missing,
    facts: dict[str, str],
) -> None:
    from ros_anomaly.evaluation.report import page
    from ros_anomaly_sim.closed_loop.report import Judged, Run, page_of
    from ros_anomaly_sim.closed_loop.results import results_of

    results = common.to_plain(results_of(records, missing, facts))
    folder.write_results(results)
    if records:
        run = Run(folder, records, missing, facts)
        page.write(page_of(run), folder.report)
        verdict = Judged(run).verdict
        for line in (verdict.sentence, *verdict.findings, f"the report: {folder.report}"):
            print(line)
    else:
        common.say(f"no scenario could be driven, so there is no report; {folder.results} says why")
    if args.json:
        common.print_json(results)


def _facts(
    argv: Sequence[str], asked: dict[str, Any], folder: RunFolder, records: Sequence[ScenarioRecord]
) -> dict[str, str]:
    from ros_anomaly.evaluation.report.machine import machine_line

    given_ms = asked["latency_ms"]
    measured_ms = folder.measured_latency_ms
    latency = f"{given_ms:g} ms, given" if given_ms is not None else "not measured"
    if measured_ms is not None:
        latency = f"{measured_ms:g} ms, measured: image in to verdict out, median of the first drive"
    return {
        "command": " ".join(["ros-anomaly-closed-loop", *argv]),
        "detector": asked["detector"] or "none",
        "latency": latency,
        "server": asked["server"],
        "policy": ", ".join(f"{name} {value:g}" for name, value in asked["policy"].items()),
        "wall time": f"{sum(record.wall_s for record in records) / 60:.1f} minutes for all drives",
        "machine": machine_line(),
        "see also": "all figures in results.json; tracks, videos and film strips in scenarios/",
    }


def _line(result: DriveResult) -> str:
    known = [f"{a.name} from {a.known_from_m:.0f} m" for a in result.anomalies if a.known_from_m is not None]
    impacts = [f"hit {c.other} at {3.6 * c.impact_mps:.0f} km/h" for c in result.collisions]
    late = f"+{result.latency_ms:.0f} ms" if result.latency_ms else ""
    words = [
        f"{result.scenario:28s} {result.driver:9s}{late:>8s} {result.end.value:10s} {result.travelled_m:6.1f} m",
        f"{result.mean_speed_mps:5.2f} m/s",
        *impacts,
        *(["knew " + ", ".join(known)] if known else []),
        *([f"{result.false_stops} false stops"] if result.false_stops else []),
        *([f"{result.unknown_stops} unknown stops"] if result.unknown_stops else []),
        *([f"{result.unanswered} unanswered images"] if result.unanswered else []),
    ]
    return "  ".join(words)


if __name__ == "__main__":
    raise SystemExit(main())
