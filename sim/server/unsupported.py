"""Calls of CARLA's client that this server refuses, with the kind of result in which the client expects the refusal."""

from __future__ import annotations

from enum import Enum


class Result(Enum):
    """Response<T> or Response<void>."""

    VALUE = "value"
    VOID = "void"


_VALUES = (
    "get_traffic_manager_running",
    "get_navigation_mesh",
    "request_file",
    "get_names_of_all_objects",
    "get_imui_gravity",
    "get_imui_sensor_gravity",
    "get_actor_component_world_transform",
    "get_actor_component_relative_transform",
    "get_actor_bone_world_transforms",
    "get_actor_bone_relative_transforms",
    "get_actor_component_names",
    "get_actor_bone_names",
    "get_actor_socket_world_transforms",
    "get_actor_socket_relative_transforms",
    "get_actor_socket_names",
    "get_wheel_steer_angle",
    "get_wheel_pitch_angle",
    "get_ackermann_controller_settings",
    "get_telemetry_data",
    "get_bones_transform",
    "is_sensor_enabled_for_ros",
    "get_gbuffer_token",
    "start_recorder",
    "show_recorder_file_info",
    "show_recorder_collisions",
    "show_recorder_actors_blocked",
    "replay_file",
)
_VOIDS = (
    "load_map_layer",
    "unload_map_layer",
    "copy_opendrive_to_file",
    "apply_color_texture_to_objects",
    "apply_float_color_texture_to_objects",
    "set_imui_gravity",
    "set_imui_sensor_gravity",
    "add_actor_impulse",
    "add_actor_impulse_at_location",
    "add_actor_force",
    "add_actor_force_at_location",
    "add_actor_angular_impulse",
    "add_actor_torque",
    "apply_physics_control",
    "apply_ackermann_control_to_vehicle",
    "apply_ackermann_controller_settings",
    "open_vehicle_door",
    "close_vehicle_door",
    "set_wheel_steer_direction",
    "set_wheel_pitch_angle",
    "set_actor_dead",
    "set_actor_autopilot",
    "set_bones_transform",
    "blend_pose",
    "get_pose_from_animation",
    "show_vehicle_debug_telemetry",
    "enable_carsim",
    "use_carsim_road",
    "enable_chrono_physics",
    "restore_physx_physics",
    "enable_sensor_for_ros",
    "disable_sensor_for_ros",
    "stop_recorder",
    "set_replayer_time_factor",
    "set_replayer_ignore_hero",
    "set_replayer_ignore_spectator",
    "stop_replayer",
    "update_lights_state",
    "update_day_night_cycle",
    "enable_environment_objects",
)
UNSUPPORTED: dict[str, Result] = {
    **dict.fromkeys(_VALUES, Result.VALUE),
    **dict.fromkeys(_VOIDS, Result.VOID),
}
