"""``~/hazard_status``: what the monitor says, as a diagnostic message that tools show and programs read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray

from ros_anomaly.hazard.types import HazardLevel, HazardState, Region
from ros_anomaly.messages.diagnostics import DiagnosticLevel, diagnostic_array, diagnostic_status, values_of
from ros_anomaly.messages.stamps import ns_to_text, stamp_to_ns, text_to_ns

STATUS_SUFFIX = ": hazard"
"""The status is named after the node: ``detector: hazard``."""

_LEVELS = {
    HazardLevel.CLEAR: DiagnosticLevel.OK,
    HazardLevel.CAUTION: DiagnosticLevel.WARN,
    HazardLevel.HAZARD: DiagnosticLevel.ERROR,
    HazardLevel.UNKNOWN: DiagnosticLevel.STALE,
}


@dataclass(frozen=True)
class FrameStages:
    """Where the time of a frame went in the node, milliseconds, in this order: waiting for the frame before it, message
    to array, to the engine's size, engine, mask and regions, health of the image. Monitor and publishing follow.
    """

    wait_ms: float
    convert_ms: float
    resize_ms: float
    engine_ms: float
    regions_ms: float
    health_ms: float


@dataclass(frozen=True)
class HazardReport:
    """Content of one ``~/hazard_status`` message.

    ``dropped`` counts the images that were not processed since the node was activated. ``is_heartbeat`` is True where
    the message answers no image: its header then carries the time of sending, else the image's own stamp.
    ``stages`` is in answers to images alone.
    """

    state: HazardState
    dropped: int
    is_heartbeat: bool = False
    stages: FrameStages | None = None

    @property
    def engine_ms(self) -> float | None:
        """The engine's part of the latency, in answers to images alone."""
        return self.stages.engine_ms if self.stages else None


def hazard_message(
    state: HazardState, dropped: int, stamp: Time, frame_id: str, node_name: str, stages: FrameStages | None = None
) -> DiagnosticArray:
    """``state`` as a message; ``stamp`` is the image's for the answer to an image, for a heartbeat the present."""
    values = {
        "level": state.level.value,
        "reason": state.reason,
        "image_stamp": ns_to_text(state.image_stamp_ns),
        "regions": json.dumps([_region_values(region) for region in state.regions], separators=(",", ":")),
        "nearest_m": _number(state.nearest_m),
        "max_score": _number(state.max_score),
        "latency_ms": _number(state.latency_ms),
        "frame_age_ms": _number(state.frame_age_ms),
        "dropped": str(dropped),
        "scene_shift": _number(state.scene_shift),
        "engine_ms": _number(stages.engine_ms if stages else None),
        "stages_ms": _stages_text(stages),
    }
    status = diagnostic_status(node_name + STATUS_SUFFIX, _LEVELS[state.level], state.reason, values, frame_id)
    return diagnostic_array([status], stamp, frame_id)


def hazard_report(message: DiagnosticArray) -> HazardReport:
    """Inverse of ``hazard_message`` (numbers to their text's precision).

    Raises:
        ValueError: not a hazard status, or a value that cannot be read; the message says which.
    """
    if len(message.status) != 1 or not message.status[0].name.endswith(STATUS_SUFFIX):
        raise ValueError(
            f"hazard status: expected one status named '…{STATUS_SUFFIX}', found {[s.name for s in message.status]}"
        )
    values = values_of(message.status[0])
    try:
        image_stamp_ns = text_to_ns(values["image_stamp"])
        state = HazardState(
            level=HazardLevel(values["level"]),
            reason=values["reason"],
            image_stamp_ns=image_stamp_ns,
            regions=tuple(_region(item) for item in json.loads(values["regions"])),
            nearest_m=_optional_float(values["nearest_m"]),
            max_score=_optional_float(values["max_score"]),
            latency_ms=_optional_float(values["latency_ms"]),
            frame_age_ms=_optional_float(values["frame_age_ms"]),
            scene_shift=_optional_float(values.get("scene_shift", "")),  # recordings may lack this key and the stages
        )
        dropped, stages = int(values["dropped"]), _stages(values.get("stages_ms", ""))
    except KeyError as error:
        raise ValueError(f"hazard status: expected the key {error}, found {sorted(values)}") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"hazard status: {error}") from None
    is_heartbeat = image_stamp_ns != stamp_to_ns(message.header.stamp)
    return HazardReport(state, dropped, is_heartbeat, stages)


def _region_values(region: Region) -> dict[str, Any]:
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(region).items()}


def _region(values: Mapping[str, Any]) -> Region:
    left, top, right, bottom = values["box"]
    return Region(**{**values, "box": (left, top, right, bottom)})


def _stages_text(stages: FrameStages | None) -> str:
    if stages is None:
        return ""
    return json.dumps({name: round(value, 4) for name, value in asdict(stages).items()}, separators=(",", ":"))


def _stages(text: str) -> FrameStages | None:
    return FrameStages(**json.loads(text)) if text else None


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _optional_float(text: str) -> float | None:
    return float(text) if text else None
