"""A backend whose engines are compiled, without a GPU: its compiler copies the ONNX file, slowly and as it is told.

Other processes get it through ``environment``: their interpreter registers it before anything else runs. What it is
told stands in environment variables, so that it reaches these processes too.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from ros_anomaly.runtime import backends
from ros_anomaly.runtime.building import builders
from ros_anomaly.runtime.building.builders import Compiler
from ros_anomaly.runtime.building.options import BuildOptions, DeviceIdentity, Precision
from ros_anomaly.runtime.errors import EngineError

NAME = "double"
MAGIC = b"built by the double\n"

VERSION = "DOUBLE_VERSION"
DEVICE = "DOUBLE_DEVICE"
CAPABILITY = "DOUBLE_CAPABILITY"
STEPS = "DOUBLE_STEPS"
STEP_S = "DOUBLE_STEP_S"
FAILS = "DOUBLE_FAILS"
"""What the compiler says when it fails; ``crash`` ends its process instead."""
HOLDS = "DOUBLE_HOLDS"
"""File that the compiler waits for half way."""
STAMP = "DOUBLE_STAMP"
PADDING = "DOUBLE_PADDING"
"""The stamp is put into the engine so many times, so that engines differ and take time to write."""
LOG = "DOUBLE_LOG"
"""File that gets a line for every build that begins."""

_ROOT = Path(__file__).resolve().parents[1]


def register() -> None:
    """Make the backend known in this process; to be called before ``ros_anomaly`` reads its list of backends."""
    backends.BACKENDS[NAME] = backends.Backend(NAME, "engine", "building_double_session:DoubleSession", "nothing")
    backends.BACKEND_NAMES = tuple(backends.BACKENDS)
    backends.BACKEND_TEXTS = tuple(map(str, backends.choices()))
    builders._COMPILERS[NAME] = Compiler("onnx", "building_double:build", ".engine", "building_double:identify")


def environment(folder: Path, **told: str) -> dict[str, str]:
    """Environment variables for a process that has the backend; ``folder`` gets a file that registers it there."""
    (folder / "sitecustomize.py").write_text("import building_double\nbuilding_double.register()\n")
    paths = [str(folder), str(_ROOT / "test"), str(_ROOT), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, paths)), **told}


def identify(backend: str) -> DeviceIdentity:
    """A GPU that is not there."""
    return DeviceIdentity(
        backend,
        os.environ.get(VERSION, "1.0"),
        os.environ.get(DEVICE, "Double 3000"),
        os.environ.get(CAPABILITY, "8.7"),
    )


def build(source: Path, options: BuildOptions, progress: Callable[[float], None]) -> bytes:
    """The file as it is, after a mark; takes as many steps as it is told."""
    if log := os.environ.get(LOG):
        with open(log, "a") as file:
            file.write(f"{os.getpid()}\n")
    steps = int(os.environ.get(STEPS, "3"))
    for step in range(steps):
        progress(step / steps)
        time.sleep(float(os.environ.get(STEP_S, "0")))
        while step == steps // 2 and (held := os.environ.get(HOLDS)) and not os.path.exists(held):
            time.sleep(0.01)
        if step == steps // 2 and (says := os.environ.get(FAILS)):
            if says == "crash":
                os._exit(77)
            raise EngineError(says)
    padding = os.environ.get(STAMP, "").encode() * int(os.environ.get(PADDING, "0"))
    return MAGIC + len(padding).to_bytes(8, "big") + padding + source.read_bytes()


def network_of(engine: bytes) -> bytes:
    """The ONNX file in an engine. EngineError where it is none of ours."""
    if not engine.startswith(MAGIC):
        raise EngineError(f"expected an engine of the double, found {engine[:8]!r}")
    start = len(MAGIC) + 8
    return engine[start + int.from_bytes(engine[len(MAGIC) : start], "big") :]


def build_in_process(engine: str, told: dict[str, str], dies_at: int = -1) -> None:
    """Body of a process that builds ``engine`` anew, told what the environment says.

    Args:
        dies_at: it is killed at the so-manieth time that a file is to be put on the disk for good, -1 for never.
    """
    os.environ.update(told)
    register()
    from ros_anomaly.runtime.building.builder import BuildRequest, build_engine
    from ros_anomaly.runtime.building.source import open_source

    calls = 0

    def counted(call: Callable[..., object]) -> Callable[..., object]:
        def made(*arguments: object) -> object:
            nonlocal calls
            if calls == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
            calls += 1
            return call(*arguments)

        return made

    if dies_at >= 0:
        os.fsync, os.replace = counted(os.fsync), counted(os.replace)  # type: ignore[assignment]
    build_engine(BuildRequest(open_source(Path(engine), NAME), BuildOptions(NAME, Precision.FP32), force=True))
