"""The worker process: loads one engine, built first where need be, and runs it on every frame of the shared memory."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import sys
from typing import Any

from ros_anomaly.runtime.building.on_first_use import ensure_built
from ros_anomaly.runtime.building.options import BuildPolicy
from ros_anomaly.runtime.channel import Channel, ChannelClosed
from ros_anomaly.runtime.contract import Engine
from ros_anomaly.runtime.engines import EngineSpec, load_located
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.manifest import Manifest
from ros_anomaly.runtime.shared_frames import SharedFrames


def main(arguments: str) -> None:
    """Serve until the parent closes its end. ``arguments`` is the JSON that ``EngineWorker`` hands over."""
    args: dict[str, Any] = json.loads(arguments)
    _end_with_parent(args["lifeline_fd"])
    # Ctrl-C is for the parent, which ends its worker itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = Channel.from_fd(args["channel_fd"])
    try:
        # The very engine that the parent checked: it knows its sizes, and judges the scores by its threshold.
        spec = EngineSpec(
            args["engine"], args["backend"], args["threads"], args["fingerprint"], BuildPolicy.from_plain(args["build"])
        )
        _build_first(channel, spec)
        located = spec.locate()
        engine = load_located(spec, located)
        _check_sizes(engine.manifest, args["input_size"], args["output_size"])
        frames = SharedFrames(engine.manifest.input_size, engine.manifest.output_size, args["memory_fd"])
    except ChannelClosed:
        return  # the parent is gone: so are we
    except (EngineError, ValueError, OSError, MemoryError) as error:
        channel.send("failed", message=str(error) or type(error).__name__)
        sys.exit(1)
    try:
        channel.send("ready", manifest=str(located.path), fingerprint=located.manifest.fingerprint)
        _serve(channel, engine, frames)
    except ChannelClosed:
        pass  # the parent is gone or done


def _build_first(channel: Channel, spec: EngineSpec) -> None:
    """Build the engine if that is allowed and it is not there, and tell the parent of it."""

    def tell(fraction: float, waits_for: str) -> None:
        channel.send("building", fraction=fraction, waits_for=waits_for)

    def say(message: str) -> None:
        print(f"engine worker: {message}", file=sys.stderr, flush=True)

    if spec.build.if_missing and ensure_built(spec, tell, say):
        channel.send("built")


def _check_sizes(manifest: Manifest, input_size: list[int], output_size: list[int]) -> None:
    expected, found = (tuple(input_size), tuple(output_size)), (manifest.input_size, manifest.output_size)
    if found != expected:
        raise EngineError(f"engine {manifest.name!r}: expected input and output of {expected}, found {found}")


def _serve(channel: Channel, engine: Engine, frames: SharedFrames) -> None:
    while True:
        request = channel.receive(timeout_s=None)
        assert request is not None  # no time limit, so there is a message
        frame = request["frame"]
        try:
            prediction = engine.infer(frames.image)
        except (EngineError, ValueError, MemoryError) as error:
            channel.send("error", frame=frame, message=str(error) or type(error).__name__)
            continue
        frames.score[...] = prediction.score
        frames.class_ids[...] = prediction.class_ids
        channel.send("result", frame=frame, scene_score=prediction.scene_score)


def _end_with_parent(lifeline_fd: int) -> None:
    """Have the kernel kill this process when the parent's end of the lifeline pipe closes, however it closes.

    The kernel does it at once, also while the engine hangs in native code or the process is stopped, which neither a
    thread nor a handler of ours could. (PR_SET_PDEATHSIG would fire when the *thread* that started us ends.)
    """
    fcntl.fcntl(lifeline_fd, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline_fd, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(lifeline_fd, fcntl.F_SETFL, fcntl.fcntl(lifeline_fd, fcntl.F_GETFL) | os.O_ASYNC)
    poller = select.poll()
    poller.register(lifeline_fd, 0)  # hang-up is always reported
    if poller.poll(0):
        sys.exit(1)  # it closed before the signal was armed
