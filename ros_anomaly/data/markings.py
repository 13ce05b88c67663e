"""Marks on the road: painted arrows, bars, letters and diamonds, and patches of other asphalt.

They are rare in any training set and look like nothing else there, so a network that was taught unknown objects takes
them for such, in the middle of its own lane. They are flat: a mark is a picture of the ground, seen in perspective.
"""

from __future__ import annotations

import cv2
import numpy as np

from ros_anomaly.data.augment import log_uniform
from ros_anomaly.data.labels import ClassSet
from ros_anomaly.data.placement import StreetPlacement

_CELLS_PER_M = 40
_DISTANCE_M = (4.0, 40.0)
_OWN_LANE_M = 1.2
_SIDE_M = 7.0
_MOST = 3
_PATCH_SHARE = 0.35
_LEAST_PX = 12  # of the road under a mark; less says nothing


def paint_markings(
    image: np.ndarray, class_ids: np.ndarray, camera: StreetPlacement, classes: ClassSet, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Copies of a frame with one to three marks on its road, labelled ``road_line`` where the classes have that.

    Patches stay road. Only pixels of the road change. A frame without one, and classes without a class ``road``, come
    back as they are.

    Args:
        image: uint8 [H, W, 3]. class_ids: uint8 [H, W]. Neither is changed.
        camera: its height, horizon and focal length.
    """
    if "road" not in classes.names:
        return image, class_ids
    road = class_ids == classes.names.index("road")
    if np.count_nonzero(road) < _LEAST_PX:
        return image, class_ids
    image, class_ids = image.copy(), class_ids.copy()
    line = classes.names.index("road_line") if "road_line" in classes.names else None
    paint = _paint(image, road, class_ids == line if line is not None else None, rng)
    for _ in range(int(rng.integers(1, _MOST + 1))):
        if rng.random() < _PATCH_SHARE:
            cover = np.where(road, _seen(_patch(rng), class_ids.shape, camera, rng), 0.0)[..., None]
            other = image * _patch_brightness(rng)
            image[:] = np.clip(image * (1 - cover) + other * cover + 0.5, 0, 255).astype(np.uint8)
            continue
        cover = np.where(road, _seen(_mark(rng), class_ids.shape, camera, rng), 0.0)
        if np.count_nonzero(cover > 0.5) < _LEAST_PX:
            continue
        opacity = (cover * rng.uniform(0.6, 1.0))[..., None]
        image[:] = np.clip(image * (1 - opacity) + paint * opacity + 0.5, 0, 255).astype(np.uint8)
        if line is not None:
            class_ids[cover > 0.5] = line
    return image, class_ids


def _paint(image: np.ndarray, road: np.ndarray, lines: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """float [3]: mostly the colour that this frame's lines have in its light."""
    if lines is not None and np.count_nonzero(lines) >= _LEAST_PX and rng.random() < 0.75:
        return np.asarray(np.median(image[lines], axis=0) * rng.uniform(0.85, 1.15))
    tint = np.array([1.0, 0.8, 0.35]) if rng.random() < 0.2 else np.ones(3)
    return np.asarray(np.minimum(np.median(image[road], axis=0) * rng.uniform(1.5, 2.6), 250.0) * tint)


def _seen(mark: np.ndarray, size: tuple[int, ...], camera: StreetPlacement, rng: np.random.Generator) -> np.ndarray:
    """Cover 0..1, float32 [H, W], of a mark (float32, seen from above, far end first) somewhere on flat ground."""
    height, width = size[0], size[1]
    near = log_uniform(_DISTANCE_M, rng)
    aside = rng.uniform(-_OWN_LANE_M, _OWN_LANE_M) if rng.random() < 0.6 else rng.uniform(-_SIDE_M, _SIDE_M)
    half_w, length = mark.shape[1] / _CELLS_PER_M / 2, mark.shape[0] / _CELLS_PER_M
    yaw = rng.normal(0, 0.06)
    ground = np.array([(-half_w, length), (half_w, length), (half_w, 0.0), (-half_w, 0.0)])
    x = aside + ground[:, 0] * np.cos(yaw) + ground[:, 1] * np.sin(yaw)
    z = near + ground[:, 1] * np.cos(yaw) - ground[:, 0] * np.sin(yaw)
    z = np.maximum(z, 0.5)  # behind the camera there is no picture
    focal = camera.focal * width
    corners = np.stack([width / 2 + focal * x / z, camera.horizon * height + focal * camera.camera_height_m / z], 1)
    rows, columns = mark.shape
    flat = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], np.float32)
    matrix = cv2.getPerspectiveTransform(flat, corners.astype(np.float32))
    # Far marks are much smaller than their picture; blurred before, they are averaged as a camera would.
    shrink = _CELLS_PER_M * near / focal
    if shrink > 1.5:
        mark = cv2.GaussianBlur(mark, (0, 0), 0.4 * shrink)
    return np.asarray(cv2.warpPerspective(mark, matrix, (width, height), flags=cv2.INTER_LINEAR), np.float32)


def _mark(rng: np.random.Generator) -> np.ndarray:
    """float32 [rows, columns] 0..1, a mark seen from above, worn in places."""
    kind = rng.random()
    if kind < 0.6:
        mark = _arrow(rng)
    elif kind < 0.75:
        mark = np.full(_cells(rng.uniform(0.1, 1.0), rng.uniform(0.3, 4.0)), 1.0, np.float32)
    elif kind < 0.9:
        mark = _letters(rng)
    else:
        mark = _diamond(rng)
    if rng.random() < 0.5:
        coarse = rng.random((max(2, mark.shape[0] // 8), max(2, mark.shape[1] // 8))).astype(np.float32)
        worn = cv2.resize(coarse, (mark.shape[1], mark.shape[0]), interpolation=cv2.INTER_LINEAR)
        mark = mark * np.clip(1.5 - rng.uniform(0.2, 1.2) * worn, 0, 1)
    return np.asarray(mark, np.float32)


def _patch(rng: np.random.Generator) -> np.ndarray:
    """A rectangle, up to the width of a lane, rarely with a soft edge."""
    cover = np.ones(_cells(rng.uniform(0.6, 8.0), rng.uniform(0.4, 3.2)), np.float32)
    if rng.random() >= 0.25:
        return cover
    wider = cv2.copyMakeBorder(cover, 8, 8, 8, 8, cv2.BORDER_CONSTANT, value=(0.0,))
    return np.asarray(cv2.GaussianBlur(wider, (0, 0), 4.0), np.float32)


def _patch_brightness(rng: np.random.Generator) -> float:
    """Factor: fresh asphalt is darker than old, concrete lighter."""
    return float(rng.uniform(0.55, 0.9) if rng.random() < 0.75 else rng.uniform(1.1, 1.3))


def _cells(length_m: float, width_m: float) -> tuple[int, int]:
    return max(2, round(length_m * _CELLS_PER_M)), max(2, round(width_m * _CELLS_PER_M))


def _arrow(rng: np.random.Generator) -> np.ndarray:
    """Straight on, to a side, or both; 2.5 to 6 m long, the head first; a fifth points towards the camera."""
    length, width = rng.uniform(2.5, 6.0), rng.uniform(0.6, 1.6)
    rows, columns = _cells(length, width)
    mark = np.zeros((rows, columns), np.float32)
    shaft = rng.uniform(0.12, 0.3) / width
    left, right = 0.5 - shaft / 2, 0.5 + shaft / 2
    head = rng.uniform(0.2, 0.45)
    polygons = []
    straight, turned = ((True, False), (False, True), (True, True))[rng.choice(3, p=[0.6, 0.25, 0.15])]
    if straight:
        polygons += [[(left, 1), (right, 1), (right, head), (left, head)], [(0, head), (1, head), (0.5, 0)]]
    if turned:
        at = rng.uniform(0.25, 0.5)
        thick = shaft * width / length
        polygons += [
            [(left, 1), (right, 1), (right, at), (left, at)],
            [(left, at), (0.7, at), (0.7, at + thick), (left, at + thick)],
        ]
        polygons += [[(0.7, at - 0.12), (1, at + thick / 2), (0.7, at + thick + 0.12)]]
    for polygon in polygons:
        points = np.array([(x * (columns - 1), y * (rows - 1)) for x, y in polygon])
        cv2.fillPoly(mark, [np.rint(points).astype(np.int32)], (1.0,))
    if rng.random() < 0.5:
        mark = mark[:, ::-1]
    return np.ascontiguousarray(mark[::-1] if rng.random() < 0.2 else mark)


def _letters(rng: np.random.Generator) -> np.ndarray:
    """One to five letters or digits, stretched as they are painted for drivers."""
    text = "".join(chr(code) for code in rng.choice([*range(48, 58), *range(65, 91)], int(rng.integers(1, 6))))
    size, _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 2.0, 8)
    mark = np.zeros((size[1] + 16, size[0] + 16), np.uint8)
    cv2.putText(mark, text, (8, size[1] + 8), cv2.FONT_HERSHEY_SIMPLEX, 2.0, (255,), 8)
    rows, columns = _cells(rng.uniform(1.0, 4.0), rng.uniform(0.5, 0.9) * len(text))
    return np.asarray(cv2.resize(mark, (columns, rows), interpolation=cv2.INTER_AREA), np.float32) / 255.0


def _diamond(rng: np.random.Generator) -> np.ndarray:
    """Filled or a ring."""
    rows, columns = _cells(rng.uniform(1.0, 3.0), rng.uniform(0.6, 1.4))
    mark = np.zeros((rows, columns), np.float32)
    points = np.array([(columns // 2, 0), (columns - 1, rows // 2), (columns // 2, rows - 1), (0, rows // 2)], np.int32)
    if rng.random() < 0.5:
        cv2.fillPoly(mark, [points], (1.0,))
    else:
        cv2.polylines(mark, [points], True, (1.0,), max(2, columns // 6))
    return mark
