"""Drive scenarios with the detector node at the wheel: ``ros2 launch ros_anomaly closed_loop.launch.py …``.

The node runs in lockstep with the simulator: the world waits for its answer to every image.
``ros2 launch ros_anomaly closed_loop.launch.py --show-args`` lists the arguments.
"""

from launch.actions import DeclareLaunchArgument, OpaqueFunction, RegisterEventHandler, SetEnvironmentVariable, Shutdown
from launch.event_handlers import OnProcessExit
from launch.substitutions import EnvironmentVariable, LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchContext, LaunchDescription

PACKAGE = "ros_anomaly"
CAMERA = "/carla/ego_vehicle/rgb_front"

# Launch argument -> parameter of the detector, where the argument is not empty.
OVERRIDES = {"autostart": "autostart", "use_sim_time": "use_sim_time", "lockstep": "lockstep", "engine": "engine"}
BOOLEANS = {"autostart", "use_sim_time", "lockstep"}
# Options of the closed loop, where the launch argument is not empty.
OPTIONS = {
    "--latency-ms": LaunchConfiguration("latency_ms"),
    "--host": LaunchConfiguration("host"),
    "--port": LaunchConfiguration("port"),
    "--out": LaunchConfiguration("out"),
}


def shared_file(*parts: str) -> PathJoinSubstitution:
    """A file below the package's share folder."""
    return PathJoinSubstitution([FindPackageShare(PACKAGE), *parts])


def boolean(name: str, text: str) -> bool:
    """True or false; ValueError with expected and found for anything else."""
    if text.lower() not in ("true", "false"):
        raise ValueError(f"launch argument {name}: expected true or false, found {text!r}")
    return text.lower() == "true"


def nodes(context: LaunchContext) -> list:
    """The detector, and the drives, at whose end everything ends."""
    given = {name: LaunchConfiguration(name).perform(context) for name in OVERRIDES}
    overrides = {
        parameter: boolean(name, given[name]) if name in BOOLEANS else ParameterValue(given[name], value_type=str)
        for name, parameter in OVERRIDES.items()
        if given[name]
    }
    namespace = LaunchConfiguration("namespace").perform(context).strip("/")
    options = [part for option, value in OPTIONS.items() if (text := value.perform(context)) for part in (option, text)]
    params_file: list = [LaunchConfiguration("params_file")]
    detector = Node(
        package=PACKAGE,
        executable="detector",
        name="detector",
        namespace=namespace,
        parameters=params_file + [overrides],
        remappings=[
            ("image", f"{CAMERA}/image"),
            ("camera_info", f"{CAMERA}/camera_info"),
            ("odometry", "/carla/ego_vehicle/odometry"),
        ],
        arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
        output="screen",
    )
    drives = Node(
        package=PACKAGE,
        executable="closed_loop",
        arguments=[
            *LaunchConfiguration("scenarios").perform(context).split(),
            *("--status-topic", f"/{namespace}/detector/hazard_status".replace("//", "/")),
            *options,
        ],
        output="screen",
    )
    end = OnProcessExit(target_action=drives, on_exit=[Shutdown(reason="the drives are over")])
    return [detector, drives, RegisterEventHandler(end)]


def generate_launch_description() -> LaunchDescription:
    """Arguments, environment and nodes."""
    profile = LaunchConfiguration("fastdds_profile")
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
            DeclareLaunchArgument("namespace", default_value="", description="Namespace of the detector."),
            DeclareLaunchArgument(
                "params_file",
                default_value=shared_file("config", "detector.yaml"),
                description="Parameter file of the detector.",
            ),
            DeclareLaunchArgument(
                "use_sim_time", default_value="true", description="true: time comes from the simulator's /clock."
            ),
            DeclareLaunchArgument(
                "lockstep", default_value="true", description="true: simulated time waits for the detector."
            ),
            DeclareLaunchArgument(
                "log_level",
                default_value="info",
                description="Least severity that is logged: debug, info, warn, error.",
            ),
            DeclareLaunchArgument(
                "autostart",
                default_value="true",
                description="true: the detector configures and activates itself; false: it waits for a manager.",
            ),
            DeclareLaunchArgument(
                "engine", default_value="", description="Name of an engine, or path of its manifest (JSON)."
            ),
            DeclareLaunchArgument(
                "fastdds_profile",
                default_value=EnvironmentVariable(
                    "FASTDDS_DEFAULT_PROFILES_FILE", default_value=shared_file("config", "fastdds_large_images.xml")
                ),
                description="Fast DDS profile; the package's own lets large images through shared memory.",
            ),
            # Jazzy and older read the second name.
            SetEnvironmentVariable("FASTDDS_DEFAULT_PROFILES_FILE", profile),
            SetEnvironmentVariable("FASTRTPS_DEFAULT_PROFILES_FILE", profile),
            OpaqueFunction(function=nodes),
        ]
    )
