"""One contestant of ``evaluate_bag`` at work on one bag: its engine, who listens to it, and its files."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ros_anomaly.cli import common
from ros_anomaly.cli.evaluate_bag_output import RESULT_BAG, write_drive
from ros_anomaly.cli.evaluate_bag_plan import Contestant, DriveJob

if TYPE_CHECKING:
    from ros_anomaly.bags.reader_events import DriveSource
    from ros_anomaly.evaluation.drives.evaluation import DriveEvaluation, EvaluatedDrive
    from ros_anomaly.evaluation.drives.pictures import DrivePictures
    from ros_anomaly.evaluation.drives.result import RunFacts
    from ros_anomaly.evaluation.sequences.drive import DriveSequence
    from ros_anomaly.nodes.settings import Settings
    from ros_anomaly.runtime.manifest import Manifest


@dataclass(frozen=True)
class Side:
    """One contestant at work."""

    evaluation: DriveEvaluation
    facts: RunFacts
    pictures: DrivePictures
    sequence: DriveSequence | None
    out: Path

    @classmethod
    def open(cls, contestant: Contestant, job: DriveJob, drive: DriveSource, stack: ExitStack) -> Side:
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
