"""Enums of settings: unknown values are refused with the legal ones, and no enum says so by itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ros_anomaly.choice import Choice

ROOT = Path(__file__).resolve().parents[1]


class PasteMode(Choice):
    STREET = "street"
    PAPER = "paper"


class Split(str, Choice):
    TRAIN = "train"


def test_known_values_are_members():
    assert PasteMode("paper") is PasteMode.PAPER
    assert Split("train") is Split.TRAIN and Split.TRAIN == "train"


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        (PasteMode, "x", "paste mode: expected one of street, paper; found 'x'"),
        (PasteMode, None, "paste mode: expected one of street, paper; found None"),
        (Split, "test", "split: expected one of train; found 'test'"),
    ],
)
def test_unknown_values_are_named_with_the_legal_ones(kind, value, says):
    with pytest.raises(ValueError) as error:
        kind(value)
    assert str(error.value) == says


def test_enums_leave_their_refusals_to_the_one_place():
    own = {
        path.relative_to(ROOT).as_posix()
        for top in ("ros_anomaly", "sim")
        for path in (ROOT / top).rglob("*.py")
        if re.search(r"def _missing_\b", path.read_text("utf-8"))
    }
    # Aggregation still reads a name that older manifests have.
    assert own == {"ros_anomaly/choice.py", "ros_anomaly/scores/names.py"}
