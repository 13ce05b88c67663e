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


def watched_minutes(drive: ClearDrive, track: ScoreTrack, policy: Policy) -> float:
    """Minutes of a drive that count; says so where much of it does not."""
    from ros_anomaly.evaluation.replay import replay, watched_s
    from ros_anomaly.hazard.types import HazardLevel

    highest = float(track.frames.highest.max())
    states = list(replay(track, highest, policy.hazard, policy.lockstep))
    watched = watched_s(track, states, policy.hazard)
    told = states[policy.hazard.confirm.recover - 1 :]
    blind = [state.reason for state in told if state.level is HazardLevel.UNKNOWN]
    if len(blind) > (1 - _ENOUGH_WATCHED) * len(states):
        common.say(f"{drive.name}: {len(blind)} of {len(states)} images are UNKNOWN and prove nothing: {blind[0]}")
    return watched / 60.0


def search(tracks: Sequence[ScoreTrack], minutes: float, policy: Policy, rule: CalibrationRule) -> CalibrationResult:
    """The threshold that the rule gives. CliError where no image can be trusted."""
    import numpy as np

    from ros_anomaly.evaluation.replay import count_hazards, replay
    from ros_anomaly.training.calibration import choose_threshold, threshold_grid

    if not minutes > 0:
        raise common.CliError("drives: expected images that can be trusted, found every one UNKNOWN (see above)")
    progress = common.Progress("searching thresholds", unit="thresholds")
    hits = policy.hazard.confirm.hits

    def false_hazards(threshold: float) -> int:
        count = sum(
            count_hazards(replay(track, threshold, policy.hazard, policy.lockstep), track.frames.recorded_ns)
            for track in tracks
            if int((track.frames.highest > threshold).sum()) >= hits  # fewer frames confirm nothing
        )
        progress.update(note=f"{count} false hazards at {threshold:.4f}")
        return count

    grid = threshold_grid(np.concatenate([track.frames.highest for track in tracks]))
    result = choose_threshold(false_hazards, minutes, grid, rule)
    progress.finish()
    return result


def usual_score_of(tracks: Sequence[ScoreTrack], threshold: float, policy: Policy) -> float | None:
    """What the ground of sound clear images scores in 99 of 100; None, and said so, where that is no less than the
    threshold: nothing can then tell an unfamiliar scene.
    """
    import numpy as np

    from ros_anomaly.hazard.scene import usual_score

    usual = [
        usual_score(track.score(index))
        for track in tracks
        for index in range(len(track))
        if track.image_facts(index).fault(policy.hazard.image) is None
    ]
    highest = float(np.quantile(usual, _USUAL_SHARE))
    if highest < threshold:
        return highest
    common.say(f"the ground of clear images scores {highest:.4f}, no less than the threshold: scenes are not judged")
    return None


def outcome_of(drive: ClearDrive, track: ScoreTrack, minutes: float, threshold: float, policy: Policy) -> DriveOutcome:
    """What became of one drive at the threshold."""
    from ros_anomaly.evaluation.replay import hazard_times_s, replay

    states = replay(track, threshold, policy.hazard, policy.lockstep)
    times_s = tuple(hazard_times_s(states, track.frames.recorded_ns))
    return DriveOutcome(drive.name, len(track), track.fingerprint, minutes, times_s)
