"""Where the package's shared files lie: engines, parameter files, launch files, and the middleware's profile."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

PACKAGE = "ros_anomaly"
_RCLPY_OF_KILTED = 9


def share_path(relative: str) -> Path:
    """Path of a shared file or folder, such as ``engines/default.json``.

    Looks beside the code first (a checkout, an editable install, colcon with symlinks), then below the install prefix
    that the code was installed to, then below ``AMENT_PREFIX_PATH`` and the running Python's prefix.

    Raises:
        FileNotFoundError: it is in none of these places; the message lists them.
    """
    tried = []
    for root in _roots():
        path = root / relative
        if path.exists():
            return path
        tried.append(str(root))
    raise FileNotFoundError(f"{PACKAGE} has no shared file {relative!r}; looked in {', '.join(dict.fromkeys(tried))}")


def large_image_environment() -> dict[str, str]:
    """Variables that name the Fast DDS profile for large images; they count before a participant is made.

    Up to Jazzy the middleware wants ``FASTRTPS_DEFAULT_PROFILES_FILE`` too; from Kilted on it warns of it.
    """
    profile = str(share_path("config/fastdds_large_images.xml"))
    variables = {"FASTDDS_DEFAULT_PROFILES_FILE": profile}
    if _rclpy_major() < _RCLPY_OF_KILTED:
        variables["FASTRTPS_DEFAULT_PROFILES_FILE"] = profile
    return variables


def own_graph_environment() -> dict[str, str]:
    """Variables of a ROS graph for this process and its children: a domain that hardly anybody else uses, no other
    machine, and large images.
    """
    return {
        "ROS_DOMAIN_ID": str(1 + os.getpid() % 100),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        **large_image_environment(),
    }


def _rclpy_major() -> int:
    """Of the installed rclpy; 0 where none says its version: there the old name does no harm."""
    try:
        found = re.match(r"\d+", metadata.version("rclpy"))
    except metadata.PackageNotFoundError:
        return 0
    return int(found[0]) if found else 0


def _roots() -> Iterator[Path]:
    here = Path(__file__).resolve()
    if (here.parents[1] / "package.xml").is_file():
        yield here.parents[1]
    for parent in here.parents[2:]:
        if (parent / "share" / PACKAGE / "package.xml").is_file():
            yield parent / "share" / PACKAGE
    prefixes = [p for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    for prefix in (*prefixes, sys.prefix):
        yield Path(prefix) / "share" / PACKAGE
