"""What has to be there before the demonstration's processes start: a planned drive, and what can draw it."""

from __future__ import annotations

from dataclasses import dataclass

from ros_anomaly_sim.bridge.server_process import server_command
from ros_anomaly_sim.demo.plan import plan_drive
from ros_anomaly_sim.demo.setting import Setting
from ros_anomaly_sim.render.context import RenderContext
from ros_anomaly_sim.scenarios.schema import Scenario
from ros_anomaly_sim.street.drive import Drive
from ros_anomaly_sim.street.objects.library import ModelLibrary


@dataclass(frozen=True)
class Preparation:
    """The drive as a scenario, the command line of the server to drive it on, and what the report calls it."""

    scenario: Scenario
    server: tuple[str, ...]
    setting: Setting


def prepare(town: int, duration_s: float, weather: str) -> Preparation:
    """Plan a drive.

    Raises:
        MissingEglError, MissingModelsError: a package of the system is missing; the message names it.
        ValueError: no such town, or a duration out of range.
    """
    context = RenderContext()
    drawn_by = context.renderer
    context.close()
    plan = plan_drive(Drive(town, ModelLibrary(), duration_s=duration_s), weather)
    server = server_command(plan.scenario.map, length_m=plan.street_m)
    return Preparation(plan.scenario, (*server, "--verbose"), Setting(town, weather, drawn_by))
