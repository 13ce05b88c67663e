"""Start the detector node: ``ros2 launch ros_anomaly detector.launch.py image_topic:=/camera/image_raw …``.

``ros2 launch ros_anomaly detector.launch.py --show-args`` lists the arguments. Those left empty are taken from the
parameter file.
"""

from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import EnvironmentVariable, LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchContext, LaunchDescription

PACKAGE = "ros_anomaly"

# Launch argument -> node parameter, where the argument is not empty.
OVERRIDES = {
    "autostart": "autostart",
    "use_sim_time": "use_sim_time",
    "engine": "engine",
    "backend": "backend",
    "image_transport": "image_transport",
}
BOOLEANS = {"autostart", "use_sim_time"}


def shared_file(*parts: str) -> PathJoinSubstitution:
    """A file below the package's share folder."""
    return PathJoinSubstitution([FindPackageShare(PACKAGE), *parts])


def boolean(name: str, text: str) -> bool:
    """True or false; ValueError with expected and found for anything else."""
    if text.lower() not in ("true", "false"):
        raise ValueError(f"launch argument {name}: expected true or false, found {text!r}")
    return text.lower() == "true"


def detector(context: LaunchContext) -> list[Node]:
    """The node, with the parameters that were given as arguments above those of the file."""
    given = {name: LaunchConfiguration(name).perform(context) for name in OVERRIDES}
    overrides = {
        parameter: boolean(name, given[name]) if name in BOOLEANS else ParameterValue(given[name], value_type=str)
        for name, parameter in OVERRIDES.items()
        if given[name]
    }
    params_file: list = [LaunchConfiguration("params_file")]
    image_topic = LaunchConfiguration("image_topic")
    return [
        Node(
            package=PACKAGE,
            executable="detector",
            name=LaunchConfiguration("name"),
            namespace=LaunchConfiguration("namespace"),
            parameters=params_file + ([overrides] if overrides else []),
            remappings=[
                ("image", image_topic),
                ("image/compressed", [image_topic, "/compressed"]),
                ("camera_info", LaunchConfiguration("camera_info_topic")),
                ("odometry", LaunchConfiguration("odometry_topic")),
            ],
            arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
            output="screen",
            respawn=boolean("respawn", LaunchConfiguration("respawn").perform(context)),
            respawn_delay=2.0,
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Arguments, environment and node."""
    profile = LaunchConfiguration("fastdds_profile")
    return LaunchDescription(
        [
            DeclareLaunchArgument("namespace", default_value="", description="Namespace of the node and its topics."),
            DeclareLaunchArgument("name", default_value="detector", description="Name of the node."),
            DeclareLaunchArgument(
                "params_file",
                default_value=shared_file("config", "detector.yaml"),
                description="Parameter file of the node.",
            ),
            DeclareLaunchArgument(
                "use_sim_time", default_value="", description="true: time comes from /clock (simulation, bags)."
            ),
            DeclareLaunchArgument(
                "log_level",
                default_value="info",
                description="Least severity that is logged: debug, info, warn, error.",
            ),
            DeclareLaunchArgument(
                "autostart",
                default_value="true",
                description="true: the node configures and activates itself, and ends with status 1 if it cannot; "
                "false: it waits for a lifecycle manager.",
            ),
            DeclareLaunchArgument(
                "respawn", default_value="false", description="true: start the node again two seconds after it ended."
            ),
            DeclareLaunchArgument(
                "engine", default_value="", description="Name of an engine, or path of its manifest (JSON)."
            ),
            DeclareLaunchArgument(
                "backend",
                default_value="",
                description="Library that runs the engine: onnxruntime, openvino, torch, tensorrt, tensorrt_rtx or "
                "torch_tensorrt; device and mode may follow, as in torch:cuda.",
            ),
            DeclareLaunchArgument(
                "image_transport",
                default_value="",
                description="raw, or compressed (JPEG, PNG) from <image_topic>/compressed.",
            ),
            DeclareLaunchArgument("image_topic", default_value="image", description="Topic of the camera's images."),
            DeclareLaunchArgument(
                "camera_info_topic", default_value="camera_info", description="Topic of the camera's calibration."
            ),
            DeclareLaunchArgument(
                "odometry_topic",
                default_value="odometry",
                description="Topic of the vehicle's odometry (optional); its yaw rate bends the corridor.",
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
            OpaqueFunction(function=detector),
        ]
    )
