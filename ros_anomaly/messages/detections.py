"""Regions as ``vision_msgs``, a package that not every ROS install has."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING

from std_msgs.msg import Header

from ros_anomaly.hazard.types import Region

if TYPE_CHECKING:
    from vision_msgs.msg import Detection2DArray

IN_CORRIDOR, OFF_CORRIDOR = "anomaly_in_corridor", "anomaly"


def vision_msgs_installed() -> bool:
    """Whether detections can be published here."""
    return importlib.util.find_spec("vision_msgs") is not None


def detections_message(regions: Sequence[Region], header: Header) -> Detection2DArray:
    """One detection a region: its box, and one hypothesis that says whether it is in the corridor.

    The hypothesis' score is the region's highest anomaly score: not a probability, and on no fixed scale. Where the
    region meets the ground is known, that point stands as the hypothesis' position (metres, ``base_link``).

    Raises:
        ModuleNotFoundError: ``vision_msgs`` is not installed.
    """
    from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

    array = Detection2DArray(header=header)
    for number, region in enumerate(regions):
        left, top, right, bottom = region.box
        detection = Detection2D(header=header, id=str(number))
        detection.bbox.center.position.x = (left + right - 1) / 2  # pixel centres are integers
        detection.bbox.center.position.y = (top + bottom - 1) / 2
        detection.bbox.size_x, detection.bbox.size_y = float(right - left), float(bottom - top)
        hypothesis = ObjectHypothesisWithPose()
        hypothesis.hypothesis.class_id = IN_CORRIDOR if region.in_corridor else OFF_CORRIDOR
        hypothesis.hypothesis.score = float(region.max_score)
        if region.distance_m is not None and region.lateral_m is not None:
            hypothesis.pose.pose.position.x = float(region.distance_m)
            hypothesis.pose.pose.position.y = float(region.lateral_m)
        detection.results.append(hypothesis)
        array.detections.append(detection)
    return array
