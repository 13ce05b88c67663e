"""Policy of the hazard room as typed, self-checking configuration: one frozen dataclass a topic.

The same flat names serve ROS parameters and YAML: ``<topic>.<field>``, e.g. ``corridor.half_width_m``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast

from ros_anomaly.limits import check_within

Scalar = bool | int | float


def _setting(default: Scalar, low: float, high: float, description: str) -> Any:
    return field(default=default, metadata={"low": low, "high": high, "description": description})


class _Checked:
    """Holds every field to its type and range when made; the error names the field, the range and the value."""

    def __post_init__(self) -> None:
        for f in fields(cast(Any, self)):
            object.__setattr__(self, f.name, _checked(f"{type(self).__name__}.{f.name}", f, getattr(self, f.name)))


def _checked(name: str, f: Any, value: Any) -> Scalar:
    kind = type(f.default)
    whole = isinstance(value, int) and not isinstance(value, bool)
    if kind is float and (whole or isinstance(value, float)):
        value = float(value)
    elif kind is not bool and isinstance(value, bool) or not isinstance(value, kind):
        raise ValueError(f"{name}: expected {kind.__name__}, found {type(value).__name__} {value!r}")
    low, high = f.metadata["low"], f.metadata["high"]
    check_within(name, value, low, high)
    return cast(Scalar, value)


@dataclass(frozen=True)
class RegionConfig(_Checked):
    """Which groups of pixels count as a region: a core above the threshold, grown to what scores nearly as high.

    A network is sure of part of a thing and less so of the rest. One threshold that keeps false alarms rare shows no
    more than that part; growing shows the thing, and adds no false alarm that has no core.
    """

    min_area_px: int = _setting(64, 1, 10_000_000, "smallest core, pixels of the input image above the threshold")
    grow_share: float = _setting(
        0.25,
        0.0,
        0.9,
        "a core grows to the cells around it that score within this share of the way from the threshold down to the "
        "map's median; 0 is off",
    )
    opening_cells: int = _setting(0, 0, 15, "radius of a morphological opening at score-map size; 0 is off")
    max_regions: int = _setting(64, 1, 1000, "regions listed; the nearest are kept, the mask shows all")
    max_components: int = _setting(400, 10, 100_000, "more components than this is noise: one region, in the corridor")


@dataclass(frozen=True)
class CameraMount(_Checked):
    """Pose of the camera body (x forward, y left, z up) in ``base_link``, whose origin lies on the ground.

    Rotation R = Rz(yaw) Ry(pitch) Rx(roll) as in REP 103: positive pitch looks *down*, positive yaw left.
    """

    x_m: float = _setting(1.5, -50.0, 50.0, "camera ahead of base_link")
    y_m: float = _setting(0.0, -20.0, 20.0, "camera left of base_link")
    z_m: float = _setting(1.6, 0.05, 20.0, "camera above the ground")
    roll_rad: float = _setting(0.0, -math.pi, math.pi, "roll, right side down positive")
    pitch_rad: float = _setting(0.0, -1.5, 1.5, "pitch, looking down positive")
    yaw_rad: float = _setting(0.0, -math.pi, math.pi, "yaw, looking left positive")


@dataclass(frozen=True)
class CorridorConfig(_Checked):
    """The ground that the vehicle is about to drive over."""

    half_width_m: float = _setting(1.6, 0.1, 20.0, "to each side of the driving direction")
    length_m: float = _setting(60.0, 1.0, 500.0, "ahead of base_link, along the path")
    blind_range_m: float = _setting(
        20.0, 1.0, 500.0, "an anomaly above the horizon counts if its bearing meets the corridor at this distance"
    )
    min_speed_mps: float = _setting(1.0, 0.0, 20.0, "below this speed the path is taken as straight")
    max_curvature_per_m: float = _setting(0.2, 0.0, 1.0, "tightest curve that is believed")


@dataclass(frozen=True)
class ConfirmationConfig(_Checked):
    """How many frames make, end and restore a statement."""

    hits: int = _setting(2, 1, 100, "processed frames with an anomaly in the corridor …")
    window: int = _setting(3, 1, 100, "… among so many last ones make HAZARD")
    release: int = _setting(5, 1, 1000, "good frames in a row without one release it")
    recover: int = _setting(3, 1, 1000, "good frames in a row end UNKNOWN")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hits > self.window:
            raise ValueError(f"ConfirmationConfig: expected hits <= window, found {self.hits} > {self.window}")
        if self.release < self.window - self.hits + 1:
            raise ValueError(
                f"ConfirmationConfig: expected release > window - hits = {self.window - self.hits}, "
                f"found {self.release}: the evidence that confirms would still be in the window"
            )


@dataclass(frozen=True)
class FreshnessConfig(_Checked):
    """When a frame, or the lack of one, can no longer be trusted."""

    max_frame_age_ms: float = _setting(500.0, 1.0, 3.6e6, "image stamp older than this (ROS time)")
    watchdog_ms: float = _setting(
        1000.0, 1.0, 3.6e6, "no finished inference for so long (steady time; not in lockstep)"
    )
    max_future_ms: float = _setting(100.0, 0.0, 3.6e6, "image stamp ahead of ROS time by more")
    max_gap_ms: float = _setting(1000.0, 1.0, 3.6e6, "image stamps of two processed frames further apart")
    max_clock_step_back_ms: float = _setting(100.0, 0.0, 3.6e6, "ROS time running backwards by more")


@dataclass(frozen=True)
class ImageHealthConfig(_Checked):
    """When an image carries no information."""

    frozen_frames: int = _setting(
        10, 0, 100_000, "identical images in a row; 0 is off (a noiseless, standing simulation)"
    )
    max_dark_share: float = _setting(0.98, 0.0, 1.0, "share of nearly black pixels")
    max_bright_share: float = _setting(0.9, 0.0, 1.0, "share of saturated pixels")
    min_contrast: float = _setting(2.0, 0.0, 255.0, "standard deviation of grey levels")


@dataclass(frozen=True)
class SceneConfig(_Checked):
    """When a score map shows that the network does not know what it sees."""

    max_shift: float = _setting(
        0.02,
        0.0,
        1e6,
        "UNKNOWN where the lower half of the image mostly scores higher than it did in calibration, by more than this "
        "share of the way to the calibrated threshold; 1e6 is off",
    )

    def is_unfamiliar(self, shift: float | None) -> bool:
        """Whether a ``scene_shift`` is above the limit; one that is not a number is, one that is not known is not."""
        return shift is not None and not shift <= self.max_shift


_CALIBRATED = ("region.", "corridor.", "confirm.")


@dataclass(frozen=True)
class HazardConfig:
    """All of the above; ``from_flat`` and ``to_flat`` speak the names of ROS parameters."""

    region: RegionConfig = RegionConfig()
    camera: CameraMount = CameraMount()
    corridor: CorridorConfig = CorridorConfig()
    confirm: ConfirmationConfig = ConfirmationConfig()
    fresh: FreshnessConfig = FreshnessConfig()
    image: ImageHealthConfig = ImageHealthConfig()
    scene: SceneConfig = SceneConfig()

    @classmethod
    def from_flat(cls, values: Mapping[str, Scalar]) -> HazardConfig:
        """Defaults overridden by ``values``; ValueError for an unknown name, a wrong type or a value out of range."""
        known = {spec.name for spec in PARAMETERS}
        if unknown := sorted(set(values) - known):
            raise ValueError(f"unknown hazard parameter {unknown[0]!r}; expected one of {', '.join(sorted(known))}")
        topics = {}
        for topic in fields(cls):
            prefix = topic.name + "."
            own = {name[len(prefix) :]: value for name, value in values.items() if name.startswith(prefix)}
            topics[topic.name] = type(cast(Any, topic.default))(**own)
        return cls(**topics)

    def to_flat(self) -> dict[str, Scalar]:
        """``{"region.min_area_px": 64, …}``; ``from_flat`` of it gives an equal configuration."""
        return {
            f"{topic.name}.{f.name}": getattr(getattr(self, topic.name), f.name)
            for topic in fields(self)
            for f in fields(getattr(self, topic.name))
        }

    def calibrated(self) -> dict[str, Scalar]:
        """What of ``to_flat`` a calibrated threshold rests on: regions, corridor, confirmation.

        Not the camera, which is every vehicle's own, nor what decides between a known state and UNKNOWN.
        """
        return {name: value for name, value in self.to_flat().items() if name.startswith(_CALIBRATED)}

    def unlike(self, calibrated: Mapping[str, Scalar]) -> str:
        """Where this differs from what ``calibrated`` gave at calibration, in words; empty where it does not."""
        own = self.calibrated()
        return ", ".join(
            f"{name} {own[name]} (calibrated with {value})"
            for name, value in calibrated.items()
            if name in own and own[name] != value
        )


@dataclass(frozen=True)
class ParameterSpec:
    """What a parameter descriptor needs; ``minimum`` and ``maximum`` are inclusive."""

    name: str
    type: type
    default: Scalar
    minimum: float
    maximum: float
    description: str


PARAMETERS: tuple[ParameterSpec, ...] = tuple(
    ParameterSpec(
        f"{topic.name}.{f.name}",
        type(f.default),
        cast(Scalar, f.default),
        f.metadata["low"],
        f.metadata["high"],
        f.metadata["description"],
    )
    for topic in fields(HazardConfig)
    for f in fields(cast(Any, topic.default))
)
