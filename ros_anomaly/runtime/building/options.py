"""What can be asked of a builder, and what a machine is to a built engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ros_anomaly.choice import Choice

_CAPABILITY = re.compile(r"(\d{1,2})\.?(\d)")
_OPTIMIZATION_LEVELS = range(6)


class Precision(Choice):
    """Of the matrices of a network; softmax and the weighted sum over masks are float32 in all of them."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


class StalePolicy(Choice):
    """What becomes of a built engine that does not fit this machine or its source any more; it is never run."""

    REBUILD = "rebuild"
    REFUSE = "refuse"


@dataclass(frozen=True)
class BuildOptions:
    """How to compile one network. The network handed over is of ``precision`` already: builders are strongly typed.

    Attributes:
        backend: that will run the engine.
        precision: of the network, for the record.
        workspace_mib: scratch memory that a layer may use; 0 leaves it to the library.
        timing_cache: file of measured layer times, read if it is there and written back; None goes without.
        targets: compute capabilities ("8.6", "12.0") to build for; none: the GPU of this machine.
        optimization_level: 0 (quick build) to 5 (quick engine); None leaves it to the library.
    """

    backend: str
    precision: Precision = Precision.FP16
    workspace_mib: int = 0
    timing_cache: Path | None = None
    targets: tuple[str, ...] = ()
    optimization_level: int | None = None

    def __post_init__(self) -> None:
        if self.workspace_mib < 0:
            raise ValueError(f"workspace_mib: expected at least 0, found {self.workspace_mib}")
        if self.optimization_level is not None and self.optimization_level not in _OPTIMIZATION_LEVELS:
            raise ValueError(f"optimization_level: expected 0 to 5 or None, found {self.optimization_level}")
        if len(set(self.targets)) != len(self.targets):
            raise ValueError(f"targets: expected every compute capability once, found {', '.join(self.targets)}")
        for target in self.targets:
            if compute_capability_text(target) != target:
                raise ValueError(f"targets: expected {compute_capability_text(target)!r}, found {target!r}")

    @property
    def flags(self) -> dict[str, str | int | float | bool]:
        """What shapes the engine and is neither backend, precision nor target; only what was asked for."""
        asked: dict[str, str | int | float | bool] = {}
        if self.workspace_mib:
            asked["workspace_mib"] = self.workspace_mib
        if self.optimization_level is not None:
            asked["optimization_level"] = self.optimization_level
        return asked

    def keeping(self, flags: Mapping[str, str | int | float | bool]) -> BuildOptions:
        """With what was asked of the engine that this build replaces (its ``flags``), where nothing else is asked.

        ValueError for flags that these options cannot ask for.
        """
        known = {"workspace_mib", "optimization_level"}
        if unknown := sorted(set(flags) - known):
            raise ValueError(f"flags: expected {', '.join(sorted(known))}; found {unknown[0]}, which cannot be kept")
        kept: dict[str, Any] = {name: value for name, value in flags.items() if name not in self.flags}
        return replace(self, **kept)


@dataclass(frozen=True)
class DeviceIdentity:
    """What a compiled engine is bound to.

    Attributes:
        backend: library that builds and runs.
        backend_version: of that library on this machine.
        device_name: of the GPU; empty where there is none.
        compute_capability: of the GPU, such as "8.7"; empty where there is none.
    """

    backend: str
    backend_version: str
    device_name: str = ""
    compute_capability: str = ""


@dataclass(frozen=True)
class BuildPolicy:
    """What a node or tool does about an engine that has to be built first.

    Attributes:
        precision: to build; None takes that of the source.
        if_missing: build where nothing fits in the cache; else that is an error.
        stale: whether an engine that no longer fits is built anew (where ``if_missing`` allows to build) or refused.
        cache: folder of built engines; None takes the user's cache.
        workspace_mib: as in ``BuildOptions``.
        timeout_s: a build that takes longer is given up.
    """

    precision: Precision | None = None
    if_missing: bool = False
    stale: StalePolicy = StalePolicy.REBUILD
    cache: Path | None = None
    workspace_mib: int = 0
    timeout_s: float = 3600.0

    def __post_init__(self) -> None:
        if self.workspace_mib < 0:
            raise ValueError(f"workspace_mib: expected at least 0, found {self.workspace_mib}")
        if not self.timeout_s > 0:
            raise ValueError(f"build timeout_s: expected more than 0, found {self.timeout_s}")

    def to_plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {
            **asdict(self),
            "precision": self.precision.value if self.precision else None,
            "stale": self.stale.value,
            "cache": str(self.cache) if self.cache else None,
        }

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> BuildPolicy:
        """The policy of ``to_plain``."""
        given = {
            "precision": Precision(plain["precision"]) if plain["precision"] else None,
            "stale": StalePolicy(plain["stale"]),
            "cache": Path(plain["cache"]) if plain["cache"] else None,
        }
        return BuildPolicy(**{**plain, **given})


def compute_capability_text(text: str) -> str:
    """``86``, ``8.6`` → ``8.6``; ``120`` → ``12.0``. ValueError for anything else."""
    match = _CAPABILITY.fullmatch(text)
    if match is None:
        raise ValueError(f"compute capability: expected one such as 8.6 or 86, found {text!r}")
    return f"{match[1]}.{match[2]}"
