"""``evaluate_bag`` over one bag: every contestant over the same images, and the files of the result."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ros_anomaly.cli import common
from ros_anomaly.cli.evaluate_bag_output import comparison_summary, drive_summary, remove_earlier, write_comparison
from ros_anomaly.cli.evaluate_bag_plan import DriveJob
from ros_anomaly.cli.evaluate_bag_side import Side

if TYPE_CHECKING:
    from ros_anomaly.bags.reader_events import DriveSource
    from ros_anomaly.evaluation.drives.evaluation import EvaluatedDrive
    from ros_anomaly.evaluation.drives.totals import DriveTotals


@dataclass(frozen=True)
class Outcome:
    """What became of a job. ``figures`` are None where the bag could not be evaluated; then one problem says why."""

    name: str
    figures: dict[str, Any] | None
    totals: DriveTotals | None
    summary: str
    problems: tuple[str, ...]
    incomplete: bool


def run_job(job: DriveJob, show_progress: bool = False) -> Outcome:
    """Evaluate one bag and write its files.

    Raises:
        ValueError, OSError, EngineError: it cannot be evaluated, or the results cannot be written.
    """
    for folder in {job.out, *(job.out / contestant.side for contestant in job.contestants)}:
        remove_earlier(folder, job.bag)
    from ros_anomaly.bags.reader_cameras import TopicChoice
    from ros_anomaly.bags.reader_drive import is_folder_of_pictures, open_drive

    if job.rate_hz is not None and not is_folder_of_pictures(job.bag):
        raise ValueError(f"--rate: expected a folder of pictures, found a bag at {job.bag}, which has stamps")
    transports = {contestant.transport for contestant in job.contestants}
    choice = TopicChoice(
        job.topics.images,
        job.topics.camera_infos,
        job.topics.odometry,
        job.topics.labels,
        transports.pop() if len(transports) == 1 else "",
    )
    with open_drive(job.bag, choice, job.rate_hz) as drive:
        return _evaluate(job, drive, _progress(drive, show_progress))


def _progress(drive: DriveSource, shown: bool) -> common.Progress | None:
    return common.Progress(f"evaluating {drive.name}", drive.frames) if shown else None


def _evaluate(job: DriveJob, drive: DriveSource, progress: common.Progress | None) -> Outcome:
    from ros_anomaly.bags.clock import DriveClock
    from ros_anomaly.evaluation.drives.compare import DriveComparison
    from ros_anomaly.evaluation.drives.evaluation import evaluate_drive

    with ExitStack() as stack:
        sides = [Side.open(contestant, job, drive, stack) for contestant in job.contestants]
        started_s = time.monotonic()
        comparison = DriveComparison() if len(sides) == 2 else None
        drives = evaluate_drive(
            [side.evaluation for side in sides],
            DriveClock(job.clock),
            comparison.add if comparison else None,
            progress.update if progress else None,
        )
    seconds = time.monotonic() - started_s
    if progress:
        progress.finish()
    results = [side.write(evaluated, seconds, job) for side, evaluated in zip(sides, drives, strict=True)]
    figures, summary = results[0], drive_summary(results[0])
    if comparison is not None:
        figures = comparison.result(drives, results)
        summary = comparison_summary(drives[0].name, figures)
        write_comparison(job.out, drives[0].name, comparison, figures, job.command, job.write_report)
    return Outcome(
        name=drives[0].name,
        figures=figures,
        totals=_totals(drives[0]) if comparison is None else None,
        summary=summary,
        problems=tuple(dict.fromkeys(problem for evaluated in drives for problem in evaluated.problems)),
        incomplete=any(evaluated.incomplete for evaluated in drives),
    )


def _totals(drive: EvaluatedDrive) -> DriveTotals:
    from ros_anomaly.evaluation.drives.totals import DriveTotals

    return DriveTotals.of(drive)
