"""The search for a threshold over score tracks, with the node's own policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ros_anomaly.cli import common
from ros_anomaly.cli.calibrate_output import DriveOutcome

if TYPE_CHECKING:
    from ros_anomaly.cli.clear_drives import ClearDrive
    from ros_anomaly.evaluation.score_track import ScoreTrack
    from ros_anomaly.hazard.config import HazardConfig
    from ros_anomaly.training.calibration import CalibrationResult, CalibrationRule

_ENOUGH_WATCHED = 0.9
_USUAL_SHARE = 0.99


@dataclass(frozen=True)
class Policy:
    """What of the node's settings decides about states; fields as its parameters of these names."""

    hazard: HazardConfig
    horizontal_fov_rad: float = 0.0
    lockstep: bool = False


def watched_minutes(drive: ClearDrive, track: ScoreTrack, policy: Policy, usual_score: float) -> float:
    """Minutes of a drive that count; says so where much of it does not."""
    from ros_anomaly.evaluation.replay import replay, watched_s
    from ros_anomaly.hazard.types import HazardLevel

    highest = float(track.frames.highest.max())
    states = list(replay(track, highest, policy.hazard, policy.lockstep, usual_score))
    watched = watched_s(track, states, policy.hazard)
    told = states[policy.hazard.confirm.recover - 1 :]
    blind = [state.reason for state in told if state.level is HazardLevel.UNKNOWN]
    if len(blind) > (1 - _ENOUGH_WATCHED) * len(states):
        common.say(f"{drive.name}: {len(blind)} of {len(states)} images are UNKNOWN and prove nothing: {blind[0]}")
    return watched / 60.0


def search(
    tracks: Sequence[ScoreTrack], minutes: float, policy: Policy, rule: CalibrationRule, usual_score: float
) -> CalibrationResult:
    """The threshold that the rule gives. CliError where no image can be trusted."""
    import numpy as np

    from ros_anomaly.evaluation.replay import count_hazards, replay
    from ros_anomaly.training.calibration import choose_threshold, threshold_grid

    if not minutes > 0:
        raise common.CliError("drives: expected images that can be trusted, found every one UNKNOWN (see above)")
    progress = common.Progress("searching thresholds", unit="thresholds")
    hits = policy.hazard.confirm.hits

    def false_hazards(threshold: float) -> int:
        count = 0
        for track in tracks:
            if int((track.frames.highest > threshold).sum()) >= hits:  # fewer frames confirm nothing
                states = replay(track, threshold, policy.hazard, policy.lockstep, usual_score)
                count += count_hazards(states, track.frames.recorded_ns)
        progress.update(note=f"{count} false hazards at {threshold:.4f}")
        return count

    grid = threshold_grid(np.concatenate([track.frames.highest for track in tracks]))
    result = choose_threshold(false_hazards, minutes, grid, rule)
    progress.finish()
    return result


def usual_score_of(tracks: Sequence[ScoreTrack], policy: Policy) -> float:
    """What the ground of sound clear images scores in 99 of 100; infinite where no image is sound."""
    import math

    import numpy as np

    usual: list[float] = []
    for track in common.track(tracks, "scores of the ground", len(tracks), "drives"):
        sound = [track.image_facts(index).fault(policy.hazard.image) is None for index in range(len(track))]
        usual += track.usual_scores[sound].tolist()
    return float(np.quantile(usual, _USUAL_SHARE)) if usual else math.inf


def judged_usual_score(usual: float, threshold: float, blank: float, policy: Policy) -> float | None:
    """``usual`` where the policy's limit tells a scene that the network knows nothing of from a clear one, else None.

    Says why not: the ground scores too near the threshold, or no lower than ``blank``, what no mask holds.
    """
    from ros_anomaly.hazard.scene import scene_shift

    if usual < threshold and policy.hazard.scene.is_unfamiliar(scene_shift(blank, usual, threshold)):
        return usual
    common.say(
        f"scenes are not judged: the ground of clear images scores {usual:.4f}, too near the threshold "
        f"{threshold:.4f} or the {blank:.4f} of what the network knows nothing of"
    )
    return None


def outcome_of(
    drive: ClearDrive,
    track: ScoreTrack,
    minutes: float,
    threshold: float,
    policy: Policy,
    usual_score: float | None,
) -> DriveOutcome:
    """What became of one drive at the threshold."""
    from ros_anomaly.evaluation.replay import hazard_times_s, replay

    states = list(replay(track, threshold, policy.hazard, policy.lockstep, usual_score))
    unfamiliar = sum(policy.hazard.scene.is_unfamiliar(state.scene_shift) for state in states)
    times_s = tuple(hazard_times_s(states, track.frames.recorded_ns))
    return DriveOutcome(drive.name, len(track), track.fingerprint, minutes, times_s, unfamiliar)
