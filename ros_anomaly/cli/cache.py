"""Where the executables keep what they can make again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(*parts: str) -> Path:
    """``$ROS_ANOMALY_CACHE`` or ``~/.cache/ros_anomaly``, with ``parts`` below it; not created."""
    root = os.environ.get("ROS_ANOMALY_CACHE")
    base = Path(root) if root else Path.home() / ".cache" / "ros_anomaly"
    return base.joinpath(*parts)
