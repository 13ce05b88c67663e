"""What the CARLA bridge can be told: one table of ROS parameters, and the checked settings made from their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ros_anomaly.messages.parameter import Changeable, Parameter, Value
from ros_anomaly_sim.bridge.camera_rig import CameraKind, CameraPlan
from ros_anomaly_sim.scenarios.conditions import Light, WeatherName
from ros_anomaly_sim.scenarios.files import find_scenario
from ros_anomaly_sim.scenarios.schema import Ego, Expected, Home, Scenario

DEFAULT_MAP = "Town2001"
_AT_START = Changeable.AT_START


def _text(name: str, default: str, description: str, choices: tuple[str, ...] = ()) -> Parameter:
    return Parameter(name, default, description, _AT_START, choices=choices)


def _number(name: str, default: float, low: float, high: float, description: str) -> Parameter:
    return Parameter(name, default, description, _AT_START, low, high)


PARAMETERS: tuple[Parameter, ...] = (
    _text("host", "", "address of a CARLA 0.9.16 server; empty: start the embedded one and end it with the bridge"),
    _number("port", 2000, 1, 65534, "port of that server"),
    _number("connect_timeout_s", 20.0, 1.0, 600.0, "how long a call to the server may take"),
    Parameter("reconnect", True, "try again, with growing pauses, when the server is lost", _AT_START),
    _text("scenario", "", "name or file of a scenario; empty: a drive made of the parameters up to weather"),
    _text("map", DEFAULT_MAP, "map to drive on"),
    _number("spawn_point", 0, 0, 100_000, "number of the map's spawn point that the ego starts from"),
    _number("route_m", 100.0, 20.0, 1000.0, "length of the drive"),
    _number("speed_kmh", 30.0, 5.0, 60.0, "speed of the ego"),
    _text("light", Light.NOON.value, "time of day", tuple(light.value for light in Light)),
    _text("weather", WeatherName.CLEAR.value, "air and road", tuple(name.value for name in WeatherName)),
    _text(
        "ego_control",
        "route",
        "route: the bridge drives along the route; external: somebody else does, through CARLA",
        ("route", "external"),
    ),
    Parameter("repeat", False, "drive again from the start when the drive is over; else the bridge ends", _AT_START),
    _text("cameras", "rgb,semantic,instance", "which of rgb, semantic, instance, depth, with commas; rgb is needed"),
    _number("image_width", 640, 16, 7680, "pixels"),
    _number("image_height", 360, 16, 4320, "pixels"),
    _number("horizontal_fov_rad", 1.5707963267948966, 0.1, 2.9, "of the cameras"),
    _number("camera.x_m", 1.5, -5.0, 10.0, "cameras ahead of base_link, the middle of the vehicle"),
    _number("camera.z_m", 1.6, 0.1, 10.0, "cameras above the ground"),
    _number("delta_s", 0.05, 0.001, 0.1, "simulated time of a tick"),
    _number("sensor_tick_s", 0.1, 0.001, 10.0, "simulated time from image to image"),
    Parameter("lockstep", True, "wait for the detector's answer to every image; else drive in real time", _AT_START),
    _text("status_topic", "/detector/hazard_status", "where the detector answers"),
    _number("answer_timeout_s", 2.0, 0.01, 600.0, "in lockstep: how long one answer is waited for; then it is counted"),
    _number("patience", 20, 1, 100_000, "in lockstep: unanswered images in a row that end the bridge"),
    _number(
        "startup_timeout_s", 120.0, 1.0, 3600.0, "in lockstep: how long the detector's first answers are waited for"
    ),
    Parameter(
        "ahead",
        False,
        "in lockstep: draw the next image while the detector works on this one, and show it after the answer; "
        "for drives that do not depend on its answers",
        _AT_START,
    ),
    Parameter("wait_for_go", False, "in lockstep: stand until somebody says on /carla/go that all is heard", _AT_START),
    _text("notes", "", "folder for drive.json (what is driven through) and, in lockstep, summary.json (its images)"),
    _number("speed", 1.0, 0.0, 1000.0, "simulated seconds to a second at most; 0: no limit"),
)
"""Every parameter of the bridge; all are set at start."""

BY_NAME: Mapping[str, Parameter] = {parameter.name: parameter for parameter in PARAMETERS}


@dataclass(frozen=True)
class BridgeSettings:
    """Values of all parameters, checked one by one and against each other. ``host`` None: the embedded server."""

    host: str | None
    port: int
    connect_timeout_s: float
    reconnect: bool
    scenario: Scenario
    drives: bool
    repeat: bool
    cameras: CameraPlan
    delta_s: float
    lockstep: bool
    status_topic: str
    answer_timeout_s: float
    patience: int
    startup_timeout_s: float
    ahead: bool
    wait_for_go: bool
    notes: Path | None
    speed: float

    def __post_init__(self) -> None:
        for name, asked in (("ahead", self.ahead), ("wait_for_go", self.wait_for_go)):
            if asked and not self.lockstep:
                raise ValueError(f"parameter {name}: expected lockstep with it, found lockstep false")
        if self.ahead and not self.drives:
            raise ValueError("parameter ahead: expected ego_control route with it, found external")
        if self.notes is not None and not self.notes.is_dir():
            raise ValueError(f"parameter notes: expected a folder, found {str(self.notes)!r}")

    @classmethod
    def from_values(cls, values: Mapping[str, Value]) -> BridgeSettings:
        """Settings from parameter values; what is not given has its default.

        Raises:
            ValueError: unknown name, wrong type, out of range, or values that contradict each other.
            OSError: the scenario's file cannot be read.
        """
        if unknown := sorted(set(values) - set(BY_NAME)):
            raise ValueError(f"parameter {unknown[0]}: expected one of {', '.join(BY_NAME)}, found no such name")
        merged: dict[str, Value] = {parameter.name: parameter.default for parameter in PARAMETERS}
        merged.update({name: BY_NAME[name].checked(value) for name, value in values.items()})
        delta_s, tick_s = float(merged["delta_s"]), float(merged["sensor_tick_s"])
        if abs(tick_s / delta_s - round(tick_s / delta_s)) > 1e-6 or tick_s < delta_s:
            raise ValueError(f"parameter sensor_tick_s: expected a multiple of delta_s = {delta_s:g}, found {tick_s:g}")
        return cls(
            host=str(merged["host"]) or None,
            port=int(merged["port"]),
            connect_timeout_s=float(merged["connect_timeout_s"]),
            reconnect=bool(merged["reconnect"]),
            scenario=_scenario(merged),
            drives=merged["ego_control"] == "route",
            repeat=bool(merged["repeat"]),
            cameras=CameraPlan(
                kinds=_camera_kinds(str(merged["cameras"])),
                size=(int(merged["image_height"]), int(merged["image_width"])),
                fov_rad=float(merged["horizontal_fov_rad"]),
                x_m=float(merged["camera.x_m"]),
                z_m=float(merged["camera.z_m"]),
                tick_s=tick_s,
            ),
            delta_s=delta_s,
            lockstep=bool(merged["lockstep"]),
            status_topic=str(merged["status_topic"]),
            answer_timeout_s=float(merged["answer_timeout_s"]),
            patience=int(merged["patience"]),
            startup_timeout_s=float(merged["startup_timeout_s"]),
            ahead=bool(merged["ahead"]),
            wait_for_go=bool(merged["wait_for_go"]),
            notes=Path(str(merged["notes"])) if merged["notes"] else None,
            speed=float(merged["speed"]),
        )


def _camera_kinds(text: str) -> tuple[CameraKind, ...]:
    kinds = []
    for name in text.split(","):
        try:
            kinds.append(CameraKind(name.strip()))
        except ValueError:
            legal = ", ".join(kind.value for kind in CameraKind)
            raise ValueError(f"parameter cameras: expected some of {legal}; found {name.strip()!r}") from None
    return tuple(kinds)


def _scenario(values: Mapping[str, Value]) -> Scenario:
    if values["scenario"]:
        return find_scenario(str(values["scenario"]))
    route_m, speed_kmh = float(values["route_m"]), float(values["speed_kmh"])
    return Scenario(
        name="drive",
        description="a drive made of the bridge's parameters",
        home=Home.EMBEDDED,
        expected=Expected.OPEN,
        map=str(values["map"]),
        ego=Ego(int(values["spawn_point"]), route_m, speed_kmh),
        duration_s=min(600.0, 10.0 + 4 * 3.6 * route_m / speed_kmh),
        weather=WeatherName(values["weather"]),
        light=Light(values["light"]),
    )
