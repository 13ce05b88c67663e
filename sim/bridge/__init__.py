"""From streets to ROS: the node that publishes a drive."""
