"""Texture banks as texture arrays on the GPU."""

from __future__ import annotations

import moderngl

from ros_anomaly_sim.street.mesh import TEXTURE_SIZE, TextureBank


class TextureArray:
    """The GPU's copy of a bank: layers are added as the bank grows, storage doubles when it is full."""

    def __init__(self, gl: moderngl.Context) -> None:
        self._gl = gl
        self._texture: moderngl.TextureArray | None = None
        self._uploaded = 0

    def update(self, bank: TextureBank) -> None:
        """Upload what the bank has and this array lacks."""
        wanted = len(bank.images)
        if wanted == self._uploaded:
            return
        if self._texture is None or wanted > self._texture.layers:
            capacity = wanted if self._texture is None else max(wanted, 2 * self._texture.layers)
            self.release()
            self._texture = self._gl.texture_array((TEXTURE_SIZE, TEXTURE_SIZE, capacity), 4)
        for layer in range(self._uploaded, wanted):
            viewport = (0, 0, layer, TEXTURE_SIZE, TEXTURE_SIZE, 1)
            self._texture.write(bank.images[layer].tobytes(), viewport=viewport)
        self._uploaded = wanted
        self._texture.build_mipmaps()
        self._texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)

    def use(self, unit: int) -> None:
        """Bind to a texture unit."""
        if self._texture is None:
            raise RuntimeError("texture array: expected an update before use, found none")
        self._texture.use(unit)

    def release(self) -> None:
        """Free the texture."""
        if self._texture is not None:
            self._texture.release()
        self._texture = None
        self._uploaded = 0
