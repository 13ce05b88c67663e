"""Stored frames and what the default engine made of them; run this file to store them anew after the engine changed.

    python test/engine_reference.py FRAME_STORE      # e.g. RUN/frames/validation

The frames are rendered with models whose authors ATTRIBUTION.md names.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

FOLDER = Path(__file__).parent / "engines" / "reference"
FRAMES = 4


def frame_paths() -> list[Path]:
    """The stored frames."""
    return sorted(FOLDER.glob("*.png"))


def read_frame(path: Path) -> np.ndarray:
    """uint8 [H, W, 3] RGB."""
    return np.ascontiguousarray(cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1])


def stored_prediction(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Score float16 [h, w] and class ids uint8 [h, w] that belong to a stored frame."""
    with np.load(path.with_suffix(".npz")) as data:
        return data["score"], data["class_ids"]


def store(frame_store: Path) -> None:
    """Replace the stored frames, with the default engine's predictions.

    Of every quarter of ``frame_store`` the frame with the most anomalous pixels is taken, so that there is something
    to find in it.
    """
    from ros_anomaly.data.frame_store import FrameStore
    from ros_anomaly.data.labels import ANOMALY_ID
    from ros_anomaly.runtime.engines import load_engine

    frames = FrameStore(frame_store)
    engine = load_engine("default")
    FOLDER.mkdir(exist_ok=True)
    for old in [*FOLDER.glob("*.png"), *FOLDER.glob("*.npz")]:
        old.unlink()
    for quarter in np.array_split(np.arange(len(frames)), FRAMES):
        index = max(quarter, key=lambda i: np.count_nonzero(frames.arrays(int(i))[1] == ANOMALY_ID))
        frame = frames[int(index)]
        prediction = engine.infer(frame.image)
        path = FOLDER / f"{frame.name}.png"
        if not cv2.imwrite(str(path), frame.image[..., ::-1]):
            raise OSError(f"{path} could not be written")
        np.savez_compressed(
            path.with_suffix(".npz"), score=prediction.score.astype(np.float16), class_ids=prediction.class_ids
        )
    engine.close()


if __name__ == "__main__":
    store(Path(sys.argv[1]))
