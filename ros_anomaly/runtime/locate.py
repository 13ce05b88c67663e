"""Where engines lie: a path, or a name looked up in the folders of engines."""

from __future__ import annotations

import os
from pathlib import Path

from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.share import share_path

ENGINES_VARIABLE = "ROS_ANOMALY_ENGINES"
"""Folders (separated by ``os.pathsep``) that are searched before the package's own engines."""

DEFAULT_ENGINE = "default"


def manifest_path(path_or_name: str | os.PathLike[str]) -> Path:
    """Path of an engine's manifest.

    ``default`` or another bare name is looked up as ``<name>.json`` in $ROS_ANOMALY_ENGINES, then in the package's own
    engines (checkout or installed share folder). Anything with a folder or a suffix is a path: of the manifest, or of a
    file beside a manifest of the same stem (``engines/default.onnx``).

    Raises:
        EngineError: there is no such manifest; the message lists where it was looked for.
    """
    text = os.fspath(path_or_name)
    path = Path(text).expanduser()
    if path.name != text or path.suffix:
        found = path if path.suffix == ".json" else path.with_suffix(".json")
        if not found.is_file():
            raise EngineError(f"engine {text!r}: expected a manifest at {found}, found no such file")
        return found
    folders = engine_folders()
    for folder in folders:
        if (folder / f"{text}.json").is_file():
            return folder / f"{text}.json"
    looked_in = ", ".join(map(str, folders)) or "no folder at all"
    raise EngineError(f"engine {text!r}: expected {text}.json in {looked_in}; found none")


def engine_folders() -> list[Path]:
    """Folders in which a bare name is looked up, in this order."""
    folders = [Path(p).expanduser() for p in os.environ.get(ENGINES_VARIABLE, "").split(os.pathsep) if p]
    try:
        folders.append(share_path("engines"))
    except FileNotFoundError:
        pass  # an installation without engines of its own: the variable alone decides
    return folders
