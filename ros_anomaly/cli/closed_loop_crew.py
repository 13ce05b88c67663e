"""Who drives in a closed-loop run: those that know or do not, and the detector, here or as a node on the graph."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ros_anomaly.cli import common

if TYPE_CHECKING:
    from ros_anomaly_sim.closed_loop.drivers import Driver
    from ros_anomaly_sim.closed_loop.policy import Policy

DRIVERS = ("blind", "oracle", "detector")
_LISTENERS_S = 60.0
# Several beats of /diagnostics at its usual rate.
_ENGINE_S = 15.0
_ANSWER_S, _PATIENCE = 5.0, 20


@dataclass(frozen=True)
class Crew:
    """Who drives.

    Attributes:
        detector: which detector that is, empty without one.
        is_known: whether ``detector`` tells one engine from another.
    """

    drivers: tuple[Driver, ...]
    detector: str
    is_known: bool


@contextmanager
def crew_of(args: argparse.Namespace, policy: Policy, ros_arguments: list[str]) -> Iterator[Crew]:
    """The drivers that the arguments ask for, while the ``with`` block lasts."""
    from contextlib import ExitStack

    from ros_anomaly_sim.closed_loop.drivers import BlindDriver, OracleDriver

    wanted = [name for name in DRIVERS if not args.driver or name in args.driver]
    with ExitStack() as stack:
        drivers: list[Driver] = []
        detector, is_known = "", True
        for name in wanted:
            if name == "detector":
                there = _detector_node(args, ros_arguments) if args.status_topic else _detector_here(args)
                driver, detector, is_known = stack.enter_context(there)
                drivers.append(driver)
            else:
                drivers.append(BlindDriver() if name == "blind" else OracleDriver(policy))
        yield Crew(tuple(drivers), detector, is_known)


@contextmanager
def _detector_here(args: argparse.Namespace) -> Iterator[tuple[Driver, str, bool]]:
    from ros_anomaly.cli.closed_loop_detector import DetectorDriver
    from ros_anomaly.hazard.config import HazardConfig
    from ros_anomaly.runtime.engines import load_engine
    from ros_anomaly_sim.closed_loop.run import DETECTOR_CAMERAS

    engine = load_engine(args.engine)
    try:
        driver = DetectorDriver(engine, HazardConfig(), DETECTOR_CAMERAS, args.threshold)
        if driver.doubt:
            common.say(driver.doubt)
        manifest = engine.manifest
        files = ", ".join(f"{entry.name} {entry.sha256[:12]}" for entry in manifest.files.values())
        yield driver, f"engine {manifest.name} ({files}), threshold {driver.threshold:g}", True
    finally:
        engine.close()


@contextmanager
def _detector_node(args: argparse.Namespace, ros_arguments: list[str]) -> Iterator[tuple[Driver, str, bool]]:
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
            if not driver.wait_for_listeners(_LISTENERS_S):
                raise common.CliError(f"within {_LISTENERS_S:g} s nobody listened to the camera's images")
            engine = driver.engine(_ENGINE_S)
            yield driver, f"node that answers on {args.status_topic}, {engine or 'engine not told'}", engine is not None
        finally:
            driver.close()
    finally:
        rclpy.try_shutdown()
