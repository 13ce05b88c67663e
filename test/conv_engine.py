"""The toy engine's score made by a convolution, so that there is something to quantise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import helper
from toy_engine import make_toy_engine, save_graph

from ros_anomaly.data.labels import StreetClass
from ros_anomaly.runtime.manifest import file_entry, load_manifest

_CHANNELS = 8


def make_conv_engine(folder: Path, size: tuple[int, int] = (72, 128), name: str = "conv") -> Path:
    """As ``make_toy_engine``, without its not-a-numbers: 3x3 convolution, clip, depthwise and 1x1 convolution."""
    path = make_toy_engine(folder, size, name)
    cells = (size[0] // 4, size[1] // 4)
    spread = np.zeros((_CHANNELS, 3, 3, 3), np.float32)
    # Each channel sees magenta, (R + B) / 2 - G, a little weaker than the last.
    for channel in range(_CHANNELS):
        spread[channel, :, 1, 1] = np.array([0.5, -1.0, 0.5]) / 255 * (1 - channel / 16)
    depthwise = np.zeros((_CHANNELS, 1, 3, 3), np.float32)
    depthwise[:, 0, 1, 1] = 1
    gather = np.full((1, _CHANNELS, 1, 1), 1 / sum(1 - channel / 16 for channel in range(_CHANNELS)), np.float32)
    constants = {
        "spread_weights": spread,
        "depthwise_weights": depthwise,
        "gather_weights": gather,
        "low": np.float32(-2),
        "high": np.float32(2),
        "batch": np.array([0], np.int64),
        "to_hw": np.array(cells, np.int64),
        "road": np.full(cells, int(StreetClass.ROAD), np.uint8),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["rgb"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Transpose", ["rgb"], ["chw"], perm=[2, 0, 1]),
        helper.make_node("Unsqueeze", ["chw", "batch"], ["nchw"]),
        helper.make_node("Conv", ["nchw", "spread_weights"], ["spread"], pads=[1, 1, 1, 1]),
        helper.make_node("Clip", ["spread", "low", "high"], ["clipped"]),
        helper.make_node("Conv", ["clipped", "depthwise_weights"], ["kept"], pads=[1, 1, 1, 1], group=_CHANNELS),
        helper.make_node("Conv", ["kept", "gather_weights"], ["plane"]),
        helper.make_node("AveragePool", ["plane"], ["pooled"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Reshape", ["pooled", "to_hw"], ["score"]),
        helper.make_node("Identity", ["road"], ["class_ids"]),
    ]
    onnx_path = path.with_suffix(".onnx")
    save_graph(onnx_path, nodes, constants, size, {"score": (np.float32, cells), "class_ids": (np.uint8, cells)})
    replace(load_manifest(path), files={"onnx": file_entry(onnx_path)}).save(path)
    return path
