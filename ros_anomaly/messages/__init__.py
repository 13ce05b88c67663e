"""ROS messages to arrays and dataclasses, and back."""
