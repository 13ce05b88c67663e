"""What the detector node can be told: one table of parameters, and the checked settings made from their values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ros_anomaly.hazard.config import PARAMETERS as HAZARD_PARAMETERS
from ros_anomaly.hazard.config import HazardConfig
from ros_anomaly.messages.parameter import Changeable, Parameter, Value
from ros_anomaly.runtime.backends import BACKEND_TEXTS, DEFAULT_BACKEND
from ros_anomaly.runtime.building.options import BuildPolicy, Precision, StalePolicy
from ros_anomaly.runtime.engines import EngineSpec
from ros_anomaly.runtime.locate import DEFAULT_ENGINE

_OWN_PRECISION = "own"
_AT_START, _UNCONFIGURED = Changeable.AT_START, Changeable.UNCONFIGURED

_NODE_PARAMETERS = (
    Parameter(
        "autostart",
        False,
        "configure and activate without a lifecycle manager; a failed configure then ends the process with status 1",
        _AT_START,
    ),
    Parameter("heartbeat_hz", 10.0, "rate of ~/hazard and ~/hazard_status while no frame comes", _AT_START, 1.0, 100.0),
    Parameter("diagnostics_hz", 1.0, "rate of /diagnostics", _AT_START, 0.1, 10.0),
    Parameter(
        "lockstep", False, "simulated time may stand still: the steady-time watchdog is not applied", _UNCONFIGURED
    ),
    Parameter(
        "engine",
        DEFAULT_ENGINE,
        "name of an engine (looked up in $ROS_ANOMALY_ENGINES, then in the package) or path of its manifest",
        _UNCONFIGURED,
    ),
    Parameter(
        "backend",
        DEFAULT_BACKEND,
        "library that runs the engine, with device and mode where it has several",
        _UNCONFIGURED,
        choices=BACKEND_TEXTS,
    ),
    Parameter("threads", 0, "CPU threads of the engine; 0: the backend's own choice", _UNCONFIGURED, 0, 256),
    Parameter(
        "engine_process", True, "run the engine in a process of its own, so that its faults stay there", _UNCONFIGURED
    ),
    Parameter(
        "load_timeout_s", 60.0, "an engine that is not ready after so long is given up", _UNCONFIGURED, 1.0, 3600.0
    ),
    Parameter(
        "precision",
        _OWN_PRECISION,
        "of the engine that is run: own takes the network as it was exported, another one has to be built",
        _UNCONFIGURED,
        choices=(_OWN_PRECISION, *(precision.value for precision in Precision)),
    ),
    Parameter(
        "build_if_missing",
        False,
        "build an engine that is not there for this machine, in the engine's process; ~/hazard is UNKNOWN meanwhile",
        _UNCONFIGURED,
    ),
    Parameter(
        "stale",
        StalePolicy.REBUILD.value,
        "a built engine that does not fit this machine, its library or its source any more is never run: build it anew "
        "(where build_if_missing allows it) or refuse to start",
        _UNCONFIGURED,
        choices=tuple(policy.value for policy in StalePolicy),
    ),
    Parameter(
        "engine_cache",
        "",
        "folder of built engines; empty: engines in $ROS_ANOMALY_CACHE, else in ros_anomaly in $XDG_CACHE_HOME or "
        "~/.cache",
        _UNCONFIGURED,
    ),
    Parameter(
        "workspace_mib",
        0,
        "scratch memory that building may give to a layer; 0: the library's own choice",
        _UNCONFIGURED,
        0,
        65536,
    ),
    Parameter(
        "build_timeout_s", 3600.0, "building that takes longer is given up, for good", _UNCONFIGURED, 1.0, 86400.0
    ),
    Parameter(
        "inference_timeout_ms",
        2000.0,
        "an inference that takes longer has hung: its process is ended and another one started",
        _UNCONFIGURED,
        10.0,
        60000.0,
    ),
    Parameter(
        "image_transport",
        "raw",
        "raw: subscribe to image; compressed: to image/compressed",
        _UNCONFIGURED,
        choices=("raw", "compressed"),
    ),
    Parameter(
        "horizontal_fov_rad",
        0.0,
        "horizontal field of view of a camera without camera_info; 0: wait for camera_info, until which every anomaly "
        "counts as in the corridor",
        minimum=0.0,
        maximum=3.0,
    ),
    Parameter(
        "threshold",
        math.nan,
        "pixels that score higher are anomalous; .nan: the threshold that the engine was calibrated to",
        nan_allowed=True,
    ),
    Parameter("base_frame", "base_link", "frame of ~/hazard_points: the ground below the vehicle, x forward"),
    Parameter("jpeg_quality", 80, "quality of ~/overlay/compressed", minimum=1, maximum=100),
)

PARAMETERS: tuple[Parameter, ...] = _NODE_PARAMETERS + tuple(
    Parameter(spec.name, spec.default, spec.description, minimum=spec.minimum, maximum=spec.maximum)
    for spec in HAZARD_PARAMETERS
)
"""Every parameter of the node, in the order in which a parameter file shows them."""

BY_NAME: Mapping[str, Parameter] = {parameter.name: parameter for parameter in PARAMETERS}


@dataclass(frozen=True)
class Settings:
    """Values of all parameters, checked one by one and against each other. ``threshold`` None: the engine's own."""

    autostart: bool
    heartbeat_hz: float
    diagnostics_hz: float
    lockstep: bool
    engine: EngineSpec
    engine_process: bool
    load_timeout_s: float
    inference_timeout_ms: float
    image_transport: str
    horizontal_fov_rad: float
    threshold: float | None
    base_frame: str
    jpeg_quality: int
    hazard: HazardConfig

    @classmethod
    def from_values(cls, values: Mapping[str, Value]) -> Settings:
        """Settings from parameter values; what is not given has its default.

        Raises:
            ValueError: unknown name, wrong type, out of range, or values that contradict each other.
        """
        merged: dict[str, Value] = {parameter.name: parameter.default for parameter in PARAMETERS}
        if unknown := sorted(set(values) - set(merged)):
            raise ValueError(f"parameter {unknown[0]}: expected one of {', '.join(merged)}, found no such name")
        merged.update({name: BY_NAME[name].checked(value) for name, value in values.items()})
        hazard = HazardConfig.from_flat(
            {spec.name: value for spec in HAZARD_PARAMETERS if not isinstance(value := merged[spec.name], str)}
        )
        threshold = float(merged["threshold"])
        if merged["build_if_missing"] and not merged["engine_process"]:
            raise ValueError("build_if_missing: expected engine_process true, which is what builds; found false")
        return cls(
            autostart=bool(merged["autostart"]),
            heartbeat_hz=float(merged["heartbeat_hz"]),
            diagnostics_hz=float(merged["diagnostics_hz"]),
            lockstep=bool(merged["lockstep"]),
            engine=EngineSpec(
                str(merged["engine"]),
                str(merged["backend"]),
                int(merged["threads"]) or None,
                build=_build_policy(merged),
            ),
            engine_process=bool(merged["engine_process"]),
            load_timeout_s=float(merged["load_timeout_s"]),
            inference_timeout_ms=float(merged["inference_timeout_ms"]),
            image_transport=str(merged["image_transport"]),
            horizontal_fov_rad=float(merged["horizontal_fov_rad"]),
            threshold=None if math.isnan(threshold) else threshold,
            base_frame=str(merged["base_frame"]),
            jpeg_quality=int(merged["jpeg_quality"]),
            hazard=hazard,
        )


def _build_policy(values: Mapping[str, Value]) -> BuildPolicy:
    precision, cache = str(values["precision"]), str(values["engine_cache"])
    return BuildPolicy(
        precision=None if precision == _OWN_PRECISION else Precision(precision),
        if_missing=bool(values["build_if_missing"]),
        stale=StalePolicy(values["stale"]),
        cache=Path(cache).expanduser() if cache else None,
        workspace_mib=int(values["workspace_mib"]),
        timeout_s=float(values["build_timeout_s"]),
    )
