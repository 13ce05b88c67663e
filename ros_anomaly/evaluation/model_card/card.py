"""Lays a model card out as Markdown, and keeps what people wrote into the old one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ros_anomaly.evaluation.model_card.figures import CalibrationFigures, EvaluationFigures
from ros_anomaly.evaluation.model_card.training import TrainingFacts
from ros_anomaly.runtime.manifest import Manifest

LIMITS = "## Limits"


@dataclass(frozen=True)
class NetworkFacts:
    """The network in the weights file: its architecture by field name, and how many numbers it holds."""

    config: Mapping[str, Any]
    parameters: int


@dataclass(frozen=True)
class ModelCard:
    """All that stands in a card.

    Attributes:
        network: None where the engine comes without weights.
        training: of the run that made it; None for weights that came from elsewhere.
        evaluations: in the order of the card.
        calibration: None where it was not calibrated.
        benchmark: what ``ros-anomaly-benchmark node --json`` printed, or None.
        limits: Markdown below the heading, written by people.
    """

    manifest: Manifest
    network: NetworkFacts | None
    training: TrainingFacts | None
    evaluations: tuple[EvaluationFigures, ...]
    calibration: CalibrationFigures | None
    benchmark: Mapping[str, Any] | None
    limits: str

    @property
    def export_command(self) -> str:
        """That made the engine of the last stage's weights."""
        own, stages = self.manifest, self.training.stages if self.training else ()
        weights = f"RUN/{stages[-1].stage}.safetensors" if stages else "WEIGHTS"
        words = ["ros-anomaly-export-network", "--weights", weights, "--out", f"{own.name}.json"]
        words += ["--size", f"{own.input_size[1]}x{own.input_size[0]}"]
        if own.score is None or own.aggregation is None:
            words += ["--kind", "raw"]
        else:
            words += ["--score", own.score, "--aggregation", own.aggregation.value]
        words += ["--with-weights"] if "weights" in own.files else []
        words += ["--program"] if "torch_program" in own.files else []
        return " ".join(words)


def render(card: ModelCard) -> str:
    """The card as Markdown; the same for the same facts."""
    text = _environment().get_template("model_card.md.j2").render(card=card, limits_heading=LIMITS)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def limits_of(card_text: str) -> str | None:
    """What stands below the heading of the limits, up to the next heading of its level; None where there is none."""
    found = re.search(rf"^{re.escape(LIMITS)}[ \t]*\n(.*?)(?=^## |\Z)", card_text, re.MULTILINE | re.DOTALL)
    return found.group(1).strip() or None if found else None


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ros_anomaly.evaluation.model_card", "."),
        autoescape=False,  # Markdown
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["percent"] = _percent
    environment.filters["minutes"] = lambda seconds: f"{seconds / 60:.0f}"
    environment.filters["millions"] = lambda count: f"{count / 1e6:.1f}"
    return environment


def _percent(fraction: float | None) -> str:
    return "–" if fraction is None else f"{100 * fraction:.1f}"
