"""Depth maps seen from the sun (near and far) and from above, and how they are laid over the street."""

from __future__ import annotations

from dataclasses import dataclass

import moderngl
import numpy as np

from ros_anomaly_sim.render.matrices import look_along, orthographic

_LIGHT_DISTANCE_M = 160.0


@dataclass(frozen=True)
class MapSpec:
    """Extent of a depth map: a square of ``width_m`` whose middle lies ``ahead_m`` before the camera.

    The middle moves in steps of ``step_m``, so that a map stays valid while the camera crosses one.
    """

    width_m: float
    ahead_m: float
    texels: int
    step_m: float

    @property
    def texel_m(self) -> float:
        """Size of a texel on the plane across the light."""
        return self.width_m / self.texels


NEAR = MapSpec(width_m=44.0, ahead_m=17.0, texels=1280, step_m=0.0)
FAR = MapSpec(width_m=190.0, ahead_m=75.0, texels=1024, step_m=12.0)
OVERHEAD = MapSpec(width_m=72.0, ahead_m=28.0, texels=576, step_m=0.0)


def centre_ahead(spec: MapSpec, eye: np.ndarray, heading: np.ndarray) -> np.ndarray:
    """Middle of the map on the ground plane z = 0, float64 [3]; ``heading`` is the level viewing direction."""
    centre = np.array([eye[0] + heading[0] * spec.ahead_m, eye[1] + heading[1] * spec.ahead_m, 0.0])
    return np.round(centre / spec.step_m) * spec.step_m if spec.step_m > 0 else centre


def light_clip(spec: MapSpec, centre: np.ndarray, to_light: np.ndarray, distance_m: float) -> np.ndarray:
    """Clip matrix [4, 4] of the map, moved to whole texels so that shadow edges do not crawl."""
    view = look_along(centre + to_light * distance_m, -to_light)
    # The texel grid hangs on the world's origin.
    shift = view[:2, 3] - np.round(view[:2, 3] / spec.texel_m) * spec.texel_m
    view[:2, 3] -= shift
    return orthographic(spec.width_m, 2 * distance_m) @ view


class DepthMap:
    """A depth texture that is compared against, and its framebuffer."""

    def __init__(self, gl: moderngl.Context, texels: int) -> None:
        self.texture = gl.depth_texture((texels, texels))
        self.texture.compare_func = "<="
        self.texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
        self.texture.repeat_x = self.texture.repeat_y = False
        self.frame = gl.framebuffer(depth_attachment=self.texture)

    def release(self) -> None:
        """Free both."""
        self.frame.release()
        self.texture.release()


def sun_clip(spec: MapSpec, centre: np.ndarray, sun: np.ndarray) -> np.ndarray:
    """Clip matrix of a sun map about ``centre``."""
    return light_clip(spec, centre, sun, _LIGHT_DISTANCE_M)


def overhead_clip(spec: MapSpec, centre: np.ndarray) -> np.ndarray:
    """Clip matrix of the map from above: what is lower than 2.5 m counts as standing close by."""
    return light_clip(spec, centre, np.array([0.0, 0.0, 1.0]), 2.5)
