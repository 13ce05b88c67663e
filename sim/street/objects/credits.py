"""The models' authors and licences, as ATTRIBUTION.md lists them.

Regenerate the list after a change of the object table:
``python -m ros_anomaly_sim.street.objects.credits ATTRIBUTION.md``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ros_anomaly_sim.street.objects.furniture import Entry, MissingModelsError, furniture_directory, read_catalogue
from ros_anomaly_sim.street.objects.table import OBJECTS

BEGIN = "<!-- object models: begin -->"
END = "<!-- object models: end -->"
_ADDRESSES = {
    "BlendSwap-CC-0": "models of www.blendswap.com",
    "BlendSwap-CC-BY": "models of www.blendswap.com",
    "KatorLegaz": "models by Andrew Kator and Jennifer Legaz",
    "Reallusion": "models by Reallusion, www.reallusion.com",
    "Scopia": "models by Scopia Visual Interfaces Systems, www.scopia.es",
}


def model_credits() -> str:
    """Markdown: for every library its licence, and the models in use with their authors.

    Raises:
        MissingModelsError: the furniture libraries are not installed, or lack a model of the table.
    """
    catalogue = read_catalogue(furniture_directory())
    sources = {spec.source for spec in OBJECTS.values() if not spec.is_computed}
    unknown = sorted(sources - catalogue.keys())
    if unknown:
        raise MissingModelsError(f"the furniture libraries lack {', '.join(unknown)}")
    libraries: dict[str, list[Entry]] = {}
    for source in sorted(sources):
        libraries.setdefault(catalogue[source].library, []).append(catalogue[source])
    return "\n\n".join(_library_credits(name, entries) for name, entries in sorted(libraries.items()))


def _library_credits(library: str, entries: list[Entry]) -> str:
    rows = [f"| {entry.title} | `{entry.id}` | {entry.creator} |" for entry in entries]
    head = f"### {library}: {entries[0].licence}\n\n{_ADDRESSES[library][0].upper()}{_ADDRESSES[library][1:]}."
    return "\n".join([head, "", "| model | catalogue id | author |", "|---|---|---|", *rows])


def replace_credits(document: str) -> str:
    """The document with the part between the marks replaced; ValueError where the marks are missing."""
    if document.count(BEGIN) != 1 or document.count(END) != 1:
        raise ValueError(f"expected the marks {BEGIN!r} and {END!r} once each")
    before, rest = document.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n\n{model_credits()}\n\n{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(replace_credits(path.read_text(encoding="utf-8")), encoding="utf-8")
