"""What a result is worth without: the machine, its libraries, and the commit that was measured."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

LIBRARIES = (
    "numpy",
    "torch",
    "transformers",
    "onnxruntime",
    "openvino",
    "tensorrt",
    "tensorrt-rtx-cu13",
    "torch-tensorrt",
    "triton",
    "numba",
    "opencv-python-headless",
)
COMMIT_VARIABLE = "ROS_ANOMALY_COMMIT"
"""Hash and date as ``git log -1 --format='%H %cI'`` prints them."""
_COMMAND_LIMIT_S = 20.0


@dataclass(frozen=True)
class Gpu:
    """Name, driver version, memory in 10⁶ bytes."""

    name: str
    driver: str
    memory_mb: float


@dataclass(frozen=True)
class Machine:
    """``cores`` are those that this process may use."""

    processor: str
    cores: int
    memory_mb: float
    system: str
    python: str
    gpu: Gpu | None

    @property
    def line(self) -> str:
        """Processor and cores in words."""
        return f"{self.processor}, {self.cores} cores"

    @property
    def device(self) -> str:
        """What a result file is named after: the GPU, else processor and cores; lower case, digits and hyphens."""
        name = self.gpu.name if self.gpu else f"{self.processor} {self.cores} cores"
        return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


@dataclass(frozen=True)
class Commit:
    """Hash and date (ISO 8601) of the checkout; ``changed`` where files differ from it. Empty outside a checkout."""

    sha: str = ""
    date: str = ""
    changed: bool = False


def this_machine() -> Machine:
    """The machine that this runs on."""
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_mb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6,
        system=platform.platform(),
        python=platform.python_version(),
        gpu=_gpu(),
    )


def library_versions() -> dict[str, str]:
    """Versions of those of :data:`LIBRARIES` that are installed."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def this_commit(folder: Path | None = None) -> Commit:
    """The commit that ``folder`` (default: this package's) is checked out at.

    For a copy without its history: what :data:`COMMIT_VARIABLE` says.
    """
    root = folder or Path(__file__).resolve().parents[2]
    line = _output("git", "-C", str(root), "log", "-1", "--format=%H %cI") or os.environ.get(COMMIT_VARIABLE, "")
    sha, _, date = line.partition(" ")
    if not sha:
        return Commit()
    return Commit(sha, date, bool(_output("git", "-C", str(root), "status", "--porcelain", "--untracked-files=no")))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model"))]
    if not names:  # boards with an Arm processor name themselves elsewhere
        board = Path("/proc/device-tree/model")
        names = [board.read_text(errors="replace").strip("\0 \n")] if board.is_file() else []
    return names[0] if names else platform.machine()


def _gpu() -> Gpu | None:
    query = ("--query-gpu=name,driver_version,memory.total", "--format=csv,noheader,nounits")
    fields = [part.strip() for part in _output("nvidia-smi", *query).partition("\n")[0].split(",")]
    if len(fields) != 3 or not fields[2].replace(".", "").isdigit():
        return None
    return Gpu(fields[0], fields[1], float(fields[2]) * 1.048576)


def _output(*command: str) -> str:
    """What a command says; nothing where it cannot be run."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_COMMAND_LIMIT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
