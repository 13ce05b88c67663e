"""``ros-anomaly-benchmark``: how long things take on this machine, each as its users meet it."""

from __future__ import annotations

import argparse
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Any

from ros_anomaly.cli import benchmark_report, common
from ros_anomaly.cli.benchmark_subjects.subject import SUBJECTS, Subject, subject


def build_parser() -> common.ArgumentParser:
    """Arguments of the executable: one subcommand for each thing that can be timed, and one that reads the results."""
    parser = common.ArgumentParser(prog="ros-anomaly-benchmark", description=__doc__.split(": ", 1)[1])
    commands = parser.add_subparsers(dest="subject", metavar="SUBJECT", required=True)
    for name in SUBJECTS:
        own = subject(name)
        command = commands.add_parser(name, help=own.HELP, description=own.DESCRIPTION)
        own.add_arguments(command)
        common.add_json_option(command)
        command.add_argument(
            "--save",
            type=Path,
            metavar="FOLDER",
            help="put the figures into FOLDER/<device>.json, such as docs/benchmarks, and a picture of them beside it; "
            "what the file has of other subjects stays",
        )
        if hasattr(own, "plot"):
            command.add_argument("--plot", type=Path, metavar="FILE", help="draw the figures into a PNG")
        command.set_defaults(run=partial(_measure, own))
    benchmark_report.add_command(commands)
    return parser


def _measure(own: Subject, args: argparse.Namespace) -> None:
    """Measure one subject; show, keep and draw what came of it."""
    plot: Path | None = getattr(args, "plot", None)
    if plot is not None and plot.suffix != ".png":
        raise common.CliError(f"--plot: expected a file ending in .png, found {plot}", common.EXIT_BAD_ARGUMENTS)
    figures = common.to_plain(own.measure(args))
    if args.json:
        common.print_json(figures)
    else:
        print(own.text(figures))
    if args.save is not None:
        from ros_anomaly.benchmark.result_file import record

        path = record(args.save, args.subject, figures, args.command_line)
        common.say(f"wrote {path}")
        if hasattr(own, "plot"):
            _draw_beside(own, figures, path.with_name(f"{path.stem}-{args.subject}.png"))
    if plot is not None:
        own.plot(figures, plot)  # type: ignore[attr-defined]
        common.say(f"wrote {plot}")
    if hasattr(own, "failure") and (failure := own.failure(figures)):
        raise common.CliError(failure)


def _draw_beside(own: Subject, figures: dict[str, Any], path: Path) -> None:
    """Draw the figures beside their result file, which is what counts: without a picture they are as good."""
    try:
        own.plot(figures, path)  # type: ignore[attr-defined]
    except (ImportError, OSError) as error:
        common.say(f"warning: no picture {path.name}: {common.one_line(str(error))}")
    else:
        common.say(f"wrote {path}")


def _command_line(argv: list[str]) -> str:
    """What was measured, as it is typed; without where the figures went."""
    kept, skip = [], False
    for word in argv:
        if skip:
            skip = False
        elif word in ("--save", "--plot"):
            skip = True
        elif word != "--json" and not word.startswith(("--save=", "--plot=")):
            kept.append(word)
    return shlex.join(["ros-anomaly-benchmark", *kept])


def main(argv: list[str] | None = None) -> int:
    """Run one benchmark."""
    words = sys.argv[1:] if argv is None else argv

    def command(args: argparse.Namespace) -> None:
        args.command_line = _command_line(words)
        args.run(args)

    return common.run(build_parser(), command, words)


if __name__ == "__main__":
    sys.exit(main())
