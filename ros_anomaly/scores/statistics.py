"""What the fitted scores know of a network: statistics by predicted class, from anomaly-free frames; a small JSON file.

Schema, format 1::

    {
      "format": 1,
      "num_classes": 13,
      "weights_sha256": "…",                 of the network's weights
      "data": "…",                           what it was fitted on, in words
      "classes": [                           by predicted class; null where too few pixels were predicted so
        {"pixels": 1234, "max_logit_mean": 0.93, "max_logit_variance": 0.004, "posterior": [0.91, …]}, …
      ]
    }
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ros_anomaly.data.labels import NUM_INLIER_CLASSES

STATISTICS_FORMAT = 1
_HEX_DIGITS = set("0123456789abcdef")


@dataclass(frozen=True)
class ClassStatistics:
    """Of the pixels that the network gives one class.

    Attributes:
        pixels: how many there were.
        max_logit_mean, max_logit_variance: of max_k L_k over them (population variance).
        posterior: [K] mean of ``formulas.posterior`` over them.
    """

    pixels: int
    max_logit_mean: float
    max_logit_variance: float
    posterior: tuple[float, ...]

    def __post_init__(self) -> None:
        if isinstance(self.pixels, bool) or not isinstance(self.pixels, int) or self.pixels < 1:
            raise ValueError(f"statistics pixels: expected a positive integer, found {self.pixels!r}")
        for name in ("max_logit_mean", "max_logit_variance"):
            if not _is_finite(getattr(self, name)):
                raise ValueError(f"statistics {name}: expected a finite number, found {getattr(self, name)!r}")
        if self.max_logit_variance < 0:
            raise ValueError(f"statistics max_logit_variance: expected 0 or more, found {self.max_logit_variance}")
        if not all(_is_finite(share) and 0 <= share <= 1 for share in self.posterior):
            raise ValueError(f"statistics posterior: expected shares 0 to 1, found {self.posterior}")
        if abs(math.fsum(self.posterior) - 1) > 1e-3:
            raise ValueError(f"statistics posterior: expected a sum of 1, found {math.fsum(self.posterior):.6g}")


@dataclass(frozen=True)
class ScoreStatistics:
    """Statistics of one network.

    Attributes:
        classes: [K] by predicted class; None for a class that too few pixels were given.
        weights_sha256: 64 hex digits, of the weights that gave them.
        data: what they were fitted on, in words.
    """

    classes: tuple[ClassStatistics | None, ...]
    weights_sha256: str
    data: str

    def __post_init__(self) -> None:
        if all(own is None for own in self.classes):
            raise ValueError("statistics: expected at least one class with pixels, found none")
        for own in self.classes:
            if own is not None and len(own.posterior) != self.num_classes:
                raise ValueError(
                    f"statistics posterior: expected {self.num_classes} shares a class, found {len(own.posterior)}"
                )
        if len(self.weights_sha256) != 64 or set(self.weights_sha256) - _HEX_DIGITS:
            raise ValueError(f"statistics weights_sha256: expected 64 hex digits, found {self.weights_sha256!r}")

    @property
    def num_classes(self) -> int:
        """K."""
        return len(self.classes)

    def check_network(self, num_classes: int, weights_sha256: str | None = None) -> None:
        """ValueError if these are statistics of another K, or of other weights (not asked where None)."""
        if num_classes != self.num_classes:
            raise ValueError(f"statistics: expected of a network of K = {num_classes}, found K = {self.num_classes}")
        if weights_sha256 is not None and weights_sha256 != self.weights_sha256:
            raise ValueError(f"statistics: expected of weights {weights_sha256}, found of {self.weights_sha256}")

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all. OSError if the folder cannot be written."""
        plain = {
            "format": STATISTICS_FORMAT,
            "num_classes": self.num_classes,
            "weights_sha256": self.weights_sha256,
            "data": self.data,
            "classes": [None if own is None else asdict(own) for own in self.classes],
        }
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            temporary.write_text(json.dumps(plain, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def load_statistics(
    path: Path | str, num_classes: int = NUM_INLIER_CLASSES, weights_sha256: str | None = None
) -> ScoreStatistics:
    """Read statistics and check that they are of the network they are wanted for.

    Raises:
        ValueError: no such file, not of this format, values that cannot be, another K or other weights.
    """
    path = Path(path)
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"expected score statistics at {path}, found no such file") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: expected score statistics (JSON), found {error}") from error
    try:
        statistics = _from_plain(plain)
        statistics.check_network(num_classes, weights_sha256)
    except (ValueError, TypeError, KeyError) as error:
        found = f"missing key {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{path}: {found}") from error
    return statistics


def _from_plain(plain: Any) -> ScoreStatistics:
    if not isinstance(plain, dict) or plain.get("format") != STATISTICS_FORMAT:
        found = plain.get("format") if isinstance(plain, dict) else type(plain).__name__
        raise ValueError(f"expected score statistics of format {STATISTICS_FORMAT}, found {found!r}")
    classes = tuple(
        None if own is None else ClassStatistics(**{**own, "posterior": tuple(own["posterior"])})
        for own in plain["classes"]
    )
    statistics = ScoreStatistics(classes, str(plain["weights_sha256"]), str(plain["data"]))
    if plain["num_classes"] != statistics.num_classes:
        raise ValueError(f"expected {plain['num_classes']} classes as num_classes says, found {statistics.num_classes}")
    return statistics


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
