"""A recorded drive through the default engine and all that follows it says what it said before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from regression_drive import DRIVE, EXPECTED, Bounds, DriveResult, FrameResult, drift, evaluate

MIB = 1 << 20


def test_the_drive_says_what_it_said_before(tmp_path: Path):
    expected = DriveResult.load(EXPECTED)
    found = evaluate(DRIVE, tmp_path)
    same = "the same" if found.engine_sha256 == expected.engine_sha256 else "another"
    lines = drift(found, expected, Bounds())
    assert not lines, "\n".join(
        [*lines, f"(the engine is {same}; if this is meant, python test/regression_drive.py stores it as expected)"]
    )


def test_the_drive_is_small():
    assert sum(path.stat().st_size for path in DRIVE.iterdir()) <= 5 * MIB


FRAMES = [FrameResult("clear", 0.1, 0, None)] * 8 + [FrameResult("hazard", 0.9, 500, 12.0)] * 4
BEFORE = DriveResult("a", {"ap": 0.5, "auroc": 0.9, "miou": 0.6}, FRAMES)


def test_what_stays_within_bounds_passes():
    frames = [replace(frame, max_score=frame.max_score + 0.002) for frame in FRAMES]
    frames[8] = replace(frames[8], mask_px=520, nearest_m=12.4)
    frames[0] = replace(frames[0], level="caution")
    now = DriveResult("b", {"ap": 0.505, "auroc": 0.9, "miou": 0.6}, frames)
    assert drift(BEFORE, BEFORE, Bounds()) == [] == drift(now, BEFORE, Bounds())


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (replace(BEFORE, figures={**BEFORE.figures, "ap": 0.48}), "ap: expected 0.5"),
        (replace(BEFORE, figures={**BEFORE.figures, "miou": float("nan")}), "miou"),
        (replace(BEFORE, frames=[replace(f, level="clear") for f in FRAMES]), "another level"),
        (replace(BEFORE, frames=[replace(f, max_score=f.max_score + 0.02) for f in FRAMES]), "highest scores"),
        (replace(BEFORE, frames=[*FRAMES[:-1], replace(FRAMES[-1], mask_px=400)]), "mask pixels"),
        (replace(BEFORE, frames=[*FRAMES[:-1], replace(FRAMES[-1], nearest_m=8.0)]), "frame 11, nearest_m"),
        (replace(BEFORE, frames=FRAMES[:-1]), "frames: expected 12, found 11"),
    ],
)
def test_drift_is_found(now: DriveResult, told: str):
    (line,) = drift(now, BEFORE, Bounds())
    assert told in line
