"""What the builder of engines tells: as text, as JSON, and how what was built compares with its source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from ros_anomaly.runtime.building.lookup import Located
    from ros_anomaly.runtime.building.source import Source


def figures(located: Located, built: bool, seconds: float) -> dict[str, Any]:
    """What ``--json`` prints of an engine; ``built``: now, in so many seconds, not before."""
    manifest = located.manifest
    build = manifest.build
    assert build is not None
    return {
        "engine": located.path,
        "file": located.file,
        "bytes": located.file.stat().st_size,
        "built": built,
        "seconds": seconds if built else None,
        "backend": build.backend,
        "backend_version": build.backend_version,
        "precision": build.precision.value,
        "device_name": build.device_name,
        "compute_capability": build.compute_capability,
        "targets": build.targets,
        "source": build.source,
        "source_sha256": build.source_sha256,
        "threshold": manifest.threshold.value if manifest.threshold else None,
        "threshold_inherited_from": manifest.threshold.inherited_from if manifest.threshold else None,
    }


def tell(located: Located, backend: str, built: bool, seconds: float) -> None:
    """Say where the engine is, how long it took, and what its threshold is worth."""
    manifest = located.manifest
    took = f"built in {seconds:.1f} s" if built else "was built before and fits"
    megabytes = located.file.stat().st_size / 1e6
    print(f"{located.path}\n  {manifest.name}: {took}, {megabytes:.1f} MB")
    threshold = manifest.threshold
    if threshold is None:
        print("  it has no threshold: run ros-anomaly-calibrate on it")
    elif threshold.inherited_from:
        print(
            f"  its threshold {threshold.value:.4f} is inherited from {threshold.inherited_from}; its own comes from "
            f"ros-anomaly-calibrate --engine {located.path} --backend {backend}"
        )


def try_out(located: Located, source: Source, backend: str, held_out: list[np.ndarray]) -> dict[str, Any]:
    """Load and run what was built; where there are images, beside what it was built from.

    Args:
        held_out: uint8 [H, W, 3] RGB of the engine's size, on which it was not calibrated.

    Returns:
        More for ``--json``.

    Raises:
        EngineError: it does not run here.
    """
    from ros_anomaly.runtime.backends import DEFAULT_BACKEND
    from ros_anomaly.runtime.building.agreement import agreement_of
    from ros_anomaly.runtime.engines import load_engine, load_raw_engine
    from ros_anomaly.runtime.manifest import EngineKind

    if located.manifest.kind is EngineKind.RAW:
        load_raw_engine(located.path, backend).close()
        return {"runs": True}
    engine = load_engine(located.path, backend)
    try:
        print("  it runs on this machine")
        if not held_out:
            return {"runs": True}
        made_by = source.manifest.build
        reference = load_engine(source.path, made_by.backend if made_by else DEFAULT_BACKEND)
        try:
            threshold = reference.manifest.threshold
            found = agreement_of(reference, engine, held_out, threshold.value if threshold else None)
        finally:
            reference.close()
    finally:
        engine.close()
    print(f"  {found.text()}")
    return {"runs": True, "agreement": found.figures()}
