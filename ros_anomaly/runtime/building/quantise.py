"""int8 by Q/DQ nodes: ONNX Runtime's own static quantiser over the convolutions of an exported network."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sized
from pathlib import Path

import numpy as np

from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.session import INPUT_NAME

FEWEST_IMAGES = 8
_SHARE_OF_CALIBRATION = 0.8
_IMAGES_HALF_WAY = 32


def quantised(
    onnx_file: Path, size: tuple[int, int], images: Iterable[np.ndarray], progress: Callable[[float], None]
) -> bytes:
    """The network with Q and DQ nodes before its convolutions, as ONNX.

    Convolutions are where the time goes. Attention, the heads and all that follows the masks stay as they are, as do
    depthwise convolutions: a small part of the time, and most of the error.
    Weights are int8 a channel, activations int8 a tensor, both symmetric (zero point 0), which is what TensorRT takes.
    Only what goes into a convolution is quantised: what comes out of it is soon clipped, and a range taken before the
    clipping would waste most of the 256 steps. Ranges are the smallest and largest values over the images.

    Args:
        size: (height, width) of the network's input.
        images: uint8 [H, W, 3] RGB of that size, such as the camera gives; read once.
        progress: told the share done; what it raises ends the work and passes.

    Raises:
        EngineError: fewer than ``FEWEST_IMAGES`` images, one of another size, or a network that cannot be quantised,
            such as one without convolutions.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    reader = _Reader(images, size, progress)
    with tempfile.TemporaryDirectory(prefix="ros_anomaly-int8-") as folder:
        inferred, result = Path(folder, "inferred.onnx"), Path(folder, "int8.onnx")
        try:
            # Shapes alone: the network was simplified when it was exported.
            quant_pre_process(str(onnx_file), str(inferred), skip_optimization=True, skip_symbolic_shape=True)
            quantize_static(
                str(inferred),
                str(result),
                reader,
                quant_format=QuantFormat.QDQ,
                nodes_to_quantize=_named_convolutions(inferred),
                op_types_to_quantize=["Conv"],
                per_channel=True,
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
                extra_options={
                    "ActivationSymmetric": True,
                    "WeightSymmetric": True,
                    "QuantizeBias": False,
                    "OpTypesToExcludeOutputQuantization": ["Conv"],
                },
            )
        except _BadImages as error:
            raise EngineError(str(error)) from None
        except Exception as error:
            if error is reader.passes:
                raise
            # Where they cannot cope quantiser, ONNX Runtime and onnx raise what has no common base.
            raise EngineError(f"{onnx_file}: expected a network that can be quantised, found: {error}") from error
        reader.check_enough()
        progress(1.0)
        return result.read_bytes()


def _named_convolutions(onnx_file: Path) -> list[str]:
    """Names of the convolutions over all channels; given to those that had none, in the file."""
    import onnx

    model = onnx.load(str(onnx_file))
    names = []
    for number, node in enumerate(model.graph.node):
        groups = [attribute.i for attribute in node.attribute if attribute.name == "group"] or [1]
        if node.op_type == "Conv" and groups == [1]:
            node.name = node.name or f"conv_{number}"
            names.append(node.name)
    if not names:
        raise ValueError("expected convolutions over all channels, found none")
    onnx.save(model, str(onnx_file))
    return names


class _BadImages(Exception):
    """The images are not what they must be."""


class _Reader:
    """The images as the quantiser asks for them.

    Attributes:
        passes: what the images or ``progress`` raised: no fault of the network, and none of ours to change.
    """

    def __init__(self, images: Iterable[np.ndarray], size: tuple[int, int], progress: Callable[[float], None]) -> None:
        self._images: Iterator[np.ndarray] = iter(images)
        self._expected = len(images) if isinstance(images, Sized) else None
        self._size = size
        self._progress = progress
        self._count = 0
        self.passes: Exception | None = None

    def get_next(self) -> dict[str, np.ndarray] | None:
        """Inputs of the next run, None at the end."""
        try:
            return self._next()
        except Exception as error:
            self.passes = error
            raise

    def _next(self) -> dict[str, np.ndarray] | None:
        image = next(self._images, None)
        if image is None:
            self.check_enough()
            return None
        if image.dtype != np.uint8 or image.shape != (*self._size, 3):
            raise _BadImages(
                f"calibration image {self._count}: expected uint8 {[*self._size, 3]}, "
                f"found {image.dtype} {list(image.shape)}"
            )
        self._count += 1
        total = self._expected or self._count + _IMAGES_HALF_WAY
        self._progress(_SHARE_OF_CALIBRATION * min(self._count / total, 1.0))
        return {INPUT_NAME: np.ascontiguousarray(image)}

    def check_enough(self) -> None:
        if self._count < FEWEST_IMAGES:
            raise _BadImages(f"int8: expected at least {FEWEST_IMAGES} images to calibrate on, found {self._count}")
