"""The replay's process: a node for as long as the recording lasts, and an orderly end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ros_anomaly.messages.lockstep import DetectorSilent
from ros_anomaly.nodes.graph import on_graph
from ros_anomaly.nodes.replay_lockstep import LockstepReplay, Patience
from ros_anomaly.nodes.replay_node import ReplayNode
from ros_anomaly.nodes.replay_outcome import ReplayOutcome
from ros_anomaly.nodes.replay_realtime import RealTimeReplay
from ros_anomaly.nodes.replay_source import ReplaySource
from ros_anomaly.signals import interrupted_by_signals


@dataclass(frozen=True)
class ReplayPlan:
    """How a source is replayed.

    Attributes:
        lockstep: wait for the answer to every image; else in real time.
        speed: of real time, 1.0 as it was recorded.
        status_topic: where the detector answers.
        patience: how long is waited for what.
    """

    lockstep: bool
    speed: float = 1.0
    status_topic: str = "/detector/hazard_status"
    patience: Patience = Patience()


def run_replay(
    source: ReplaySource, plan: ReplayPlan, arguments: list[str], on_image: Callable[[], None]
) -> ReplayOutcome:
    """Replay ``source`` to its end, or in lockstep until the detector no longer answers (``broken_off``).

    Args:
        arguments: ROS arguments, ``--ros-args`` first.
        on_image: called after every image.

    Raises:
        NobodyListens: in lockstep, and there is no detector.
        KeyboardInterrupt: SIGINT or SIGTERM came; the node is off the graph.
        ValueError: ROS arguments that cannot be read, or a status topic that is none.
    """
    with interrupted_by_signals(), on_graph(arguments):
        node = ReplayNode(source.topics, source.image_topic, plan.status_topic)
        try:
            replay: LockstepReplay | RealTimeReplay
            if plan.lockstep:
                replay = LockstepReplay(node, plan.patience, on_image)
            else:
                replay = RealTimeReplay(node, plan.speed, plan.patience.startup_s, on_image)
            try:
                replay.run(source)
            except DetectorSilent as error:
                replay.outcome.broken_off = str(error)
            return replay.outcome
        finally:
            node.close()
