"""``ros-anomaly-benchmark report``: result files as Markdown, so that figures in documents come from a command."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from ros_anomaly.cli import common
from ros_anomaly.cli.benchmark_subjects.subject import SUBJECTS, subject


def add_command(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "report",
        help="figures of result files as Markdown",
        description="Print what the result files of --save hold as Markdown, each table with its machine, commit and "
        "command.",
    )
    parser.add_argument("files", nargs="+", type=common.existing_file, metavar="FILE", help="docs/benchmarks/*.json")
    parser.add_argument("--subject", choices=SUBJECTS, help="this one alone (default: all that are there)")
    parser.set_defaults(run=_report)


def _report(args: argparse.Namespace) -> None:
    from ros_anomaly.benchmark.result_file import read_results

    found = [(path, read_results(path)["subjects"]) for path in args.files]
    blocks = [
        _block(name, sections[name])
        for _, sections in found
        for name in SUBJECTS
        if name in sections and args.subject in (None, name)
    ]
    if not blocks:
        names = ", ".join(sorted({name for _, sections in found for name in sections}))
        raise common.CliError(f"expected figures of {args.subject or 'a known subject'}, found {names or 'none'}")
    print("\n\n".join(blocks))


def _block(name: str, section: Mapping[str, Any]) -> str:
    machine, commit = section["machine"], section["commit"]
    gpu = f"{machine['gpu']['name']} (driver {machine['gpu']['driver']}), " if machine["gpu"] else ""
    libraries = ", ".join(f"{library} {version}" for library, version in section["libraries"].items())
    state = " with changes" if commit["changed"] else ""
    source = (
        f"`{section['command']}`, {section['measured'][:10]}, commit {commit['sha'][:7] or 'unknown'}{state}; "
        f"{gpu}{machine['processor']}, {machine['cores']} cores, Python {machine['python']}, {libraries}"
    )
    try:
        return f"{subject(name).markdown(section['figures'])}\n\n{source}"
    except (KeyError, TypeError) as error:
        raise common.CliError(
            f"figures of {name}: expected those of this version, found others ({error!r}); measure again"
        ) from error
