"""Evaluates one drive: its events through detector and monitor, counted, and handed on to whoever keeps pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from ros_anomaly.bags.clock import DriveClock
from ros_anomaly.bags.reader_cameras import CameraTopics
from ros_anomaly.bags.reader_events import DriveEvent, DriveSource, ImageEvent, LabelEvent, events_on_clock
from ros_anomaly.detector import Detector
from ros_anomaly.evaluation.drives.labels import LabelFormat
from ros_anomaly.evaluation.drives.run import Answer, Beat, DrivePolicy, DriveRun
from ros_anomaly.evaluation.drives.tally import CameraTally, JudgedFrame


class DriveListener(Protocol):
    """Sees everything of a drive as it is told; for result bags and pictures."""

    def said(self, camera: int, said: Beat | Answer, changed: bool, tally: CameraTally) -> None:
        """A camera's state; ``changed``: its level is another than before. ``tally`` has counted it already."""
        ...

    def judged(self, camera: int, frame: JudgedFrame) -> None:
        """A frame was compared with its label."""
        ...


@dataclass(frozen=True)
class EvaluatedDrive:
    """What was counted of a drive: for each camera its topics and tally, and what is not as it should be.

    Attributes:
        start_ns, end_ns: first and last event's times on ``clock``.
        problems: one line each.
        incomplete: whether something could not be read or used; else the problems are remarks.
    """

    name: str
    clock: DriveClock
    start_ns: int
    end_ns: int
    cameras: tuple[CameraTopics, ...]
    tallies: tuple[CameraTally, ...]
    problems: tuple[str, ...]
    promised_frames: int
    incomplete: bool


@dataclass
class DriveEvaluation:
    """One contestant on a drive: a detector with a policy, and everything that is counted of it.

    ``judges_classes`` is whether the engine's classes are those of class id labels; without, no class figure is given.
    """

    source: DriveSource
    detector: Detector
    policy: DrivePolicy
    label_format: LabelFormat | None = None
    listeners: tuple[DriveListener, ...] = ()
    judges_classes: bool = True
    tallies: tuple[CameraTally, ...] = field(init=False)

    def __post_init__(self) -> None:
        cameras = self.source.cameras
        labelled = [self.label_format if camera.labels else None for camera in cameras]
        if self.label_format is None and any(camera.labels for camera in cameras):
            raise ValueError("labels: expected a label format with a label topic, found none")
        self._judged: list[tuple[int, JudgedFrame]] = []
        self.tallies = tuple(
            CameraTally(label_format, self._keep(number), self.judges_classes)
            for number, label_format in enumerate(labelled)
        )
        self._run = DriveRun(self.detector, self.policy, len(cameras))

    def take(self, event: DriveEvent) -> list[tuple[int, Answer]]:
        """Count an event; returns the answers to it."""
        answers = []
        for number, said in self._run.take(event):
            self._count(number, said)
            if isinstance(said, Answer):
                answers.append((number, said))
        if isinstance(event.event, LabelEvent):
            for number in event.cameras:
                self.tallies[number].label(event.event)
            self._hand_on()
        return answers

    def finish(self, clock: DriveClock, start_ns: int, end_ns: int) -> EvaluatedDrive:
        """The drive ends."""
        for number, beat in self._run.finish():
            self._count(number, beat)
        for tally in self.tallies:
            tally.finish(end_ns)
        return EvaluatedDrive(
            name=self.source.name,
            clock=clock,
            start_ns=start_ns,
            end_ns=end_ns,
            cameras=tuple(self.source.cameras),
            tallies=self.tallies,
            problems=(*self.source.problems, *self._problems()),
            promised_frames=self.source.frames,
            incomplete=bool(self.source.problems) or any(map(_is_incomplete, self.tallies)),
        )

    def _count(self, number: int, said: Beat | Answer) -> None:
        changed = self.tallies[number].saw(said)
        for listener in self.listeners:
            listener.said(number, said, changed, self.tallies[number])
        self._hand_on()

    def _keep(self, number: int) -> Callable[[JudgedFrame], None]:
        def keep(frame: JudgedFrame) -> None:
            self._judged.append((number, frame))

        return keep

    def _hand_on(self) -> None:
        """Tell of judged frames, never before the answer to them was told: a label may come ahead of its image."""
        judged, self._judged = self._judged, []
        for number, frame in judged:
            for listener in self.listeners:
                listener.judged(number, frame)

    def _problems(self) -> Iterable[str]:
        for number, (camera, tally) in enumerate(zip(self.source.cameras, self.tallies, strict=True)):
            if not tally.rows:
                yield f"{camera.image}: expected images, found none that could be read"
            elif without := self._run.without_ground(number):
                yield (
                    f"{camera.image}: {without.images} of {len(tally.rows)} images without ground "
                    f"({without.reason}): in them every anomaly counts as in the corridor"
                )
            for kind in ("bad image", "engine"):
                if reasons := [row.reason for row in tally.rows if row.problem == kind]:
                    yield f"{camera.image}: {len(reasons)} of {len(tally.rows)} images: {kind}: {reasons[0]}"
            if tally.bad_labels:
                yield f"{camera.labels}: {tally.bad_labels} labels could not be used: {tally.label_problem}"
            if tally.truth is not None and not tally.truth.frames:
                yield f"{camera.labels}: expected labels of the images of {camera.image}, found none to compare with"
            if missing := tally.matcher.frames_without:
                yield f"{camera.image}: {missing} images without a label of their stamp on {camera.labels}"
            if missing := tally.matcher.labels_without:
                yield f"{camera.labels}: {missing} labels without a processed image of their stamp"


def _is_incomplete(tally: CameraTally) -> bool:
    unlabelled = tally.truth is not None and not tally.truth.frames
    return not tally.rows or unlabelled or bool(tally.dropped or tally.bad_labels)


def evaluate_drive(
    contestants: list[DriveEvaluation],
    clock: DriveClock = DriveClock.AUTO,
    on_answers: Callable[[list[list[tuple[int, Answer]]]], None] | None = None,
    on_image: Callable[[], None] | None = None,
) -> list[EvaluatedDrive]:
    """Tell one drive to every contestant at once, so that images are read and decoded one time.

    Args:
        contestants: all of the same source.
        on_answers: told after every image what each of them answered.
        on_image: told after every image.

    Raises:
        ValueError: there is no event at all.
    """
    clock, events = events_on_clock(contestants[0].source, clock)
    start_ns = end_ns = None
    for event in events:
        start_ns = event.recorded_ns if start_ns is None else start_ns
        end_ns = max(event.recorded_ns, end_ns or 0)
        answers = [contestant.take(event) for contestant in contestants]
        if isinstance(event.event, ImageEvent):
            if on_answers is not None:
                on_answers(answers)
            if on_image is not None:
                on_image()
    if start_ns is None or end_ns is None:
        source = contestants[0].source
        problems = "; ".join(source.problems)
        raise ValueError(
            f"{source.name}: expected messages on {', '.join(camera.image for camera in source.cameras)}, found none"
            + (f" ({problems})" if problems else "")
        )
    return [contestant.finish(clock, start_ns, end_ns) for contestant in contestants]
