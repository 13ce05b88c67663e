"""The moments that tell a drive, and their frames from its video."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from ros_anomaly_sim.closed_loop.record import Film
from ros_anomaly_sim.closed_loop.result import Cause, DriveResult, End
from ros_anomaly_sim.film.pictures import contact_sheet
from ros_anomaly_sim.film.video import read_frames

MOST_STILLS = 6
_APART_S = 0.25
_SAME_S = 0.01
_BRAKES_FOR = {Cause.ANOMALY: "brakes", Cause.FALSE: "brakes for nothing", Cause.UNKNOWN: "brakes, not knowing"}


def told_moments(result: DriveResult, most: int = MOST_STILLS) -> list[tuple[float, str]]:
    """At most ``most`` moments in order of time, seconds from the start and what happens then.

    How it ended and what led there come first; between them the drive at even intervals.
    """
    end_s = result.collisions[0].at_s if result.collisions else result.duration_s
    kept: list[tuple[float, str]] = []
    for at_s, words in _events(result):
        if len(kept) < most and all(abs(at_s - other) >= _APART_S for other, _ in kept):
            kept.append((at_s, words))
    while len(kept) < most:
        times = sorted([0.0, end_s, *(at_s for at_s, _ in kept)])
        length_s, after_s = max((b - a, a) for a, b in zip(times, times[1:], strict=False))
        if length_s < 2 * _APART_S:
            break
        kept.append((after_s + length_s / 2, "on the way"))
    return sorted(kept)


def _events(result: DriveResult) -> Iterator[tuple[float, str]]:
    yield _end(result)
    for anomaly in result.anomalies:
        if anomaly.known_at_s is not None and anomaly.known_from_m is not None:
            # A car that still stands may know already.
            yield max(anomaly.known_at_s, 0.0), f"{anomaly.name} known, {anomaly.known_from_m:.0f} m ahead"
    for braking in sorted(result.brakings, key=lambda b: not b.stopped):
        yield braking.at_s, f"{_BRAKES_FOR[braking.cause]}: {braking.reason}"
    yield 0.0, "the start"


def _end(result: DriveResult) -> tuple[float, str]:
    if result.collisions:
        first = result.collisions[0]
        return max(first.at_s - 0.1, 0.0), f"before impact at {3.6 * first.impact_mps:.0f} km/h"
    margins = [anomaly.margin_m for anomaly in result.anomalies if anomaly.margin_m is not None]
    for_nothing = "stands, but not for what is in the way" if result.anomalies_in_path else "stands, nothing in the way"
    words = {
        End.COMPLETED: "route completed",
        End.HELD: f"stands {min(margins):.1f} m before it" if margins else for_nothing,
        End.TIME: "out of time",
        End.COLLIDED: "collided",
    }
    return result.duration_s, words[result.end]


def stills(path: Path, film: Film, result: DriveResult) -> list[tuple[str, np.ndarray]]:
    """Captions and frames, uint8 [H, W, 3] RGB, of the told moments; nothing of a film without frames.

    Where a judged image is near, it is taken: only there is to be seen what the detector made of it.

    Args:
        path: of the video.
        film: what is known of its frames.

    Raises:
        OSError: the film cannot be read.
    """
    if not film.times_s:
        return []
    chosen = {_frame_at(film, at_s): (at_s, words) for at_s, words in told_moments(result)}
    frames = read_frames(path, chosen)
    return [(f"{at_s:.1f} s: {words}", frames[n]) for n, (at_s, words) in sorted(chosen.items()) if n in frames]


def _frame_at(film: Film, at_s: float) -> int:
    before_s = at_s - np.asarray(film.times_s)
    # Not after the moment: that may be another story.
    tells = np.asarray(film.judged) & (before_s > -_SAME_S) & (before_s < _APART_S)
    return int(np.lexsort((np.abs(before_s), ~tells))[0])


def write_strip(path: Path, tiles: Sequence[tuple[str, np.ndarray]]) -> None:
    """Write the stills as one picture, side by side. OSError if it cannot be written; nothing for no stills."""
    if not tiles:
        return
    sheet = contact_sheet(tiles, columns=3, tile_width=480)
    if not cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR)):
        raise OSError(f"cannot write {path}")
