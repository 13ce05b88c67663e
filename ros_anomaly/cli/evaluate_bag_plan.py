"""What ``evaluate_bag`` is asked to do with one bag."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ros_anomaly.nodes.settings import Settings


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
