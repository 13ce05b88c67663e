"""What every executable shares: arguments with one-line errors, JSON on standard output, progress on standard error."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TextIO

import numpy as np

from ros_anomaly.cli.argument_types import (
    existing_file,
    existing_folder,
    fraction,
    image_size,
    non_negative_float,
    non_negative_int,
    positive_float,
    positive_int,
)
from ros_anomaly.cli.progress import Progress, track
from ros_anomaly.runtime.errors import EngineError, WorkerError

TRACEBACK_VARIABLE = "ROS_ANOMALY_TRACEBACK"
"""Set to anything but 0 or nothing, it shows the whole traceback instead of the one line."""

EXIT_FAILED = 1
EXIT_BAD_ARGUMENTS = 2
EXIT_INTERRUPTED = 130

__all__ = [
    "ArgumentParser",
    "CliError",
    "Progress",
    "add_backend_option",
    "add_json_option",
    "existing_file",
    "existing_folder",
    "fraction",
    "image_size",
    "non_negative_float",
    "non_negative_int",
    "one_line",
    "positive_float",
    "positive_int",
    "print_json",
    "run",
    "say",
    "to_plain",
    "track",
]


class CliError(Exception):
    """What the user must be told, in one line; ``exit_status`` is the status of the process."""

    def __init__(self, message: str, exit_status: int = EXIT_FAILED) -> None:
        super().__init__(message)
        self.exit_status = exit_status


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults that say something: not None, not the False of a flag."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.default is False:
            return action.help
        return super()._get_help_string(action)


class ArgumentParser(argparse.ArgumentParser):
    """argparse whose errors are one line on standard error, and whose ``--help`` shows every default."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("formatter_class", _HelpFormatter)
        kwargs.setdefault("allow_abbrev", False)
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_BAD_ARGUMENTS, f"{self.prog}: error: {one_line(message)} (try --help)\n")


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``: the figures alone on standard output, all else on standard error."""
    parser.add_argument("--json", action="store_true", help="print the figures as JSON, alone, on standard output")


def add_backend_option(parser: argparse._ActionsContainer, of_parameters: bool = False) -> None:
    """Add ``--backend``: what runs the engine, as the shortest text of it.

    Args:
        of_parameters: the default is None, for what a parameter file says.
    """
    from ros_anomaly.runtime.backends import BACKEND_NAMES, DEFAULT_BACKEND, BackendChoice

    def backend(text: str) -> str:
        try:
            return str(BackendChoice.parse(text))
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    parser.add_argument(
        "--backend",
        type=backend,
        default=None if of_parameters else DEFAULT_BACKEND,
        metavar="NAME[:DEVICE][:MODE]",
        help=f"library that runs the engine: {', '.join(BACKEND_NAMES)}; a device or mode may follow, such as "
        "openvino:bf16, torch:cuda or torch:compile",
    )


def run(
    parser: argparse.ArgumentParser,
    command: Callable[[argparse.Namespace], int | None],
    argv: list[str] | None = None,
) -> int:
    """Parse ``argv`` and run ``command``; return the exit status of the process.

    Expected failures (CliError, ValueError, OSError, EngineError, WorkerError, a missing optional module) become one
    line on standard error and a non-zero status. Anything else is a fault of the program and keeps its traceback.
    With ``--json`` whatever the command prints goes to standard error; only ``print_json`` reaches standard output.
    """
    args = parser.parse_args(argv)
    try:
        with _standard_output_kept_clean(getattr(args, "json", False)):
            return command(args) or 0
    except KeyboardInterrupt:
        return _fail(parser.prog, "interrupted", EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader went away (`| head`): point the descriptor elsewhere, or the interpreter complains at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except CliError as error:
        return _fail(parser.prog, str(error), error.exit_status)
    except ModuleNotFoundError as error:
        return _fail(parser.prog, f"the Python module {error.name!r} is not installed; this command needs it")
    except (ValueError, OSError, EngineError, WorkerError) as error:
        return _fail(parser.prog, str(error) or type(error).__name__)


def print_json(figures: Mapping[str, Any]) -> None:
    """Print ``figures`` on the real standard output. numpy values are converted, non-finite numbers become null."""
    stream = _real_stdout or sys.stdout
    stream.write(json.dumps(to_plain(figures), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    stream.flush()


def say(message: str) -> None:
    """Tell the user something on standard error."""
    print(message, file=sys.stderr, flush=True)


def to_plain(value: Any) -> Any:
    """``value`` with mappings, sequences, paths and numpy types turned into what JSON knows; NaN and ±inf into None."""
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return to_plain(value.tolist())
    if isinstance(value, np.generic):
        return to_plain(value.item())
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Path):
        return str(value)
    return value


def one_line(message: str) -> str:
    """``message`` with its line breaks and runs of blanks turned into single blanks."""
    return " ".join(message.split())


def _fail(prog: str, message: str, status: int = EXIT_FAILED) -> int:
    if os.environ.get(TRACEBACK_VARIABLE, "0") not in ("", "0"):
        traceback.print_exc()
    print(f"{prog}: error: {one_line(message)}", file=sys.stderr, flush=True)
    return status


_real_stdout: TextIO | None = None


@contextmanager
def _standard_output_kept_clean(enabled: bool) -> Iterator[None]:
    """Send what Python code prints to standard error, and keep the real standard output for ``print_json``."""
    global _real_stdout
    if not enabled:
        yield
        return
    _real_stdout, sys.stdout = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout, _real_stdout = _real_stdout, None
