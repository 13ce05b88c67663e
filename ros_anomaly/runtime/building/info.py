"""The manifest's section ``build``: what a built engine was made from, by what, and for which machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ros_anomaly.runtime.building.options import Precision, compute_capability_text
from ros_anomaly.runtime.errors import ManifestError


@dataclass(frozen=True)
class BuildInfo:
    """How an engine was built.

    Attributes:
        backend: that it was built for.
        backend_version: of the library that built it.
        precision: of its matrices.
        source: name of the engine that it was built from.
        source_sha256: of the file of that engine which was compiled or quantised.
        device_name: of the GPU that it is bound to; empty where it is bound to none.
        compute_capability: of that GPU.
        targets: compute capabilities that it was built for, where these were asked for.
        flags: what else was asked of the builder.
        source_path: manifest of the engine that it was built from, relative to the folder of this one's; empty where
            that is not on record, as for engines that are built for other machines.
    """

    backend: str
    backend_version: str
    precision: Precision
    source: str
    source_sha256: str
    device_name: str = ""
    compute_capability: str = ""
    targets: tuple[str, ...] = ()
    flags: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    source_path: str = ""

    def __post_init__(self) -> None:
        for name in ("backend", "backend_version", "source", "source_sha256"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value:
                raise ManifestError(f"manifest build.{name}: expected a text, found {value!r}")
        if not isinstance(self.source_path, str):
            raise ManifestError(f"manifest build.source_path: expected a text, found {self.source_path!r}")
        try:
            for capability in (*self.targets, *filter(None, [self.compute_capability])):
                compute_capability_text(capability)
        except (TypeError, ValueError) as error:
            raise ManifestError(f"manifest build: {error}") from None

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> BuildInfo:
        """From JSON values. ManifestError for unknown or missing keys and values that do not fit."""
        if not isinstance(plain, Mapping):
            raise ManifestError(f"manifest build: expected an object or null, found {type(plain).__name__}")
        known = [f.name for f in fields(BuildInfo)]
        if unknown := sorted(set(plain) - set(known)):
            raise ManifestError(f"manifest build: unknown key {unknown[0]!r}; expected {', '.join(known)}")
        try:
            return BuildInfo(
                **{
                    **plain,
                    "precision": Precision(plain["precision"]),
                    "targets": tuple(plain.get("targets", ())),
                }
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ManifestError(f"manifest build: expected values of its schema, found {error}") from None
