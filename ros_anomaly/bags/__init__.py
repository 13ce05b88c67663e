"""Bags (rosbag2: mcap, sqlite3) without a ROS graph: what a drive was, read and written as typed values."""
