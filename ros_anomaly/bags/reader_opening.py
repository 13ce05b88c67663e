"""Opens a bag, whole or damaged: what can be read is read, and the rest is told.

``rosbags`` reads what is whole. What it refuses (a recorder that was killed, a copy that broke off) is read around the
damage by ``reader_salvage``.
"""

from __future__ import annotations

from pathlib import Path

from rosbags.rosbag2 import Reader
from rosbags.rosbag2.reader import DirectoryReader

from ros_anomaly.bags.names import natural_order
from ros_anomaly.bags.reader_chunks import mcap_files
from ros_anomaly.bags.reader_salvage import ScannedMcap, ScannedSqlite
from ros_anomaly.bags.reader_storage import BagError, Storage, WholeStorage

METADATA_FILE = "metadata.yaml"
_SUFFIXES = (".mcap", ".db3")


def is_bag_folder(folder: Path) -> bool:
    """Whether anything in a folder looks like a bag's."""
    return any(file.suffix in _SUFFIXES or file.name == METADATA_FILE for file in folder.iterdir())


def open_storages(path: Path) -> tuple[list[Storage], list[str]]:
    """Everything readable of a bag, in order of time, and a line for everything that is not as it should be.

    Args:
        path: folder of a bag, or one of its files (.mcap, .db3).

    Raises:
        BagError: nothing of it can be read.
    """
    if not path.exists():
        raise BagError(f"bag {path}: expected a folder or a .mcap or .db3 file, found nothing")
    if path.is_file():
        if path.suffix not in _SUFFIXES:
            hint = " (a bag of ROS 1: convert it with rosbags-convert)" if path.suffix == ".bag" else ""
            raise BagError(f"bag {path}: expected a folder, .mcap or .db3, found a file {path.name!r}{hint}")
        return _open_files([path], [])
    files = sorted((file for file in path.iterdir() if file.suffix in _SUFFIXES), key=natural_order)
    problems: list[str] = []
    if (path / METADATA_FILE).is_file():
        try:
            reader = _opened(path)
        except Exception as error:  # rosbags lets through whatever a damaged file makes its parsers raise
            problems.append(f"{path.name}: {_reason(error)}; its files are read one by one")
        else:
            if not _is_unindexed(reader):
                return [WholeStorage(reader)], _left_logs(files)
            reader.close()
    elif files:
        problems.append(f"{path.name}: expected {METADATA_FILE}, found none; its files are read one by one")
    if not files:
        found = ", ".join(sorted(file.name for file in path.iterdir())[:5]) or "nothing"
        raise BagError("; ".join(problems) or f"bag {path}: expected .mcap or .db3 files in the folder, found {found}")
    return _open_files(files, problems)


def _open_files(files: list[Path], problems: list[str]) -> tuple[list[Storage], list[str]]:
    storages: list[Storage] = []
    for file in files:
        storage, file_problems = _open_file(file)
        problems += file_problems
        if storage is not None:
            storages.append(storage)
    if not storages:
        raise BagError("; ".join(problems))
    return storages, problems + _left_logs(files)


def _open_file(file: Path) -> tuple[Storage | None, list[str]]:
    try:
        reader = _opened(file)
    except Exception as error:  # as above
        reason = _reason(error)
    else:
        if not _is_unindexed(reader):
            return WholeStorage(reader), []
        reader.close()
        unindexed = ScannedMcap(file)
        return unindexed, list(unindexed.problems)
    try:
        storage: Storage = ScannedMcap(file) if file.suffix == ".mcap" else ScannedSqlite(file)
    except Exception as error:  # as above
        return None, [f"{file.name}: nothing can be read: {reason}; {_reason(error)}"]
    return storage, [f"{file.name}: damaged ({reason}); read as far as it goes", *storage.problems]


def _opened(path: Path) -> Reader:
    reader = Reader(path)
    reader.open()
    return reader


def _is_unindexed(reader: Reader) -> bool:
    """Whether a file has messages without an index: rosbags ends there with the first that is out of order."""
    storage = reader.storage
    if isinstance(storage, DirectoryReader) and storage.metadata.compression_mode is not None:
        return False
    return any(file.metadata.message_count and not file.chunks for file in mcap_files(reader))


def _left_logs(files: list[Path]) -> list[str]:
    """SQLite keeps what a killed recorder wrote last in a log beside the file; a read-only reader leaves it alone."""
    logs = (file.with_name(f"{file.name}-wal") for file in files)
    return [
        f"{log.name}: the recorder did not finish; the messages in this log are not read (ros2 bag reindex takes them)"
        for log in logs
        if log.is_file() and log.stat().st_size
    ]


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
