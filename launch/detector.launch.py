"""Start the detector node: ``ros2 launch ros_anomaly detector.launch.py image_topic:=/camera/image_raw …``.

``ros2 launch ros_anomaly detector.launch.py --show-args`` lists the arguments. Every parameter of the node is one,
under its own name (``build_if_missing:=true camera.z_m:=1.4``); those left empty are taken from the parameter file.
"""

from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import EnvironmentVariable, LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchContext, LaunchDescription
from ros_anomaly.messages.parameter import Parameter
from ros_anomaly.nodes.settings import PARAMETERS

PACKAGE = "ros_anomaly"

# What rclpy gives every node; the rest is the node's own table.
NODE_PARAMETERS = (Parameter("use_sim_time", False, "time comes from /clock (simulation, bags)"), *PARAMETERS)
RESPAWN = Parameter("respawn", False, "start the node again two seconds after it ended")
# A launched node has no manager unless somebody says so.
DEFAULTS = {"autostart": "true"}


def shared_file(*parts: str) -> PathJoinSubstitution:
    """A file below the package's share folder."""
    return PathJoinSubstitution([FindPackageShare(PACKAGE), *parts])


def argument_of(parameter: Parameter) -> DeclareLaunchArgument:
    """The launch argument that sets a parameter of the node."""
    return DeclareLaunchArgument(
        parameter.name,
        default_value=DEFAULTS.get(parameter.name, ""),
        description=f"{parameter.description} ({parameter.expected})",
    )


def given_parameters(context: LaunchContext) -> dict:
    """Values of the parameters that were given as arguments; ValueError with expected and found for a bad one."""
    texts = {parameter: LaunchConfiguration(parameter.name).perform(context) for parameter in NODE_PARAMETERS}
    values = {parameter.name: parameter.parsed(text) for parameter, text in texts.items() if text}
    # A bare text would be read as YAML once more: an engine named 1234 became a number.
    return {
        name: ParameterValue(value, value_type=str) if isinstance(value, str) else value
        for name, value in values.items()
    }


def detector(context: LaunchContext) -> list[Node]:
    """The node, with the parameters that were given as arguments above those of the file."""
    given = given_parameters(context)
    params_file: list = [LaunchConfiguration("params_file")]
    image_topic = LaunchConfiguration("image_topic")
    return [
        Node(
            package=PACKAGE,
            executable="detector",
            name=LaunchConfiguration("name"),
            namespace=LaunchConfiguration("namespace"),
            parameters=params_file + ([given] if given else []),
            remappings=[
                ("image", image_topic),
                ("image/compressed", [image_topic, "/compressed"]),
                ("camera_info", LaunchConfiguration("camera_info_topic")),
                ("odometry", LaunchConfiguration("odometry_topic")),
            ],
            arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
            output="screen",
            respawn=RESPAWN.parsed(LaunchConfiguration("respawn").perform(context)),
            respawn_delay=2.0,
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Arguments, environment and node."""
    profile = LaunchConfiguration("fastdds_profile")
    return LaunchDescription(
        [
            DeclareLaunchArgument("image_topic", default_value="image", description="Topic of the camera's images."),
            DeclareLaunchArgument(
                "camera_info_topic", default_value="camera_info", description="Topic of the camera's calibration."
            ),
            DeclareLaunchArgument(
                "odometry_topic",
                default_value="odometry",
                description="Topic of the vehicle's odometry (optional); its yaw rate bends the corridor.",
            ),
            DeclareLaunchArgument("namespace", default_value="", description="Namespace of the node and its topics."),
            DeclareLaunchArgument("name", default_value="detector", description="Name of the node."),
            DeclareLaunchArgument(
                "log_level",
                default_value="info",
                description="Least severity that is logged: debug, info, warn, error.",
            ),
            DeclareLaunchArgument("respawn", default_value="false", description=f"true: {RESPAWN.description}."),
            DeclareLaunchArgument(
                "fastdds_profile",
                default_value=EnvironmentVariable(
                    "FASTDDS_DEFAULT_PROFILES_FILE", default_value=shared_file("config", "fastdds_large_images.xml")
                ),
                description="Fast DDS profile; the package's own lets large images through shared memory.",
            ),
            DeclareLaunchArgument(
                "params_file",
                default_value=shared_file("config", "detector.yaml"),
                description="Parameter file of the node; the arguments below stand above it.",
            ),
            *[argument_of(parameter) for parameter in NODE_PARAMETERS],
            # Jazzy and older read the second name.
            SetEnvironmentVariable("FASTDDS_DEFAULT_PROFILES_FILE", profile),
            SetEnvironmentVariable("FASTRTPS_DEFAULT_PROFILES_FILE", profile),
            OpaqueFunction(function=detector),
        ]
    )
