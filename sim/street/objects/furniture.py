"""Reader of the Sweet Home 3D furniture libraries (.sh3f): their catalogue and the files of a model."""

from __future__ import annotations

import os
import posixpath
import re
import zipfile
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

DEFAULT_DIRECTORY = Path("/usr/share/sweethome3d/furniture")
DIRECTORY_VARIABLE = "SWEETHOME3D_FURNITURE"
DEBIAN_PACKAGE = "sweethome3d-furniture"
_CATALOGUE_FILE = "PluginFurnitureCatalog.properties"
_LICENCES = {
    "BlendSwap-CC-0": "CC0 1.0",
    "BlendSwap-CC-BY": "CC BY 3.0",
    "KatorLegaz": "CC BY 3.0 US",
    "Reallusion": "CC BY 3.0 US",
    "Scopia": "CC BY 3.0",
}
_IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


class MissingModelsError(RuntimeError):
    """The furniture libraries are not installed, or do not hold a model that the table names."""


@dataclass(frozen=True)
class Entry:
    """One model of a library. Sizes in metres; ``rotation`` row-major 3x3, applied before the size.

    ``identity`` changes when the model's OBJ file does.
    """

    id: str
    title: str
    library: str
    archive: Path
    obj_path: str
    width_m: float
    depth_m: float
    height_m: float
    rotation: tuple[float, ...]
    creator: str
    licence: str
    identity: str

    @property
    def credit(self) -> str:
        """Author, title, library and licence in one line."""
        return f'"{self.title}" by {self.creator}, {self.library} ({self.licence})'


def furniture_directory() -> Path:
    """Folder of the libraries: the environment variable SWEETHOME3D_FURNITURE, or where Debian puts them."""
    return Path(os.environ.get(DIRECTORY_VARIABLE) or DEFAULT_DIRECTORY)


def read_catalogue(directory: Path) -> dict[str, Entry]:
    """All models of all libraries in ``directory`` by id; MissingModelsError where there is none."""
    archives = sorted(directory.glob("*.sh3f"))
    if not archives:
        raise MissingModelsError(
            f"no object models in {directory}: apt-get install {DEBIAN_PACKAGE} (or set {DIRECTORY_VARIABLE})"
        )
    return _read_archives(tuple((path, path.stat().st_mtime_ns) for path in archives))


@lru_cache(maxsize=2)
def _read_archives(archives: tuple[tuple[Path, int], ...]) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for path, _ in archives:
        try:
            with zipfile.ZipFile(path) as archive:
                text = archive.read(_CATALOGUE_FILE).decode("latin1")
                identities = {i.filename: f"{i.filename}:{i.file_size}:{i.CRC:08x}" for i in archive.infolist()}
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise MissingModelsError(
                f"{path} is not a furniture library ({error}): apt-get install --reinstall {DEBIAN_PACKAGE}"
            ) from error
        for entry in _parse_catalogue(text, path, identities):
            entries[entry.id] = entry
    return entries


def _parse_catalogue(text: str, archive: Path, identities: dict[str, str]) -> list[Entry]:
    rows: dict[int, dict[str, str]] = defaultdict(dict)
    for key, index, value in re.findall(r"^(\w+)#(\d+)=(.*?)\s*$", text, re.MULTILINE):
        rows[int(index)][key] = value.encode("latin1").decode("unicode_escape")
    library = archive.stem
    return [
        Entry(
            id=row["id"],
            title=row["name"].strip(),
            library=library,
            archive=archive,
            obj_path=row["model"].lstrip("/"),
            width_m=float(row["width"]) / 100,
            depth_m=float(row["depth"]) / 100,
            height_m=float(row["height"]) / 100,
            rotation=tuple(float(x) for x in row["modelRotation"].split()) if "modelRotation" in row else _IDENTITY,
            creator=row.get("creator", library).strip(),
            licence=_LICENCES.get(library, "see the library"),
            identity=identities.get(row["model"].lstrip("/"), "absent"),
        )
        for _, row in sorted(rows.items())
    ]


class ModelFiles:
    """Files beside a model's OBJ inside its archive, found whatever their case."""

    def __init__(self, entry: Entry) -> None:
        self._archive = zipfile.ZipFile(entry.archive)
        self._folder = posixpath.dirname(entry.obj_path)
        self._names = {name.lower(): name for name in self._archive.namelist()}
        self.obj_name = posixpath.basename(entry.obj_path)

    def __enter__(self) -> ModelFiles:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def read(self, name: str) -> bytes | None:
        """Content of a file named relative to the OBJ; None where the archive lacks it."""
        path = posixpath.normpath(posixpath.join(self._folder, name.replace("\\", "/")))
        stored = self._names.get(path.lower())
        return None if stored is None else self._archive.read(stored)
