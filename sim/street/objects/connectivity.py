"""Connected parts of a graph, without leaving numpy."""

from __future__ import annotations

import numpy as np


def connected_labels(count: int, edges: np.ndarray) -> np.ndarray:
    """int64 [count] label of each node's connected part: the smallest node in it. ``edges`` int64 [e, 2]."""
    label = np.arange(count)
    first, second = edges[:, 0], edges[:, 1]
    while len(first):
        low = np.minimum(label[first], label[second])
        np.minimum.at(label, label[first], low)
        np.minimum.at(label, label[second], low)
        while True:
            shorter = label[label]
            if np.array_equal(shorter, label):
                break
            label = shorter
        differs = label[first] != label[second]
        first, second = first[differs], second[differs]
    return label


def triangle_edges(triangles: np.ndarray) -> np.ndarray:
    """int64 [e, 2] unique edges, smaller index first, of triangles int64 [t, 3]."""
    edges = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    packed = np.unique((edges[:, 0] << 32) + edges[:, 1])
    return np.stack([packed >> 32, packed & 0xFFFFFFFF], axis=1)
