"""The one door between ROS image messages and arrays: every node, bag reader and tool converts here.

What arrives is checked before it is believed. Conversion is OpenCV's alone, so that a virtual environment and a ROS
install give the same pixels, and no second OpenCV (cv_bridge's) has to agree with the first.
"""

from __future__ import annotations

import array
import math
import sys
from collections.abc import Mapping
from types import MappingProxyType

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from ros_anomaly.messages.encodings import COLOUR_ENCODINGS, PLANE_ENCODINGS, Encoding

_DTYPE_OF_ENCODING: Mapping[str, np.dtype] = MappingProxyType(
    {name: encoding.sample for name, encoding in PLANE_ENCODINGS.items()} | {"rgb8": np.dtype(np.uint8)}
)
_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_PNG_START, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
_TAIL_BYTES = 256


class ImageError(ValueError):
    """An image message that cannot be read; the message names what was expected and what was found."""


def rgb_from_image(message: Image) -> np.ndarray:
    """uint8 [H, W, 3] RGB of a colour or grey image message.

    Read-only, and where the data already lies so a view of ``message.data``: valid while the message is.
    16-bit samples are scaled to 8. Images are taken as they are: neither rectified nor resized.

    Raises:
        ImageError: unknown encoding, size 0, short data, impossible step, foreign byte order.
    """
    encoding = _known(message, COLOUR_ENCODINGS)
    if encoding.rows_per_height != 1.0 and (message.height % 2 or message.width % 2):
        raise ImageError(f"{message.encoding} image: expected even sides, found {message.width}x{message.height}")
    if encoding.channels == 2 and message.width % 2:
        raise ImageError(f"{message.encoding} image: expected an even width, found {message.width}")
    samples = _samples(message, encoding)
    if encoding.sample.itemsize == 2 and encoding.to_rgb is None:
        samples = _to_8_bits(samples)
    elif encoding.to_rgb is not None:
        try:
            samples = cv2.cvtColor(samples, encoding.to_rgb)
        except cv2.error as error:
            raise ImageError(
                f"{message.encoding} image of {message.width}x{message.height}: OpenCV cannot convert it ({error.err})"
            ) from None
        samples = _to_8_bits(samples)
    rgb: np.ndarray = np.ascontiguousarray(samples)
    rgb.flags.writeable = False
    return rgb


def rgb_from_compressed(message: CompressedImage) -> np.ndarray:
    """uint8 [H, W, 3] RGB of a JPEG or PNG message, read-only; orientation tags are ignored.

    A picture that was cut short is refused: decoders fill the missing part with grey, which looks like a view.

    Raises:
        ImageError: empty, cut short, another format, damaged, or larger than OpenCV decodes.
    """
    data = np.frombuffer(message.data, np.uint8)
    head, tail = data[:8].tobytes(), data[-_TAIL_BYTES:].tobytes()
    if head.startswith(_JPEG_START):
        whole = tail.rstrip(b"\0").endswith(_JPEG_END)
    elif head.startswith(_PNG_START):
        whole = tail.rstrip(b"\0").endswith(_PNG_END)
    else:
        raise ImageError(
            f"compressed image: expected JPEG or PNG data, found {len(data)} bytes of format {message.format!r} "
            f"that begin with {head.hex() or 'nothing'}"
        )
    if not whole:
        raise ImageError(f"compressed image: expected data up to its end marker, found {len(data)} bytes cut short")
    try:
        bgr = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:  # a header that names a size beyond OpenCV's limits
        raise ImageError(
            f"compressed image: expected decodable data, found {len(data)} bytes that OpenCV refuses ({error.err})"
        ) from None
    if bgr is None:
        raise ImageError(f"compressed image: expected decodable data, found {len(data)} damaged bytes")
    rgb: np.ndarray = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    rgb.flags.writeable = False
    return rgb


def rgb_from_message(message: Image | CompressedImage) -> np.ndarray:
    """``rgb_from_image`` or ``rgb_from_compressed``, by the message's kind (also of messages read by rosbags)."""
    if hasattr(message, "encoding"):
        return rgb_from_image(message)
    return rgb_from_compressed(message)


def plane_from_image(message: Image, *encodings: str) -> np.ndarray:
    """[H, W] samples of a single-plane image (mask, ids, score) as a read-only view; of ``encodings`` only, if given.

    mono8 gives uint8, 16UC1 and mono16 uint16, 32FC1 float32. ImageError as ``rgb_from_image``.
    """
    allowed = {name: PLANE_ENCODINGS[name] for name in encodings} or PLANE_ENCODINGS
    plane = _samples(message, _known(message, allowed))
    plane.flags.writeable = False
    return plane


def class_ids_from_image(message: Image) -> np.ndarray:
    """uint8 [H, W] class ids of a mono8 ground truth image; ImageError as ``rgb_from_image``."""
    return plane_from_image(message, "mono8", "8UC1")


def instance_ids_from_image(message: Image) -> np.ndarray:
    """uint16 [H, W] instance ids of a 16UC1 ground truth image; ImageError as ``rgb_from_image``."""
    return plane_from_image(message, "16UC1", "mono16")


def image_message(pixels: np.ndarray, encoding: str, header: Header) -> Image:
    """Image message of an array: ``rgb8`` [H, W, 3], or ``mono8``, ``16UC1``, ``32FC1`` … [H, W].

    Raises:
        ImageError: dtype or shape is not the encoding's.
    """
    dtype = _DTYPE_OF_ENCODING.get(encoding)
    if dtype is None:
        raise ImageError(f"outgoing encoding: expected one of {', '.join(_DTYPE_OF_ENCODING)}, found {encoding!r}")
    sides = 3 if encoding == "rgb8" else 2
    if pixels.dtype != dtype or pixels.ndim != sides or (sides == 3 and pixels.shape[2] != 3) or not pixels.size:
        shape = "[H, W, 3]" if sides == 3 else "[H, W]"
        raise ImageError(f"{encoding}: expected non-empty {dtype} {shape}, found {pixels.dtype} {pixels.shape}")
    message = Image(header=header, encoding=encoding, is_bigendian=int(sys.byteorder == "big"))
    message.height, message.width = pixels.shape[:2]
    message.step = pixels[0].nbytes
    message.data = _byte_array(np.ascontiguousarray(pixels))
    return message


def jpeg_message(rgb: np.ndarray, header: Header, quality: int = 80) -> CompressedImage:
    """JPEG message of a uint8 [H, W, 3] RGB picture; ``quality`` 1 to 100. ImageError where OpenCV cannot encode it."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
        raise ImageError(f"picture: expected non-empty uint8 [H, W, 3], found {rgb.dtype} {rgb.shape}")
    done, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ImageError(f"picture of {rgb.shape[1]}x{rgb.shape[0]}: OpenCV cannot encode it as JPEG")
    return CompressedImage(header=header, format="jpeg", data=_byte_array(data))


def _known(message: Image, encodings: Mapping[str, Encoding]) -> Encoding:
    encoding = encodings.get(message.encoding)
    if encoding is None:
        raise ImageError(f"image encoding: expected one of {', '.join(encodings)}, found {message.encoding!r}")
    return encoding


def _samples(message: Image, encoding: Encoding) -> np.ndarray:
    """Checked view of the data: [rows, W] or [rows, W, channels]."""
    width, height, step = message.width, message.height, message.step
    if not (width and height):
        raise ImageError(f"image size: expected at least 1x1, found {width}x{height}")
    size = encoding.sample.itemsize
    row_bytes = width * encoding.channels * size
    if step < row_bytes or step % size:
        raise ImageError(
            f"image step: expected at least {row_bytes} bytes for {width} pixels of {message.encoding} "
            f"and a multiple of {size}, found {step}"
        )
    if size > 1 and bool(message.is_bigendian) != (sys.byteorder == "big"):
        found = "big" if message.is_bigendian else "little"
        raise ImageError(f"{message.encoding} image: expected {sys.byteorder}-endian samples, found {found}-endian")
    rows = math.ceil(height * encoding.rows_per_height)
    data = np.frombuffer(message.data, np.uint8)
    needed = step * (rows - 1) + row_bytes  # the padding of the last row may be missing
    if len(data) < needed:
        raise ImageError(
            f"image data: expected {needed} bytes for {width}x{height} {message.encoding} with step {step}, "
            f"found {len(data)}"
        )
    shape: tuple[int, ...] = (rows, width) if encoding.channels == 1 else (rows, width, encoding.channels)
    strides: tuple[int, ...] = (step, encoding.channels * size, size)[: len(shape)]
    samples: np.ndarray = np.ndarray(shape, encoding.sample, buffer=data, strides=strides)
    return samples


def _to_8_bits(samples: np.ndarray) -> np.ndarray:
    # 257 = 65535 / 255: white stays white.
    return samples if samples.dtype == np.uint8 else (samples // 257).astype(np.uint8)


def _byte_array(pixels: np.ndarray) -> array.array[int]:
    # rclpy copies an array.array in one go; a numpy array or a list it checks byte by byte, 300 times slower.
    data = array.array("B")
    data.frombytes(pixels.data.cast("B"))
    return data
