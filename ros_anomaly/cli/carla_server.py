"""``ros-anomaly-carla-server``: a simulator that CARLA's client talks to."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from ros_anomaly.cli import common
from ros_anomaly.cli.street_jobs import missing_packages_in_one_line

_CAMERAS = ("ideal", "good", "ordinary", "poor")


def make_parser() -> argparse.ArgumentParser:
    parser = common.ArgumentParser(
        prog="ros-anomaly-carla-server",
        description="Serve a rendered town over CARLA's protocol (0.9.16), so that programs written for CARLA drive "
        "in it without a CARLA installation. Prints 'ready on HOST:PORT' when clients may connect; Ctrl-C ends it.",
    )
    parser.add_argument("--port", type=common.non_negative_int, default=2000, help="port for calls; 0: any free one")
    parser.add_argument(
        "--stream-port", type=common.non_negative_int, help="port for sensor data; default: the one after --port"
    )
    parser.add_argument(
        "--town",
        default="2001",
        help="map to start with: the seed of a town (0-999 training, 1000-1099 validation, 2000-2099 test), or the "
        "name of a map (Town2001 is seed 2001; Net2001 has several streets)",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 lets other machines in")
    parser.add_argument("--length", type=common.positive_float, help="metres of main street, 150 or more; default 700")
    parser.add_argument("--camera", choices=_CAMERAS, default="ordinary", help="what RGB cameras add to a clean image")
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="end when standard input does: for a program that starts the server and may be killed",
    )
    parser.add_argument("--timing", type=Path, metavar="FILE", help="write what ticks took to this file at the end")
    parser.add_argument("--verbose", action="store_true", help="log more than warnings")
    return parser


def main(argv: list[str] | None = None) -> int:
    return common.run(make_parser(), _serve, argv)


@missing_packages_in_one_line()
def _serve(args: argparse.Namespace) -> int:
    from ros_anomaly_sim.server.map_store import map_name
    from ros_anomaly_sim.server.process import ServerOptions, end_when_stdin_closes, serve
    from ros_anomaly_sim.street.objects.library import ModelLibrary
    from ros_anomaly_sim.street.splits import split_of_town
    from ros_anomaly_sim.street.town import DEFAULT_LENGTH_M

    if args.until_stdin_closes:
        end_when_stdin_closes()
    logging.basicConfig(
        level=logging.INFO if args.verbose else logging.WARNING, format="carla-server: %(levelname)s: %(message)s"
    )
    town = args.town
    if town.isascii() and town.isdigit():
        try:
            split_of_town(int(town))
        except ValueError as error:
            raise common.CliError(f"--town: {error}", common.EXIT_BAD_ARGUMENTS) from error
        town = map_name(int(town))
    try:
        length_m = DEFAULT_LENGTH_M if args.length is None else args.length
        options = ServerOptions(town, args.host, args.port, args.stream_port, args.camera, length_m, args.timing)
    except ValueError as error:
        raise common.CliError(str(error), common.EXIT_BAD_ARGUMENTS) from error
    serve(options, ModelLibrary(), lambda message: print(message, flush=True))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
