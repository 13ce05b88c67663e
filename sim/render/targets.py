"""Off-screen images that one pass writes, and their read-back."""

from __future__ import annotations

import moderngl
import numpy as np

from ros_anomaly_sim.render.camera import FAR_M, NEAR_M


class Target:
    """Colour RGBA8, ids (class, instance) RG16UI and depth of one size. Row 0 is the image's top row."""

    def __init__(self, gl: moderngl.Context, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._colour = gl.texture((width, height), 4)
        self._ids = gl.texture((width, height), 2, dtype="u2")
        self._depth = gl.depth_texture((width, height))
        self.frame = gl.framebuffer([self._colour, self._ids], self._depth)

    def read_colour(self) -> np.ndarray:
        """uint8 [H, W, 4] RGBA; alpha is 0 where nothing was drawn."""
        return np.frombuffer(self._colour.read(), np.uint8).reshape(self.height, self.width, 4)

    def read_ids(self) -> tuple[np.ndarray, np.ndarray]:
        """Class ids uint8 [H, W] and instance ids uint16 [H, W]."""
        ids = np.frombuffer(self._ids.read(alignment=1), np.uint16).reshape(self.height, self.width, 2)
        return ids[..., 0].astype(np.uint8), np.ascontiguousarray(ids[..., 1])

    def read_depth(self) -> np.ndarray:
        """float32 [H, W] metres along the optical axis, infinite where nothing was drawn."""
        raw = np.frombuffer(self._depth.read(alignment=1), np.float32).reshape(self.height, self.width)
        depth = np.float32(FAR_M * NEAR_M) / (np.float32(FAR_M) - raw * np.float32(FAR_M - NEAR_M))
        depth[raw >= 1.0] = np.inf
        return depth

    def release(self) -> None:
        """Free all images."""
        for thing in (self.frame, self._colour, self._ids, self._depth):
            thing.release()
