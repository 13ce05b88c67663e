"""How a network was trained, from the folder of the run and its recipe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class StageFacts:
    """One stage of a run.

    Attributes:
        stage: its name.
        iterations, elapsed_s: how many steps, in how much wall time.
        data_wait_share: fraction of that time spent waiting for data; None if it was not recorded.
        device, precision: empty if not recorded.
        validation: the last figures that training measured itself, fractions by name.
    """

    stage: str
    iterations: int
    elapsed_s: float
    data_wait_share: float | None
    device: str
    precision: str
    validation: Mapping[str, float]
    command: str = ""


@dataclass(frozen=True)
class TrainingFacts:
    """The runs that made a network, in their order.

    Attributes:
        commands: that made it.
        stages: of all runs.
        recipes: (file name, YAML text).
    """

    commands: tuple[str, ...]
    stages: tuple[StageFacts, ...]
    recipes: tuple[tuple[str, str], ...]


def training_facts(runs: list[Path], recipes: list[Path]) -> TrainingFacts:
    """Read the folders of runs, each with the recipe at the same place in ``recipes`` (or one for all).

    Raises:
        ValueError: no recipe for a run, a folder without any stage, or files in it that are not what they must be.
    """
    if len(recipes) not in (1, len(runs)):
        raise ValueError(f"recipes: expected one, or one for each of the {len(runs)} runs, found {len(recipes)}")
    commands: list[str] = []
    stages: list[StageFacts] = []
    for number, run in enumerate(runs):
        recipe = recipes[number if len(recipes) > 1 else 0]
        own = run_stages(run)
        stages += own
        recorded = [stage.command for stage in own if stage.command]
        commands += recorded or [_command(recipe, own, number if len(runs) > 1 else None)]
    texts = dict.fromkeys((path.name, path.read_text(encoding="utf-8").strip()) for path in recipes)
    return TrainingFacts(tuple(dict.fromkeys(commands)), tuple(stages), tuple(texts))


def run_stages(run: Path) -> list[StageFacts]:
    """Every stage in the folder of a run, in the order of training; from ``summary.json``, else from ``log.jsonl``.

    Raises:
        ValueError: there is none, or a file is not what training writes.
    """
    order = ("closed", "outlier")
    folders = [run / name for name in order if (run / name).is_dir()]
    found = [_stage(folder) for folder in folders]
    if not found:
        raise ValueError(f"{run}: expected the folder of a training run with {' or '.join(order)} in it, found neither")
    return found


def _stage(folder: Path) -> StageFacts:
    summary, log = folder / "summary.json", folder / "log.jsonl"
    try:
        if summary.is_file():
            plain = json.loads(summary.read_text(encoding="utf-8"))
            figures = plain.get("validation") or {}
        elif log.is_file():
            records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
            steps = [record for record in records if record["kind"] == "step"]
            checks = [record for record in records if record["kind"] == "validation"]
            waited_s = sum(step.get("data_s", 0.0) for step in steps)
            plain = {
                "stage": folder.name,
                "iterations": steps[-1]["iteration"],
                "elapsed_s": steps[-1]["elapsed_s"],
                "data_wait_share": waited_s / max(steps[-1]["elapsed_s"], 1e-9),
            }
            figures = checks[-1] if checks else {}
        else:
            raise ValueError(f"{folder}: expected summary.json or log.jsonl in it, found neither")
        return StageFacts(
            stage=str(plain["stage"]),
            iterations=int(plain["iterations"]),
            elapsed_s=float(plain["elapsed_s"]),
            data_wait_share=plain.get("data_wait_share"),
            device=str(plain.get("device") or ""),
            precision=str(plain.get("precision") or ""),
            validation=_fractions(figures),
            command=str(plain.get("command") or ""),
        )
    except (KeyError, IndexError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{folder}: expected the summary or log of a training stage, found {error!r}") from error


def _fractions(figures: Mapping[str, Any]) -> dict[str, float]:
    """Those of the figures that are measures between 0 and 1, without those of single classes."""
    skipped = {"iteration", "elapsed_s", "share", "frames"}
    return {
        name: float(value)
        for name, value in figures.items()
        if name not in skipped and "/" not in name and isinstance(value, float) and 0 <= value <= 1
    }


def _command(recipe: Path, stages: list[StageFacts], number: int | None) -> str:
    out = "RUN" if number is None else f"RUN{number + 1}"
    stage = f" --stage {stages[0].stage}" if len(stages) == 1 else ""
    return f"ros-anomaly-train --recipe {recipe.name} --out {out}{stage}"
