"""The bags of ``evaluate_bag``: one after the other or in several processes, and their total."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ros_anomaly.cli import common
from ros_anomaly.cli.evaluate_bag_drive import Outcome, run_job
from ros_anomaly.cli.evaluate_bag_output import write_json
from ros_anomaly.cli.evaluate_bag_plan import DriveJob
from ros_anomaly.runtime.errors import EngineError, WorkerError


def run_jobs(jobs: Sequence[DriveJob], workers: int = 1) -> list[Outcome]:
    """Outcomes in the order of the jobs, whichever process is done first."""
    if workers == 1 or len(jobs) == 1:
        return [_run_safely(job, show_progress=True) for job in jobs]
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed

    progress = common.Progress(f"evaluating with {workers} workers", len(jobs), unit="bags")
    # Spawned: an engine's threads do not survive a fork.
    with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=multiprocessing.get_context("spawn")) as pool:
        futures = [pool.submit(_run_safely, job) for job in jobs]
        for _ in as_completed(futures):
            progress.update()
        progress.finish()
    return [
        future.result() if (error := future.exception()) is None else _failed(job, error)
        for job, future in zip(jobs, futures, strict=True)
    ]


def write_total(out: Path, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Write ``total.json`` of several bags: their sum, the figures of each, and why others failed; return it."""
    from ros_anomaly.evaluation.drives.totals import DriveTotals

    totals = sum((outcome.totals for outcome in outcomes if outcome.totals), DriveTotals())
    single = {o.name: o.totals.figures() for o in outcomes if o.totals}
    failed = {o.name: "; ".join(o.problems) for o in outcomes if o.figures is None}
    figures = {"total": totals.figures(), "drives": single, "failed": failed}
    write_json(out / "total.json", figures)
    return figures


def _run_safely(job: DriveJob, show_progress: bool = False) -> Outcome:
    """``run_job``, with what is wrong with this bag as its outcome: the other bags go on."""
    import cv2

    try:
        return run_job(job, show_progress)
    except (ValueError, OSError, EngineError, WorkerError) as error:
        return _failed(job, error, str(error))
    except (cv2.error, MemoryError) as error:
        return _failed(job, error)


def _failed(job: DriveJob, error: BaseException, told: str = "") -> Outcome:
    """``told`` says it all; without, the kind of the error is named."""
    problem = told or f"{type(error).__name__}: {error}".removesuffix(": ")
    return Outcome(job.bag.name, None, None, "", (common.one_line(problem),), True)
