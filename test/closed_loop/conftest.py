"""The box server and its client, for tests that put scenarios on."""

from carla_stage_rig import box_server, client  # noqa: F401
