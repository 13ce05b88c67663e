"""A small ONNX engine that scores by colour: magenta is anomalous. For tests that need an engine, not a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ros_anomaly.data.labels import NUM_INLIER_CLASSES, StreetClass
from ros_anomaly.runtime.manifest import EngineKind, Manifest, file_entry
from ros_anomaly.runtime.threshold import Threshold
from ros_anomaly.scores.names import Aggregation

MAGENTA = (255, 0, 255)
GREY = (127, 127, 127)
NUM_QUERIES = 4
USUAL_SCORE = 0.25
"""A little above grey: what the manifest says of the ground of clear images, where it has a threshold above it."""
_OPSET = 18


def make_toy_engine(
    folder: Path,
    size: tuple[int, int] = (72, 128),
    name: str = "toy",
    threshold: float | None = 0.5,
    stride: int = 4,
) -> Path:
    """Write ``<name>.onnx`` and its manifest into ``folder``; return the manifest's path.

    The score of a cell is the mean over its pixels of (min(R, B) − G) / 255: 1 on magenta, 0 on grey, −1 on green.
    Class ids are road everywhere. A pure white image gives NaN scores, to try what becomes of them.

    Args:
        size: (height, width) of the input, divisible by ``stride``.
        threshold: in the manifest; None leaves the engine uncalibrated.
        stride: input pixels to a side of a score cell: 4, or 1 for a score map of image size.
    """
    cells = (size[0] // stride, size[1] // stride)
    constants = {
        "c0": np.float32(0),
        "c255": np.float32(255),
        "to_nchw": np.array([1, 1, *size], np.int64),
        "to_hw": np.array(cells, np.int64),
        "road": np.full(cells, int(StreetClass.ROAD), np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["rgb"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Split", ["rgb"], ["r", "g", "b"], axis=2, num_outputs=3),
        helper.make_node("Min", ["r", "b"], ["r_and_b"]),
        helper.make_node("Sub", ["r_and_b", "g"], ["magenta_255"]),
        helper.make_node("Div", ["magenta_255", "c255"], ["magenta"]),
        helper.make_node("Reshape", ["magenta", "to_nchw"], ["plane"]),
        helper.make_node("AveragePool", ["plane"], ["pooled"], kernel_shape=[stride] * 2, strides=[stride] * 2),
        helper.make_node("Reshape", ["pooled", "to_hw"], ["clean"]),
        # 0 / (255 - mean): nothing on every image but pure white, where it is 0 / 0.
        helper.make_node("ReduceMean", ["rgb"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["c255", "mean"], ["headroom"]),
        helper.make_node("Div", ["c0", "headroom"], ["poison"]),
        helper.make_node("Add", ["clean", "poison"], ["score"]),
        # TensorRT knows no bytes but what comes out of a cast.
        helper.make_node("Cast", ["road"], ["class_ids"], to=onnx.TensorProto.UINT8),
    ]
    onnx_path = folder / f"{name}.onnx"
    save_graph(onnx_path, nodes, constants, size, {"score": (np.float32, cells), "class_ids": (np.uint8, cells)})
    manifest = Manifest(
        name=name,
        kind=EngineKind.FUSED,
        input_size=size,
        output_size=cells,
        num_queries=NUM_QUERIES,
        files={"onnx": file_entry(onnx_path)},
        score="uno",
        aggregation=Aggregation.MASKS if stride == 4 else Aggregation.EXACT,
        thresholds={}
        if threshold is None
        else {"uno": Threshold(threshold, "set by a test", "none", usual_score=min(USUAL_SCORE, threshold - 0.05))},
        opset=_OPSET,
    )
    manifest.save(folder / f"{name}.json")
    return folder / f"{name}.json"


def make_toy_raw_engine(
    folder: Path, size: tuple[int, int] = (72, 128), name: str = "toy_raw", outlier_class: bool = True
) -> Path:
    """A raw engine of constant logits: query i is sure of class i, and its mask is the i-th quarter of the rows."""
    cells = (size[0] // 4, size[1] // 4)
    class_logits = np.zeros((NUM_QUERIES, NUM_INLIER_CLASSES + (2 if outlier_class else 1)), np.float32)
    class_logits[np.arange(NUM_QUERIES), np.arange(NUM_QUERIES)] = 10
    mask_logits = np.full((NUM_QUERIES, *cells), -10, np.float32)
    for query, rows in enumerate(np.array_split(np.arange(cells[0]), NUM_QUERIES)):
        mask_logits[query, rows] = 10
    constants = {"classes": class_logits, "masks": mask_logits}
    nodes = [
        helper.make_node("Identity", ["classes"], ["class_logits"]),
        helper.make_node("Identity", ["masks"], ["mask_logits"]),
    ]
    outputs = {"class_logits": (np.float32, class_logits.shape), "mask_logits": (np.float32, mask_logits.shape)}
    onnx_path = folder / f"{name}.onnx"
    save_graph(onnx_path, nodes, constants, size, outputs)
    Manifest(
        name=name,
        kind=EngineKind.RAW,
        input_size=size,
        output_size=cells,
        num_queries=NUM_QUERIES,
        files={"onnx": file_entry(onnx_path)},
        opset=_OPSET,
    ).save(folder / f"{name}.json")
    return folder / f"{name}.json"


def save_graph(path: Path, nodes, constants, size, outputs) -> None:
    """Write an ONNX file with the contract's input ``image`` of ``size`` and outputs {name: (dtype, shape)}."""
    graph = helper.make_graph(
        nodes,
        path.stem,
        inputs=[helper.make_tensor_value_info("image", onnx.TensorProto.UINT8, [*size, 3])],
        outputs=[
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), list(shape))
            for name, (dtype, shape) in outputs.items()
        ],
        initializer=[numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
