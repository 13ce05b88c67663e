"""Finding the parts of a data set in a folder, and saying what was looked for and what is there instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ros_anomaly.data.datasets.errors import DatasetError
from ros_anomaly.data.datasets.files import IMAGE_SUFFIXES, natural_key

_LISTED = 5


def require_folder(root: Path, wanted: str, title: str) -> Path:
    """``root / wanted`` if it is a folder there; DatasetError that names what is there instead."""
    folder = root / wanted
    if folder.is_dir():
        return folder
    raise DatasetError(
        f"{title}: expected the folder {wanted} in {root}, found {found_in(_deepest(root, folder), root)}"
    )


def found_in(folder: Path, root: Path | None = None) -> str:
    """What lies in a folder, in a few words; told relative to ``root`` where that is another folder."""
    where = f" in {folder.relative_to(root)}" if root is not None and folder != root else ""
    if not folder.exists():
        return "no such folder"
    if not folder.is_dir():
        return "a file" + where
    names = sorted((path.name + ("/" if path.is_dir() else "") for path in folder.iterdir()), key=natural_key)
    count = f" ({len(names)} in all)" if len(names) > _LISTED else ""
    return (_listed(names) + count if names else "nothing") + where


def pictures_below(folder: Path) -> Iterator[Path]:
    """Picture files of a folder and its subfolders; hidden ones are left out."""
    for path in folder.rglob("*"):
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file():
            yield path


def by_key(paths: Iterable[Path], folder: Path, suffix: str = "") -> dict[str, Path]:
    """Paths below ``folder`` by their name relative to it, without ``suffix`` (default: the file type).

    Raises:
        DatasetError: two files have one key (``a.jpg`` and ``a.png``).
    """
    found: dict[str, Path] = {}
    for path in sorted(paths):
        name = path.relative_to(folder).as_posix()
        key = name.removesuffix(suffix or path.suffix)
        if other := found.get(key):
            raise DatasetError(f"{folder}: expected one file a frame, found {other.name} and {path.name}")
        found[key] = path
    return found


def sorted_keys(keys: Iterable[str]) -> list[str]:
    """In the order of frames: numbers in names count as numbers."""
    return sorted(keys, key=natural_key)


def paired(
    pictures: Mapping[str, Path], labels: Mapping[str, Path], where: Path, allow_missing: bool
) -> tuple[list[str], list[str]]:
    """Keys that have both a picture and a label, in order, and a line for each that lacks one.

    Raises:
        DatasetError: some lack one and that is not allowed; it lists the first and counts all.
    """
    # By key, so that names that were meant to be one stand side by side.
    missing = [
        f"label of {_told(pictures[key], where)}" if key in pictures else f"picture of {_told(labels[key], where)}"
        for key in sorted_keys(pictures.keys() ^ labels.keys())
    ]
    refuse_missing(missing, where, allow_missing)
    return sorted_keys(pictures.keys() & labels.keys()), missing


def refuse_missing(missing: Sequence[str], where: Path, allow_missing: bool) -> None:
    """DatasetError with the first of ``missing`` and their number, unless there are none or they may be missing."""
    if missing and not allow_missing:
        raise DatasetError(
            f"{where}: expected a label with every picture and the reverse, found {len(missing)} missing: "
            f"{_listed(missing)}"
        )


def _told(path: Path, where: Path) -> str:
    return str(path.relative_to(where)) if path.is_relative_to(where) else str(path)


def _deepest(root: Path, folder: Path) -> Path:
    """The last folder on the way from ``root`` to ``folder`` that is there; ``root`` itself where none is."""
    while folder != root and not folder.exists():
        folder = folder.parent
    return folder


def _listed(lines: Sequence[str]) -> str:
    return ", ".join(lines[:_LISTED]) + (", …" if len(lines) > _LISTED else "")
