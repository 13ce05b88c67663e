"""Built engines on the disk: a slot an engine and machine, whole or absent."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ros_anomaly.runtime.building.lock import build_lock
from ros_anomaly.runtime.building.options import DeviceIdentity, Precision
from ros_anomaly.runtime.files import write_atomically
from ros_anomaly.runtime.manifest import FileEntry, Manifest

_DIGEST_DIGITS = 10


@dataclass(frozen=True)
class Slot:
    """Place of one built engine: ``<stem>.json`` and ``<stem>.<hash><suffix>`` in ``folder``.

    The hash in the file's name makes the manifest's rename the one moment at which the new engine takes the place of
    the old: until then, and whenever the builder dies, the old manifest names the old file, which is still there.
    """

    folder: Path
    stem: str

    @property
    def manifest_path(self) -> Path:
        return self.folder / f"{self.stem}.json"

    def lock(self, on_wait: Callable[[str], None]) -> AbstractContextManager[None]:
        """The lock between builders of this slot; see ``build_lock``."""
        return build_lock(self.folder / f".{self.stem}.lock", on_wait)

    def store(self, engine: bytes, role: str, suffix: str, manifest: Manifest) -> Manifest:
        """Write an engine and then its manifest, with the file entry added; to be called with the lock held.

        Raises:
            OSError: the folder cannot be written, or is full; what was there before is still there.
        """
        digest = hashlib.sha256(engine).hexdigest()
        entry = FileEntry(f"{self.stem}.{digest[:_DIGEST_DIGITS]}{suffix}", digest)
        write_atomically(self.folder / entry.name, engine)
        complete = replace(manifest, files={**manifest.files, role: entry})
        complete.save(self.manifest_path)
        self._sweep({entry.name for entry in complete.files.values()})
        return complete

    @contextmanager
    def work_file(self, data: bytes, suffix: str) -> Iterator[Path]:
        """A file with ``data`` for as long as a builder works on it."""
        path = self.folder / f".{self.stem}.work.{os.getpid()}{suffix}"
        try:
            path.write_bytes(data)
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _sweep(self, kept: set[str]) -> None:
        """Remove what earlier builders left: replaced engines, and unfinished files of those that died."""
        stem = re.escape(self.stem)
        engine = re.compile(rf"{stem}\.[0-9a-f]{{{_DIGEST_DIGITS}}}\.\w+")
        unfinished = re.compile(rf"\.{stem}\.(?:work|json|[0-9a-f]{{{_DIGEST_DIGITS}}}\.\w+)\.(\d+)\.\w+")
        for path in self.folder.iterdir():
            left_by = unfinished.fullmatch(path.name)
            replaced = engine.fullmatch(path.name) and path.name not in kept
            if replaced or (left_by and not _is_alive(int(left_by[1]))):
                path.unlink(missing_ok=True)


def cache_stem(source: Path, name: str, backend: str, precision: Precision, machine: DeviceIdentity | None) -> str:
    """Stem of the slot in a cache folder: one for every engine, backend, precision and GPU.

    Versions and hashes are no part of it, so that an update takes the place of what it made useless; the GPU is, so
    that machines with one home folder do not take turns at building. ``machine`` None: for any.
    """
    bound_to = [machine.device_name, machine.compute_capability] if machine else []
    key = "\n".join([str(source.resolve()), *bound_to])
    digest = hashlib.sha256(key.encode()).hexdigest()[:_DIGEST_DIGITS]
    return f"{name}-{backend}-{precision.value}-{digest}"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's: it lives
    return True
