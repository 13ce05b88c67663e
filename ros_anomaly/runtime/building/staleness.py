"""Whether a built engine still fits: its source, the library, the GPU. What does not fit is never run."""

from __future__ import annotations

from ros_anomaly.runtime.building.info import BuildInfo
from ros_anomaly.runtime.building.options import DeviceIdentity, Precision


def why_not_here(build: BuildInfo, machine: DeviceIdentity) -> str | None:
    """What keeps a built engine from running on this machine, with both values; None if nothing does."""
    checks = [
        ("backend", build.backend, machine.backend),
        (f"{machine.backend} version", build.backend_version, machine.backend_version),
    ]
    if build.targets:
        if machine.compute_capability not in build.targets:
            found = machine.compute_capability or "no GPU"
            return f"built for compute capability {', '.join(build.targets)}, found {found} on this machine"
    else:
        checks += [
            ("GPU", build.device_name, machine.device_name),
            ("compute capability", build.compute_capability, machine.compute_capability),
        ]
    for what, built, found in checks:
        if built != found:
            return f"built for {what} {built or 'none'}, found {found or 'none'} on this machine"
    return None


def why_not_of(build: BuildInfo, source_sha256: str, precision: Precision) -> str | None:
    """What keeps a built engine from standing for its source, with both values; None if nothing does."""
    if build.source_sha256 != source_sha256:
        return f"built from {build.source} with sha256 {build.source_sha256[:12]}…, found {source_sha256[:12]}… now"
    if build.precision is not precision:
        return f"built in {build.precision.value}, expected {precision.value}"
    return None
