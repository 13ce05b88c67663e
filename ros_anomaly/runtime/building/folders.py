"""Where built engines are kept: the user's cache, and what stands in for it where that cannot be written."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from ros_anomaly.runtime.errors import EngineError

CACHE_VARIABLE = "ROS_ANOMALY_CACHE"
_LASTING_TEMPORARY = Path("/var/tmp")


def cache_root() -> Path:
    """``$ROS_ANOMALY_CACHE``, else ``ros_anomaly`` below ``$XDG_CACHE_HOME`` or ``~/.cache``; not created."""
    if own := os.environ.get(CACHE_VARIABLE):
        return Path(own).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification: a relative path is to be ignored.
    base = Path(shared) if os.path.isabs(shared) else Path.home() / ".cache"
    return base / "ros_anomaly"


def read_folders(preferred: Path | None) -> list[Path]:
    """Folders in which built engines are looked for, in this order; those that cannot be trusted are left out."""
    stand_in = _stand_in()
    folders = [preferred or cache_root() / "engines"]
    if stand_in.is_dir() and _is_ours_alone(stand_in):
        folders.append(stand_in)
    return folders


def writable_folder(preferred: Path | None, say: Callable[[str], None]) -> Path:
    """The folder to build into, made if it is missing.

    Where the preferred one cannot be written it is a folder of this user's in ``/var/tmp`` or the system's temporary
    folder, and ``say`` is told so.

    Raises:
        EngineError: neither can be written.
    """
    first, second = preferred or cache_root() / "engines", _stand_in()
    problem = _why_not_writable(first)
    if problem is None:
        return first
    second_problem = _why_not_writable(second, private=True)
    if second_problem is not None:
        raise EngineError(
            f"expected a folder that can be written to keep built engines in; found {problem}, and {second_problem}"
        )
    say(
        f"built engines are kept in {second}, which may be emptied at any time: {problem}; "
        f"set the parameter engine_cache or ${CACHE_VARIABLE} to a folder that can be written"
    )
    return second


def _stand_in() -> Path:
    # /var/tmp outlives a restart of the machine; /tmp rarely does.
    base = _LASTING_TEMPORARY if os.access(_LASTING_TEMPORARY, os.W_OK) else Path(tempfile.gettempdir())
    return base / f"ros_anomaly-{os.getuid()}" / "engines"


def _why_not_writable(folder: Path, private: bool = False) -> str | None:
    try:
        if private:
            # Both, or what the umask leaves open is refused below.
            folder.parent.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        if private and not _is_ours_alone(folder):
            return f"{folder} or the folder that it is in belongs to another user or is open to others"
        # Trying is the one test that knows read-only file systems, quotas and containers.
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return f"{folder} cannot be written ({error.strerror or error})"


def _is_ours_alone(folder: Path) -> bool:
    """Whether nobody else can put an engine there: names in shared temporary folders are known to all."""
    for path in (folder.parent, folder):
        info = path.lstat()
        if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.getuid() or info.st_mode & 0o022:
            return False
    return True
