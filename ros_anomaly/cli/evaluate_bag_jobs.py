"""The work behind ``evaluate_bag``: one job a bag, in this process or in several."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ros_anomaly.cli import common
from ros_anomaly.cli.evaluate_bag_output import (
    RESULT_BAG,
    comparison_summary,
    drive_summary,
    remove_earlier,
    write_comparison,
    write_drive,
    write_json,
)
from ros_anomaly.runtime.errors import EngineError, WorkerError

if TYPE_CHECKING:
    from ros_anomaly.bags.reader_events import DriveSource
    from ros_anomaly.evaluation.drives.evaluation import DriveEvaluation, EvaluatedDrive
    from ros_anomaly.evaluation.drives.pictures import DrivePictures
    from ros_anomaly.evaluation.drives.result import RunFacts
    from ros_anomaly.evaluation.drives.totals import DriveTotals
    from ros_anomaly.evaluation.sequences.drive import DriveSequence
    from ros_anomaly.nodes.settings import Settings
    from ros_anomaly.runtime.manifest import Manifest


@dataclass(frozen=True)
class Contestant:
    """A detector to evaluate; ``side`` is ``a`` or ``b`` in a comparison. ``transport`` only if the file names one."""

    side: str
    settings: Settings
    transport: str = ""


@dataclass(frozen=True)
class TopicNames:
    """As given on the command line; see ``bags.reader_cameras.TopicChoice``."""

    images: tuple[str, ...] = ()
    camera_infos: tuple[str, ...] = ()
    odometry: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class DriveJob:
    """One bag, what to do with it, and where the results go. Crosses to worker processes."""

    bag: Path
    out: Path
    contestants: tuple[Contestant, ...]
    topics: TopicNames = TopicNames()
    label_format: str | None = None
    clock: str = "auto"
    write_bag: bool = True
    copy_images: bool = False
    write_report: bool = True
    rate_hz: float | None = None
    latency_ms: float | None = None
    command: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a job. ``figures`` are None where the bag could not be evaluated; then one problem says why."""

    name: str
    figures: dict[str, Any] | None
    totals: DriveTotals | None
    summary: str
    problems: tuple[str, ...]
    incomplete: bool


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
        sides = [_Side.open(contestant, job, drive, stack) for contestant in job.contestants]
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


@dataclass(frozen=True)
class _Side:
    """One contestant at work."""

    evaluation: DriveEvaluation
    facts: RunFacts
    pictures: DrivePictures
    sequence: DriveSequence | None
    out: Path

    @classmethod
    def open(cls, contestant: Contestant, job: DriveJob, drive: DriveSource, stack: ExitStack) -> _Side:
        """Load the engine and begin the result bag; ``stack`` ends both."""
        from ros_anomaly.data.labels import STREET_CLASSES
        from ros_anomaly.detector import Detector, DetectorConfig
        from ros_anomaly.evaluation.drives.evaluation import DriveEvaluation
        from ros_anomaly.evaluation.drives.labels import LabelFormat
        from ros_anomaly.evaluation.drives.pictures import DrivePictures
        from ros_anomaly.evaluation.drives.run import DrivePolicy
        from ros_anomaly.runtime.runner import InProcessRunner

        settings = contestant.settings
        engine = InProcessRunner(settings.engine)
        stack.callback(engine.close)
        detector = Detector(engine, DetectorConfig(settings.threshold, settings.hazard.region))
        if doubt := detector.doubt(settings.hazard):
            common.say(f"{contestant.side}: {doubt}")
        policy = DrivePolicy(settings.hazard, settings.horizontal_fov_rad, settings.heartbeat_hz, settings.lockstep)
        label_format = None if job.label_format is None else LabelFormat(job.label_format)
        out = job.out / contestant.side
        out.mkdir(parents=True, exist_ok=True)
        pictures = DrivePictures(drive.cameras)
        listeners: list[Any] = [pictures] if job.write_report else []
        if job.write_bag:
            from ros_anomaly.bags.writer import BagWriter
            from ros_anomaly.evaluation.drives.result_bag import ResultBag

            writer = stack.enter_context(BagWriter(out / RESULT_BAG, overwrite=True))
            listeners.append(ResultBag(writer, drive.cameras, job.copy_images))
        sequence = None
        if any(camera.labels for camera in drive.cameras):
            sequence = _sequence(job, drive, detector.threshold, settings, label_format, stack)
            listeners.append(sequence)
        judges_classes = engine.manifest.class_set is STREET_CLASSES
        evaluation = DriveEvaluation(drive, detector, policy, label_format, tuple(listeners), judges_classes)
        facts = _run_facts(settings, engine.manifest, detector.threshold, label_format)
        return cls(evaluation, facts, pictures, sequence, out)

    def write(self, drive: EvaluatedDrive, seconds: float, job: DriveJob) -> dict[str, Any]:
        """Write the files of this side; return its result."""
        from ros_anomaly.evaluation.drives.result import drive_result

        result = drive_result(drive, self.facts)
        for number, camera in enumerate(result["cameras"]):
            camera["sequence"] = self.sequence.figures(number) if self.sequence else None
        pictures = self.pictures if job.write_report else None
        write_drive(self.out, drive, result, seconds, job.command, pictures, self.sequence)
        return result


def _sequence(
    job: DriveJob, drive: DriveSource, threshold: float, settings: Settings, label_format: Any, stack: ExitStack
) -> DriveSequence:
    """Reads the bag's geometry alongside; ``stack`` closes it."""
    from ros_anomaly.bags.reader import BagReader
    from ros_anomaly.evaluation.drives.labels import LabelFormat
    from ros_anomaly.evaluation.sequences.bag import BagGeometry, GeometryTopics
    from ros_anomaly.evaluation.sequences.drive import DriveSequence

    geometries = []
    for camera in drive.cameras:
        bag = stack.enter_context(BagReader(job.bag))  # each reads at its own pace
        topics = GeometryTopics.beside(bag, camera, label_format is LabelFormat.CLASS_IDS)
        geometries.append(BagGeometry(bag, topics))
    return DriveSequence(geometries, threshold, settings.hazard.camera, job.latency_ms)


def _run_facts(settings: Settings, manifest: Manifest, threshold: float, label_format: Any) -> RunFacts:
    from ros_anomaly.evaluation.drives.result import RunFacts

    return RunFacts(
        engine={
            "name": manifest.name,
            "backend": settings.engine.backend,
            "score": manifest.score,
            "input_size": list(manifest.input_size),
            "fingerprint": manifest.fingerprint,
        },
        settings={
            **settings.hazard.to_flat(),
            "horizontal_fov_rad": settings.horizontal_fov_rad,
            "heartbeat_hz": settings.heartbeat_hz,
            "lockstep": settings.lockstep,
        },
        threshold=threshold,
        label_format=label_format,
        hazard=settings.hazard,
    )


def _totals(drive: EvaluatedDrive) -> DriveTotals:
    from ros_anomaly.evaluation.drives.totals import DriveTotals

    return DriveTotals.of(drive)
