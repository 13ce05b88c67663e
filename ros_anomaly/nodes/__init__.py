"""The ROS 2 nodes of the package."""
