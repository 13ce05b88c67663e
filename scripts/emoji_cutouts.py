"""Fetches rendered pictures of everyday things as cut-outs to paste: emoji_cutouts.py FOLDER.

They are those of config/cutouts/fluent_emoji.txt, from the npm package @lobehub/fluent-emoji-3d (Microsoft's Fluent
Emoji, MIT licence), which `npm` downloads. A recipe names the folder in `data: negatives: root:`. A folder that is
whole is left as it is.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "@lobehub/fluent-emoji-3d@1.1.0"
LISTING = Path(__file__).resolve().parent.parent / "config" / "cutouts" / "fluent_emoji.txt"


def wanted(listing: Path) -> dict[str, str]:
    """File name in the folder by member of the package, of a listing whose lines are "CODE-POINTS NAME"."""
    rows = (line.split() for line in listing.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return {f"package/assets/{code}.webp": f"{name}.webp" for code, name in rows}


def unpack(archive: Path, names: dict[str, str], folder: Path) -> None:
    """Write the named members into ``folder``; ValueError: the archive lacks some of them."""
    with tarfile.open(archive) as packed:
        lacking = sorted(names.keys() - set(packed.getnames()))
        if lacking:
            missing = ", ".join(lacking[:5])
            raise ValueError(f"{archive.name}: expected {len(names)} pictures, found none of {missing} …")
        for member, name in names.items():
            content = packed.extractfile(member)
            if content is None:
                raise ValueError(f"{archive.name}: expected a file {member}, found something else")
            part = folder / f".{name}.part"
            part.write_bytes(content.read())
            part.rename(folder / name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--archive", type=Path, help="the package, already downloaded (.tgz)")
    args = parser.parse_args()
    names = wanted(LISTING)
    if all((args.folder / name).is_file() for name in names.values()):
        return
    args.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        archive = args.archive
        if archive is None:
            command = ["npm", "pack", "--silent", "--pack-destination", scratch, PACKAGE]
            try:
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            except (OSError, subprocess.CalledProcessError) as error:
                sys.exit(f"{' '.join(command)}: {error}; is npm installed (Debian: npm)?")
            archive = next(Path(scratch).glob("*.tgz"))
        try:
            unpack(archive, names, args.folder)
        except (OSError, ValueError, tarfile.TarError) as error:
            sys.exit(str(error))
    print(f"{len(names)} pictures in {args.folder}")


if __name__ == "__main__":
    main()
