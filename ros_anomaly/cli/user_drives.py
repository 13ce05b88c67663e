"""A user's own anomaly-free recordings: bags and folders of pictures, one camera each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ros_anomaly.cli import common

if TYPE_CHECKING:
    from ros_anomaly.bags.reader_cameras import TopicChoice
    from ros_anomaly.evaluation.score_track import DriveImage


@dataclass(frozen=True)
class DriveOptions:
    """How recordings are to be read.

    Attributes:
        topics: image topics; of every bag each of them is a drive of its own. None: the only camera of a bag.
        camera_info_topic, odometry_topic: empty for what is beside the image, ``none`` to go without.
        rate_hz: pictures a second, of folders; None where their names are stamps.
        clock: see ``bags.clock.DriveClock``.
        horizontal_fov_rad: of cameras without camera_info; 0 if not known.
    """

    topics: tuple[str, ...] = ()
    camera_info_topic: str = ""
    odometry_topic: str = ""
    rate_hz: float | None = None
    clock: str = "auto"
    horizontal_fov_rad: float = 0.0


@dataclass(frozen=True)
class UserDrive:
    """One camera of one recording; its score track lies at ``path``."""

    path: Path
    name: str
    recording: Path
    topic: str
    rate_hz: float | None
    options: DriveOptions
    frames: int

    def images(self, size: tuple[int, int]) -> Iterator[DriveImage]:
        """Of the size that they have. What is not as it should be is said on standard error when all are read."""
        from ros_anomaly.bags.clock import DriveClock
        from ros_anomaly.bags.reader_drive import open_drive
        from ros_anomaly.evaluation.drives.images import CameraImages

        with open_drive(self.recording, _choice(self.options, self.topic), self.rate_hz) as source:
            images = CameraImages(source, DriveClock(self.options.clock), self.options.horizontal_fov_rad)
            yield from images
            problems = list(source.problems)
        if images.without_intrinsics:
            problems.append(
                f"{images.without_intrinsics} images without a usable camera_info or horizontal_fov_rad: in them every "
                "anomaly counts as in the corridor"
            )
        for problem in problems:
            common.say(f"{self.name}: {problem}")


def user_drives(recordings: Sequence[Path], options: DriveOptions, folder: Path) -> list[UserDrive]:
    """The drives of all recordings; whatever is wrong with one is said before the first is begun.

    Raises:
        ValueError (BagError): a recording or topic that is not there, or no rate for a folder that needs one.
        CliError: a recording twice, or a rate without any folder of pictures.
    """
    from ros_anomaly.bags.reader_drive import is_folder_of_pictures, open_drive

    resolved = [path.resolve() for path in recordings]
    if repeated := [path for path in resolved if resolved.count(path) > 1]:
        raise common.CliError(f"--drive: expected every drive once, found {repeated[0]} twice")
    if repeated_topics := [topic for topic in options.topics if options.topics.count(topic) > 1]:
        raise common.CliError(f"--topic: expected every topic once, found {repeated_topics[0]} twice")
    pictures = [is_folder_of_pictures(path) for path in resolved]
    if options.rate_hz is not None and not any(pictures):
        raise common.CliError(
            "--rate-hz: expected a folder of pictures among the drives, found bags, which have stamps"
        )
    drives = []
    for path, is_pictures in zip(resolved, pictures, strict=True):
        rate_hz = options.rate_hz if is_pictures else None
        for topic in ("",) if is_pictures else options.topics or ("",):
            with open_drive(path, _choice(options, topic), rate_hz) as source:
                camera = source.cameras[0].image
                name = path.stem if is_pictures or not (options.topics and topic) else f"{path.stem} {camera}"
                track = folder / f"drive-{_safe(path.stem)}-{_key(path, topic, options)}.npz"
                drives.append(UserDrive(track, name, path, topic, rate_hz, options, source.frames))
    return drives


def _choice(options: DriveOptions, topic: str) -> TopicChoice:
    from ros_anomaly.bags.reader_cameras import TopicChoice

    infos = (options.camera_info_topic,) if options.camera_info_topic else ()
    return TopicChoice(images=(topic,) if topic else (), camera_infos=infos, odometry=options.odometry_topic)


def _key(path: Path, topic: str, options: DriveOptions) -> str:
    """Tells a recording, as it lies there now and as it is read, from any other."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    stats = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file()]
    text = json.dumps([str(path), topic, asdict(options), stats])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _safe(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in name)[:40]
