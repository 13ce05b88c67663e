"""How a node comes to its engine when it is configured."""

from __future__ import annotations

import threading

from ros_anomaly.nodes.settings import Settings
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.runner import EngineRunner, InProcessRunner, RunnerState
from ros_anomaly.runtime.supervisor import RestartPolicy, WorkerSupervisor

_POLL_S = 0.02


def start_engine(settings: Settings, stopping: threading.Event) -> EngineRunner:
    """The engine, loaded and ready, or being built; given up when ``stopping`` is set.

    Building takes minutes, which no transition may take: the runner goes on with it and says how far it is.

    Raises:
        EngineError: it cannot be loaded, or not within ``load_timeout_s``; no process is left.
        OSError: no process or memory to be had.
    """
    if not settings.engine_process:
        return InProcessRunner(settings.engine)
    policy = RestartPolicy(
        start_timeout_s=settings.load_timeout_s, infer_timeout_s=settings.inference_timeout_ms / 1000.0
    )
    runner = WorkerSupervisor(settings.engine, policy)
    try:
        while (status := runner.poll()).state is RunnerState.STARTING:
            if stopping.wait(_POLL_S):
                raise EngineError("stopped while the engine was loading")
        # A failed build is not a failed transition: what restarts the process then would build, and fail, for ever.
        if status.state not in (RunnerState.READY, RunnerState.BUILDING) and not status.final:
            raise EngineError(status.reason)
    except BaseException:
        runner.close()
        raise
    return runner
