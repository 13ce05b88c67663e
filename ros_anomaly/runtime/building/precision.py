"""The network of an engine in another precision, before it is compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from ros_anomaly.runtime.building.options import Precision
from ros_anomaly.runtime.building.source import Source
from ros_anomaly.runtime.errors import EngineError


def in_precision(
    source: Source,
    precision: Precision,
    images: Iterable[np.ndarray],
    export: Callable[[Source], bytes] | None,
    progress: Callable[[float], None],
) -> bytes:
    """The network of ``source``, a file of its role, in another precision than its own.

    Args:
        images: uint8 [H, W, 3] RGB of the network's size that int8 is calibrated on.
        export: makes it in half precision, where there is one who can.

    Raises:
        EngineError: there is no way from the one precision to the other, or no images.
    """
    found = source.manifest.precision
    if precision is Precision.INT8 and found is Precision.FP32 and source.role == "onnx":
        from ros_anomaly.runtime.building.quantise import quantised

        return quantised(source.file(), source.manifest.input_size, images, progress)
    if precision is Precision.FP16 and found is Precision.FP32 and export is not None:
        progress(0.0)
        return export(source)
    raise EngineError(
        f"{source.path}: expected a network in {precision.value} (role {source.role}), found one in {found.value}; "
        f"{way_to(precision, source.role)}"
    )


def way_to(precision: Precision, role: str) -> str:
    """How a user comes to a file of a role, ``onnx`` or ``torch_program``, in a precision that cannot be made here."""
    if precision is not Precision.INT8:
        program = " --program" if role == "torch_program" else ""
        return f"export it with ros-anomaly-export-network --precision {precision.value}{program}"
    if role == "torch_program":
        return "there are torch programs in fp32 and fp16 alone"
    return "int8 is made from an engine in fp32 alone"
