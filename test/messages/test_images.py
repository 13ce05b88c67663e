"""Image messages to arrays and back, and what is refused."""

from __future__ import annotations

import array
import sys

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from ros_anomaly.messages import images
from ros_anomaly.messages.images import ImageError

RNG = np.random.default_rng(7)
RGB = RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)
ALPHA = np.full((6, 8, 1), 200, np.uint8)
GREY = RNG.integers(0, 256, (6, 8), dtype=np.uint8)
SMOOTH = cv2.resize(RNG.integers(40, 216, (3, 4, 3), dtype=np.uint8), (64, 48), interpolation=cv2.INTER_CUBIC)


def message_of(pixels: np.ndarray, encoding: str, padding: int = 0, height: int | None = None) -> Image:
    rows = pixels.reshape(pixels.shape[0], -1).view(np.uint8)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=99)
    message = Image(encoding=encoding, height=height or pixels.shape[0], width=pixels.shape[1])
    message.step = rows.shape[1]
    message.data = array.array("B", rows.tobytes())
    return message


@pytest.mark.parametrize("padding", [0, 12])
@pytest.mark.parametrize(
    ("encoding", "pixels", "expected"),
    [
        ("rgb8", RGB, RGB),
        ("bgr8", RGB[..., ::-1], RGB),
        ("8UC3", RGB[..., ::-1], RGB),
        ("rgba8", np.dstack([RGB, ALPHA]), RGB),
        ("bgra8", np.dstack([RGB[..., ::-1], ALPHA]), RGB),
        ("8UC4", np.dstack([RGB[..., ::-1], ALPHA]), RGB),
        ("mono8", GREY, np.dstack([GREY] * 3)),
        ("mono16", GREY.astype(np.uint16) * 257, np.dstack([GREY] * 3)),
        ("rgb16", RGB.astype(np.uint16) * 257, RGB),
        ("bgr16", RGB[..., ::-1].astype(np.uint16) * 257, RGB),
    ],
)
def test_plain_encodings_give_the_same_pixels(encoding, pixels, expected, padding):
    rgb = images.rgb_from_message(message_of(np.ascontiguousarray(pixels), encoding, padding))
    assert rgb.dtype == np.uint8 and rgb.flags.c_contiguous and not rgb.flags.writeable
    np.testing.assert_array_equal(rgb, expected)


@pytest.mark.parametrize("padding", [0, 6])
@pytest.mark.parametrize(
    ("encoding", "sites"),
    [
        ("bayer_rggb8", [[0, 1], [1, 2]]),
        ("bayer_bggr8", [[2, 1], [1, 0]]),
        ("bayer_gbrg8", [[1, 2], [0, 1]]),
        ("bayer_grbg8", [[1, 0], [2, 1]]),
    ],
)
def test_bayer_patterns_put_each_colour_where_it_belongs(encoding, sites, padding):
    colour = np.array([200, 120, 40], np.uint8)
    mosaic = colour[np.tile(np.array(sites), (4, 4))]
    rgb = images.rgb_from_message(message_of(mosaic, encoding, padding))
    np.testing.assert_array_equal(rgb, np.broadcast_to(colour, (8, 8, 3)))


def _packed_422(rgb: np.ndarray, order: str) -> np.ndarray:
    yuv = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    height, width = rgb.shape[:2]
    luma = yuv[:height]
    u = yuv[height : height + height // 4].reshape(height // 2, width // 2).repeat(2, 0)
    v = yuv[height + height // 4 :].reshape(height // 2, width // 2).repeat(2, 0)
    chroma = np.stack([u, v], -1).reshape(height, width)
    return np.stack([chroma, luma] if order == "uyvy" else [luma, chroma], -1)


def _nv12(rgb: np.ndarray, swap: bool) -> np.ndarray:
    yuv = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    height, width = rgb.shape[:2]
    planes = yuv[height:].reshape(2, height // 2, width // 2)[:: -1 if swap else 1]
    return np.vstack([yuv[:height], np.stack([planes[0], planes[1]], -1).reshape(height // 2, width)])


@pytest.mark.parametrize("padding", [0, 8])
@pytest.mark.parametrize(
    ("encoding", "pixels"),
    [
        ("uyvy", _packed_422(SMOOTH, "uyvy")),
        ("yuv422", _packed_422(SMOOTH, "uyvy")),
        ("yuyv", _packed_422(SMOOTH, "yuyv")),
        ("yuv422_yuy2", _packed_422(SMOOTH, "yuyv")),
        ("nv12", _nv12(SMOOTH, False)),
        ("nv21", _nv12(SMOOTH, True)),
    ],
)
def test_subsampled_encodings_come_close(encoding, pixels, padding):
    rgb = images.rgb_from_message(message_of(pixels, encoding, padding, height=SMOOTH.shape[0]))
    assert rgb.shape == SMOOTH.shape
    assert np.abs(rgb.astype(int) - SMOOTH).mean() < 6
    assert np.abs(rgb[..., ::-1].astype(int) - SMOOTH).mean() > 12, "channels swapped would have passed, too"


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "bgra8", "mono8", "bayer_rggb8", "bayer_grbg8", "yuv422"])
def test_agrees_with_the_library_that_others_use(encoding):
    """Held to rosbags-image or cv_bridge, whichever is installed."""
    channels = {"rgb8": 3, "bgr8": 3, "bgra8": 4, "yuv422": 2}.get(encoding, 1)
    pixels = RNG.integers(0, 256, (16, 16, channels), dtype=np.uint8).squeeze()
    message = message_of(pixels, encoding)
    try:
        from rosbags.image import message_to_cvimage

        expected = message_to_cvimage(message, "rgb8")
    except ImportError:
        bridge = pytest.importorskip("cv_bridge", reason="neither rosbags-image nor cv_bridge is installed")
        expected = bridge.CvBridge().imgmsg_to_cv2(message, "rgb8")
    np.testing.assert_array_equal(images.rgb_from_message(message), expected)


def _broken(**changes) -> Image:
    message = message_of(RGB, "rgb8")
    for name, value in changes.items():
        setattr(message, name, value)
    return message


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (_broken(encoding="rgb9"), r"expected one of rgb8.*found 'rgb9'"),
        (_broken(encoding=""), "found ''"),
        (_broken(encoding="32FC1"), "found '32FC1'"),
        (_broken(width=0), "at least 1x1, found 0x6"),
        (_broken(height=0), "at least 1x1, found 8x0"),
        (_broken(step=0), "at least 24 bytes .* found 0"),
        (_broken(step=23), "at least 24 bytes .* found 23"),
        (_broken(data=array.array("B")), "expected 144 bytes .* found 0"),
        (_broken(data=array.array("B", bytes(143))), "expected 144 bytes .* found 143"),
        (_broken(height=2**31), "found 144"),
        (_broken(width=2**31), "step: expected"),
        (_broken(encoding="rgb16", step=48), "expected 288 bytes .* found 144"),
        (_broken(encoding="rgb16", step=49), "multiple of 2, found 49"),
        (_broken(encoding="rgb16", step=48, is_bigendian=int(sys.byteorder == "little")), "endian samples, found"),
        (_broken(encoding="yuv422", width=7), "even width, found 7"),
        (_broken(encoding="nv12", height=5), "even sides, found 8x5"),
    ],
)
def test_bad_images_are_refused_with_expected_and_found(message, says):
    with pytest.raises(ImageError, match=says):
        images.rgb_from_message(message)


def test_byte_order_of_single_bytes_does_not_matter():
    np.testing.assert_array_equal(images.rgb_from_message(_broken(is_bigendian=1)), RGB)


def test_missing_padding_of_the_last_row_is_fine():
    message = message_of(RGB, "rgb8", padding=5)
    message.data = message.data[:-5]
    np.testing.assert_array_equal(images.rgb_from_message(message), RGB)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_compressed_images(suffix):
    data = cv2.imencode(suffix, SMOOTH[..., ::-1])[1].tobytes()
    for tail in (b"", b"\0" * 7):  # some drivers send their whole buffer
        rgb = images.rgb_from_message(CompressedImage(format="x", data=array.array("B", data + tail)))
        assert np.abs(rgb.astype(int) - SMOOTH).mean() < 4


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("keep", [0, 1, 20, 0.5, -4])
def test_compressed_images_cut_short_are_refused(suffix, keep):
    data = cv2.imencode(suffix, SMOOTH[..., ::-1])[1].tobytes()
    cut = data[: int(keep * len(data)) if isinstance(keep, float) else keep]
    with pytest.raises(ImageError, match="expected .* found"):
        images.rgb_from_message(CompressedImage(format="jpeg", data=array.array("B", cut)))


def test_compressed_images_that_are_damaged_or_no_picture_are_refused():
    for data in (b"hello, this is text", b"\xff\xd8" + bytes(50) + b"\xff\xd9"):
        with pytest.raises(ImageError, match="expected"):
            images.rgb_from_message(CompressedImage(format="jpeg", data=array.array("B", data)))


@pytest.mark.parametrize(
    ("encoding", "dtype", "read"),
    [
        ("mono8", np.uint8, images.class_ids_from_image),
        ("16UC1", np.uint16, images.instance_ids_from_image),
        ("32FC1", np.float32, images.plane_from_image),
    ],
)
def test_planes_survive_the_way_there_and_back(encoding, dtype, read):
    plane = (RNG.random((5, 7)) * 200).astype(dtype)
    header = Header(frame_id="camera")
    header.stamp.sec = 12
    message = images.image_message(plane[::-1], encoding, header)  # also where the rows are not contiguous
    assert (message.height, message.width, message.encoding, message.step) == (5, 7, encoding, 7 * plane.itemsize)
    assert len(message.data) == message.step * message.height and message.header == header
    np.testing.assert_array_equal(read(message), plane[::-1])


def test_rgb_goes_out_and_comes_back():
    message = images.image_message(RGB[:, ::2], "rgb8", Header())
    np.testing.assert_array_equal(images.rgb_from_message(message), RGB[:, ::2])


@pytest.mark.parametrize(
    ("pixels", "encoding"),
    [(RGB, "mono8"), (GREY, "rgb8"), (GREY, "32FC1"), (GREY[:0], "mono8"), (GREY, "bgr8"), (RGB[..., :2], "rgb8")],
)
def test_outgoing_arrays_must_fit_the_encoding(pixels, encoding):
    with pytest.raises(ImageError, match="expected .* found"):
        images.image_message(pixels, encoding, Header())


def test_class_ids_must_be_mono8():
    with pytest.raises(ImageError, match="expected one of mono8, 8UC1, found 'rgb8'"):
        images.class_ids_from_image(message_of(RGB, "rgb8"))


def test_jpeg_overlay():
    message = images.jpeg_message(SMOOTH, Header(frame_id="camera"), quality=95)
    assert message.format == "jpeg" and message.header.frame_id == "camera"
    assert np.abs(images.rgb_from_message(message).astype(int) - SMOOTH).mean() < 4
    with pytest.raises(ImageError, match="expected non-empty uint8"):
        images.jpeg_message(GREY, Header())


def test_compressed_image_whose_header_names_an_enormous_size_is_refused():
    """OpenCV raises an error of its own here instead of giving nothing."""
    data = bytearray(cv2.imencode(".jpg", SMOOTH)[1].tobytes())
    size_at = data.find(b"\xff\xc0") + 5  # frame header: marker, length, precision, then height and width
    data[size_at : size_at + 4] = (65500).to_bytes(2, "big") * 2
    with pytest.raises(ImageError, match="expected decodable data, found .* OpenCV refuses"):
        images.rgb_from_compressed(CompressedImage(format="jpeg", data=bytes(data)))
