"""Memory of this process as the kernel counts it, and of the GPU as its driver does."""

from __future__ import annotations

import shutil
import subprocess

_STATUS = "/proc/self/status"
_FORGET_PEAK = "5"  # proc(5), clear_refs: the peak of the resident set becomes what it is now
_QUERY_LIMIT_S = 20.0


def resident_mb() -> float:
    """Resident memory of this process now, 10⁶ bytes."""
    return _of_status("VmRSS")


def peak_mb() -> float:
    """Largest resident memory since the start of this process, or since ``forget_peak``; 10⁶ bytes."""
    return _of_status("VmHWM")


def forget_peak() -> bool:
    """Let the peak begin anew at what is resident now; False where the kernel does not let us."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write(_FORGET_PEAK)
    except OSError:
        return False
    return True


def gpu_used_mb() -> float | None:
    """Memory of the first GPU that all processes together use, 10⁶ bytes; None where no NVIDIA driver answers."""
    if shutil.which("nvidia-smi") is None:
        return None
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_QUERY_LIMIT_S, check=True)
        return float(done.stdout.splitlines()[0]) * 1.048576
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None


def _of_status(key: str) -> float:
    with open(_STATUS, encoding="ascii") as lines:
        for line in lines:
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f"{_STATUS}: expected a line {key}, found none")
