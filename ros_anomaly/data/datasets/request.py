"""What is asked of a reader."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ros_anomaly.data.frames import LabelKind


@dataclass(frozen=True)
class DatasetRequest:
    """Arguments of every reader, checked against the data set by the registry.

    Attributes:
        root: folder of the data set.
        split: one of the data set's; "" where it has none.
        label_kind: given by the caller where the layout does not tell it.
        images: root of the pictures where labels are published without them; None: they lie in ``root`` too.
        allow_missing: read the frames that are whole where pictures or labels are missing.
    """

    root: Path
    split: str = ""
    label_kind: LabelKind | None = None
    images: Path | None = None
    allow_missing: bool = False
