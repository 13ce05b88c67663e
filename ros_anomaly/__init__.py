"""Anomaly segmentation of road images for ROS 2."""
