"""What a report says of where its figures come from."""

from __future__ import annotations

import os
import platform


def machine_facts() -> dict[str, str | int | None]:
    """Processor, cores and system of this machine."""
    return {"processor": _processor_name(), "cores": os.cpu_count(), "system": platform.platform()}


def machine_line() -> str:
    """The same in a line, for a page's facts."""
    return "{processor}, {cores} cores, {system}".format(**machine_facts())


def _processor_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.machine()
