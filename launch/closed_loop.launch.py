"""Drive scenarios with the detector node at the wheel: ``ros2 launch ros_anomaly closed_loop.launch.py …``.

The node runs in lockstep with the simulator: the world waits for its answer to every image. It is started by
``detector.launch.py``, whose arguments are arguments here too.
``ros2 launch ros_anomaly closed_loop.launch.py --show-args`` lists them all.
"""

from pathlib import Path

from launch.actions import (
    DeclareLaunchArgument,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
)
from launch.event_handlers import OnProcessExit
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from launch import LaunchContext, LaunchDescription

PACKAGE = "ros_anomaly"
EGO = "/carla/ego_vehicle"

# Options of the closed loop, where the launch argument is not empty.
OPTIONS = {
    "--latency-ms": LaunchConfiguration("latency_ms"),
    "--host": LaunchConfiguration("host"),
    "--port": LaunchConfiguration("port"),
    "--out": LaunchConfiguration("out"),
}


def drives(context: LaunchContext) -> list:
    """The drives, at whose end everything ends."""
    options = [part for option, value in OPTIONS.items() if (text := value.perform(context)) for part in (option, text)]
    namespace = LaunchConfiguration("namespace").perform(context).strip("/")
    node = "/".join(filter(None, (namespace, LaunchConfiguration("name").perform(context))))
    process = Node(
        package=PACKAGE,
        executable="closed_loop",
        arguments=[
            *LaunchConfiguration("scenarios").perform(context).split(),
            *("--status-topic", f"/{node}/hazard_status"),
            *options,
        ],
        output="screen",
    )
    end = OnProcessExit(target_action=process, on_exit=[Shutdown(reason="the drives are over")])
    return [process, RegisterEventHandler(end)]


def generate_launch_description() -> LaunchDescription:
    """Arguments of the drives, the detector with other defaults, and the drives."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "scenarios", default_value="", description="Names or files, with blanks between; empty: the suite."
            ),
            DeclareLaunchArgument(
                "latency_ms",
                default_value="",
                description="Simulated time from image to reaction; empty: what is measured on this machine.",
            ),
            DeclareLaunchArgument(
                "host", default_value="", description="Address of a CARLA 0.9.16 server; empty: start the embedded one."
            ),
            DeclareLaunchArgument("port", default_value="", description="Port of that server; empty: 2000."),
            DeclareLaunchArgument(
                "out",
                default_value="",
                description="Folder for report, figures, videos and film strips; empty: closed_loop_out.",
            ),
            # Declared first, these defaults stand above the detector's own.
            DeclareLaunchArgument(
                "use_sim_time", default_value="true", description="true: time comes from the simulator's /clock."
            ),
            DeclareLaunchArgument(
                "lockstep", default_value="true", description="true: simulated time waits for the detector."
            ),
            DeclareLaunchArgument(
                "image_topic", default_value=f"{EGO}/rgb_front/image", description="Topic of the simulated camera."
            ),
            DeclareLaunchArgument(
                "camera_info_topic",
                default_value=f"{EGO}/rgb_front/camera_info",
                description="Topic of the simulated camera's calibration.",
            ),
            DeclareLaunchArgument(
                "odometry_topic", default_value=f"{EGO}/odometry", description="Topic of the simulated odometry."
            ),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(Path(__file__).with_name("detector.launch.py")))
            ),
            OpaqueFunction(function=drives),
        ]
    )
