"""The parts of a recipe that say what a run is trained on. Values of the wrong range are ValueErrors."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ros_anomaly.choice import Choice
from ros_anomaly.data.datasets.registry import DATASETS
from ros_anomaly.data.frames import LabelKind
from ros_anomaly.data.labels import CITYSCAPES_CLASSES, STREET_CLASSES, ClassSet
from ros_anomaly.limits import check_share

_OWN_CLASSES = "folder"
TRAINING_DATASETS = tuple(name for name, info in DATASETS.items() if info.label_kind in (None, LabelKind.CLASS_IDS))
"""Data sets whose labels know classes; an anomaly mask is no ground truth for training."""


@dataclass(frozen=True)
class DatasetConfig:
    """Labelled images on disk to train on. Paths are relative to where the command is run; ``~`` is one's home.

    Attributes:
        kind: one of ``TRAINING_DATASETS``; ``folder`` is a user's own ``images/`` and ``masks/``.
        root: its folder; empty where the command line gives it (``--dataset KIND:PATH``).
        split, validation_split: of the data set; empty for its own ``train`` and ``validation``, where it has splits.
        validation_root: another folder of the same layout for validation, as a data set without splits needs.
        images: root of the pictures where they are kept apart from the labels.
        class_names: of ``folder``: names of the classes 0, 1, … that the masks hold; empty: the street classes.
        allow_missing: use what is whole where pictures or labels are missing.
        cache_mb: decoded frames kept in memory, by each process that reads.
    """

    kind: str
    root: str = ""
    split: str = ""
    validation_split: str = ""
    validation_root: str = ""
    images: str = ""
    class_names: tuple[str, ...] = ()
    allow_missing: bool = False
    cache_mb: int = 256

    def __post_init__(self) -> None:
        if self.kind not in TRAINING_DATASETS:
            known = "only anomaly masks" if self.kind in DATASETS else repr(self.kind)
            raise ValueError(f"dataset kind: expected one of {', '.join(TRAINING_DATASETS)}; found {known}")
        splits = DATASETS[self.kind].splits
        for name in ("split", "validation_split"):
            if (split := getattr(self, name)) and split not in splits:
                legal = f"one of {', '.join(splits)}" if splits else "none"
                raise ValueError(f"dataset {name} of {self.kind}: expected {legal}, found {split!r}")
        if self.class_names and self.kind != _OWN_CLASSES:
            raise ValueError(f"dataset class_names: expected none but with kind {_OWN_CLASSES}, found {self.kind}")
        if self.images and not DATASETS[self.kind].separate_images:
            raise ValueError(f"dataset images: expected the pictures of {self.kind} in its root, found {self.images}")
        if self.cache_mb < 0:
            raise ValueError(f"dataset cache_mb: expected at least 0, found {self.cache_mb}")

    @property
    def classes(self) -> ClassSet:
        """The classes that its training labels hold. ValueError: names that are empty or equal."""
        if self.kind == "cityscapes":
            return CITYSCAPES_CLASSES
        return ClassSet.of_names(self.class_names) if self.class_names else STREET_CLASSES


class NegativeKind(Choice):
    """Where negatives to paste lie on disk."""

    CUTOUTS = "cutouts"
    """RGBA pictures in a folder."""
    COCO = "coco"
    """Photographs with annotated objects."""


@dataclass(frozen=True)
class NegativesConfig:
    """Negatives to paste that a user brings.

    Attributes:
        root: folder of the RGBA pictures, or of the photographs. annotations: of ``coco``, the JSON file.
        include, exclude: of ``coco``, names of categories; what the inlier classes hold must be left out.
        min_side_px: of ``coco``, the smallest longest side of an object.
        share: of the pasted negatives that are these; the others are rendered cut-outs.
    """

    kind: NegativeKind = NegativeKind.CUTOUTS
    root: str = ""
    annotations: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    min_side_px: int = 48
    share: float = 1.0

    def __post_init__(self) -> None:
        check_share("negatives share", self.share)
        annotated = self.kind is NegativeKind.COCO
        if bool(self.annotations) != annotated:
            wanted = "a file" if annotated else "none"
            raise ValueError(
                f"negatives annotations with kind {self.kind.value}: expected {wanted}, found "
                f"{self.annotations or 'none'}"
            )
        if not annotated and (self.include or self.exclude):
            raise ValueError(f"negatives include, exclude: expected kind coco, found {self.kind.value}")


@dataclass(frozen=True)
class DataConfig:
    """Which frames a run needs; what renders streets reads this too.

    Attributes:
        dataset: labelled images on disk; None for rendered streets, which the next six describe.
        size: (height, width) of the rendered frames.
        clean_frames: training frames without anomalies, from many viewpoints.
        drive_frames: the same as the vehicle sees them along drives.
        negative_frames: training frames with training objects.
        validation_frames: of validation towns, models and objects; three quarters with anomalies.
        cutouts: pictures of training objects to paste.
        seed: of everything rendered.
        negative_kinds: kinds of training objects (``household``, ``shape``) that rendered frames and cut-outs may
            show; empty for all. Frames that show others are left out.
        negatives: negatives to paste from disk, in place of the rendered cut-outs or beside them.
    """

    dataset: DatasetConfig | None = None
    size: tuple[int, int] = (360, 640)
    clean_frames: int = 4000
    drive_frames: int = 0
    negative_frames: int = 2000
    validation_frames: int = 200
    cutouts: int = 1500
    seed: int = 1
    negative_kinds: tuple[str, ...] = ()
    negatives: NegativesConfig | None = None

    @property
    def classes(self) -> ClassSet:
        """The classes that training labels hold."""
        return STREET_CLASSES if self.dataset is None else self.dataset.classes


@dataclass(frozen=True)
class Mixture:
    """Shares of the frames of a batch; the rest is clean.

    Attributes:
        pasted: clean frames with cut-outs pasted as negatives.
        rendered: frames with rendered negatives.
        shapes: clean frames with made-up shapes pasted as negatives.
        inlier_crops: clean frames with patches of other inlier frames pasted as negatives (for comparison).
        pieces: probability that any frame gets objects of inlier classes, cut from other frames, that keep their class.
        markings: probability that any frame gets painted marks on its road, which are no anomalies.
    """

    pasted: float = 0.0
    rendered: float = 0.0
    shapes: float = 0.0
    inlier_crops: float = 0.0
    pieces: float = 0.0
    markings: float = 0.0

    def __post_init__(self) -> None:
        shares = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("pieces", "markings")}
        if min(shares.values()) < 0 or sum(shares.values()) > 1 + 1e-9:
            listed = " + ".join(f"{name} {share}" for name, share in shares.items() if share)
            raise ValueError(f"mixture: expected shares >= 0 with a sum <= 1, found {listed}")
        for name in ("pieces", "markings"):
            if not 0 <= (value := getattr(self, name)) <= 1:
                raise ValueError(f"mixture {name}: expected a probability 0..1, found {value}")

    @property
    def negatives(self) -> float:
        """Share of frames with negatives of any kind."""
        return self.pasted + self.rendered + self.shapes + self.inlier_crops
