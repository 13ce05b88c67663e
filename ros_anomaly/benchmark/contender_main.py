"""The process of one contender: makes it, runs the turns that it is told to, says what memory it took."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
import traceback
from multiprocessing.connection import Connection
from typing import Any

from ros_anomaly.benchmark import memory
from ros_anomaly.benchmark.contender import Contender, make_contender
from ros_anomaly.runtime.errors import EngineError

_PR_SET_PDEATHSIG = 1


def main(arguments: str) -> None:
    """Serve until the parent closes its end. ``arguments`` is the JSON that ``ContenderProcess`` hands over."""
    args: dict[str, Any] = json.loads(arguments)
    # The kernel ends this process with the thread that holds the contest, also while native code hangs in it.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != args["parent_pid"]:
        sys.exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process itself
    connection = Connection(args["fd"])
    try:
        _serve(connection, args)
    except (EOFError, BrokenPipeError):
        pass  # the parent is gone or done: so are we


def _serve(connection: Connection, args: dict[str, Any]) -> None:
    try:
        contender, loaded = _load(args)
    except Exception as error:  # whatever a library raises: it is this contender's result
        connection.send({"kind": "failed", "message": _message(error)})
        return
    connection.send({"kind": "ready", **loaded})
    while (request := connection.recv())["kind"] != "close":
        try:
            reply = _turn(contender, request) if request["kind"] == "turn" else _end(contender)
        except Exception as error:
            connection.send({"kind": "failed", "message": _message(error)})
            return
        connection.send(reply)
    contender.close()


def _load(args: dict[str, Any]) -> tuple[Contender, dict[str, Any]]:
    began = time.perf_counter()
    contender = make_contender(args["factory"], args["options"])
    loaded = {
        "load_s": time.perf_counter() - began,
        "load_peak_mb": memory.peak_mb(),
        "loaded_mb": memory.resident_mb(),
    }
    memory.forget_peak()
    return contender, loaded


def _turn(contender: Contender, request: dict[str, Any]) -> dict[str, Any]:
    """Untimed frames, then timed ones until there are enough of them or their time is up."""
    index = request["first"]
    for _ in range(request["settle"]):
        contender.run(index)
        index += 1
    seconds: list[float] = []
    clock, began_cpu = time.perf_counter, time.process_time()
    ends = clock() + request["limit_s"]
    while len(seconds) < request["frames"] and (len(seconds) < request["least"] or clock() < ends):
        began = clock()
        contender.run(index)
        seconds.append(clock() - began)
        index += 1
    cpu_s = time.process_time() - began_cpu
    return {"kind": "turn", "seconds": seconds, "cpu_s": cpu_s, "resident_mb": memory.resident_mb()}


def _end(contender: Contender) -> dict[str, Any]:
    peak = memory.peak_mb()
    return {"kind": "end", "run_peak_mb": peak, "facts": dict(contender.facts())}


def _message(error: Exception) -> str:
    traceback.print_exc()
    text = " ".join(str(error).split())
    if isinstance(error, EngineError) and text:
        return text  # it names what was expected and found
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
