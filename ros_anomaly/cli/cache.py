"""Where the executables keep what they can make again."""

from __future__ import annotations

from pathlib import Path


def cache_folder(*parts: str) -> Path:
    """``$ROS_ANOMALY_CACHE``, else ``ros_anomaly`` below ``$XDG_CACHE_HOME`` or ``~/.cache``, with ``parts`` below it.

    Nothing is created. Engines of the node are built into the same place.
    """
    from ros_anomaly.runtime.building.folders import cache_root

    return cache_root().joinpath(*parts)
