"""``ros-anomaly-closed-loop``: drive scenarios with the detector at the wheel, and with those who know or do not."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ros_anomaly.cli import common
from ros_anomaly.cli.detector import split_arguments

if TYPE_CHECKING:
    from ros_anomaly_sim.closed_loop.drivers import Driver
    from ros_anomaly_sim.closed_loop.policy import Policy
    from ros_anomaly_sim.closed_loop.result import DriveResult
    from ros_anomaly_sim.scenarios.schema import Scenario

DRIVERS = ("blind", "oracle", "detector")
_TIMEOUT_S = 60.0
_ANSWER_S, _PATIENCE = 5.0, 20


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
        "--latency-ms", type=common.non_negative_float, default=0.0, help="simulated time from image to reaction"
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
    parser.add_argument("--out", type=Path, help="JSON file for the results, tracks included")
    common.add_json_option(parser)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Drive; what stands after ``--ros-args`` is for ROS."""
    own, ros_arguments = split_arguments(sys.argv[1:] if argv is None else argv)
    return common.run(make_parser(), lambda args: _closed_loop(args, ros_arguments), own)


def _closed_loop(args: argparse.Namespace, ros_arguments: list[str]) -> int:
    from ros_anomaly.data.frame_store import write_json_atomic
    from ros_anomaly.share import share_path
    from ros_anomaly_sim.bridge.lane_route import NoRouteError
    from ros_anomaly_sim.bridge.world_hold import MissingBlueprint
    from ros_anomaly_sim.closed_loop.policy import Policy
    from ros_anomaly_sim.closed_loop.run import DriveOptions, drive
    from ros_anomaly_sim.scenarios.files import find_scenario, suite

    scenarios = tuple(find_scenario(name) for name in args.scenarios) or suite()
    if args.list:
        for scenario in scenarios:
            print(f"{scenario.name:28s} {scenario.home.value:9s} {scenario.expected.value:8s} {scenario.description}")
        return 0
    policy = Policy.load(args.policy or share_path("config/closed_loop_policy.yaml"))
    options = DriveOptions(policy, args.latency_ms)
    results: list[DriveResult] = []
    skipped: dict[str, str] = {}
    with _drivers(args, policy, ros_arguments) as drivers, _client(args, scenarios[0]) as client:
        # Town by town, so that each is loaded once.
        for scenario in common.track(sorted(scenarios, key=lambda s: (s.map, s.name)), "drives", unit="scenarios"):
            try:
                for driver in drivers:
                    results.append(drive(client, scenario, driver, options))
                    print(_line(results[-1]), flush=True)
            except MissingBlueprint as error:
                skipped[scenario.name] = str(error)
                common.say(f"skipped {scenario.name}: {error}")
            except (RuntimeError, NoRouteError) as error:
                raise common.CliError(f"{scenario.name}: {error}") from error
    drives = [result.to_plain() for result in results]
    if args.out is not None:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        write_json_atomic(args.out, common.to_plain({"results": drives, "skipped": skipped}))
    if args.json:
        figures = [{key: value for key, value in plain.items() if key != "track"} for plain in drives]
        common.print_json({"results": figures, "skipped": skipped})
    return 0


@contextmanager
def _client(args: argparse.Namespace, first: Scenario) -> Iterator[Any]:
    from contextlib import nullcontext

    from ros_anomaly_sim.bridge.server_process import ServerDied, ServerProcess, server_command
    from ros_anomaly_sim.bridge.world_hold import connect

    try:
        server = None if args.host else ServerProcess(server_command(first.map))
    except ServerDied as error:
        raise common.CliError(str(error)) from error
    with server or nullcontext():
        try:
            yield connect(args.host or "127.0.0.1", server.port if server else args.port, _TIMEOUT_S)
        except RuntimeError as error:
            raise common.CliError(str(error)) from error


@contextmanager
def _drivers(args: argparse.Namespace, policy: Policy, ros_arguments: list[str]) -> Iterator[list[Driver]]:
    from contextlib import ExitStack

    from ros_anomaly_sim.closed_loop.drivers import BlindDriver, OracleDriver

    wanted = [name for name in DRIVERS if not args.driver or name in args.driver]
    with ExitStack() as stack:
        drivers: list[Driver] = []
        for name in wanted:
            if name == "detector":
                there = _detector_node(args, ros_arguments) if args.status_topic else _detector_here(args)
                drivers.append(stack.enter_context(there))
            else:
                drivers.append(BlindDriver() if name == "blind" else OracleDriver(policy))
        yield drivers


@contextmanager
def _detector_here(args: argparse.Namespace) -> Iterator[Driver]:
    from ros_anomaly.cli.closed_loop_detector import DetectorDriver
    from ros_anomaly.hazard.config import HazardConfig
    from ros_anomaly.runtime.engines import load_engine
    from ros_anomaly_sim.closed_loop.run import DETECTOR_CAMERAS

    engine = load_engine(args.engine)
    try:
        yield DetectorDriver(engine, HazardConfig(), DETECTOR_CAMERAS, args.threshold)
    finally:
        engine.close()


@contextmanager
def _detector_node(args: argparse.Namespace, ros_arguments: list[str]) -> Iterator[Driver]:
    import rclpy
    from rclpy.node import Node
    from rclpy.signals import SignalHandlerOptions

    from ros_anomaly.messages.lockstep import Lockstep
    from ros_anomaly_sim.closed_loop.graph_driver import GraphDriver
    from ros_anomaly_sim.closed_loop.run import DETECTOR_CAMERAS

    rclpy.init(args=ros_arguments, signal_handler_options=SignalHandlerOptions.NO)
    try:
        driver = GraphDriver(Node("closed_loop"), DETECTOR_CAMERAS, Lockstep(_ANSWER_S, _PATIENCE), args.status_topic)
        try:
            if not driver.wait_for_listeners(_TIMEOUT_S):
                raise common.CliError(f"within {_TIMEOUT_S:g} s nobody listened to the camera's images")
            yield driver
        finally:
            driver.close()
    finally:
        rclpy.try_shutdown()


def _line(result: DriveResult) -> str:
    known = [f"{a.name} from {a.known_from_m:.0f} m" for a in result.anomalies if a.known_from_m is not None]
    impacts = [f"hit {c.other} at {3.6 * c.impact_mps:.0f} km/h" for c in result.collisions]
    words = [
        f"{result.scenario:28s} {result.driver:9s} {result.end.value:10s} {result.travelled_m:6.1f} m",
        f"{result.mean_speed_mps:5.2f} m/s",
        *impacts,
        *(["knew " + ", ".join(known)] if known else []),
        *([f"{result.false_stops} false stops"] if result.false_stops else []),
        *([f"{result.unknown_stops} unknown stops"] if result.unknown_stops else []),
    ]
    return "  ".join(words)


if __name__ == "__main__":
    raise SystemExit(main())
