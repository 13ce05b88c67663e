"""The process's one OpenGL context, made through EGL without a display."""

from __future__ import annotations

import ctypes
import logging
from pathlib import Path
from typing import Any

import moderngl

DEBIAN_PACKAGES = ("libegl1", "libegl-mesa0", "libgl1-mesa-dri")
_SOFTWARE_RENDERERS = ("llvmpipe", "softpipe", "swrast", "software rasterizer")
_NVIDIA_SIGNS = (Path("/dev/nvidiactl"), Path("/dev/nvidia0"), Path("/proc/driver/nvidia/version"), Path("/dev/nvmap"))

_log = logging.getLogger(__name__)


class MissingEglError(RuntimeError):
    """No EGL context could be made; the message names the packages that provide one."""


class RendererInUseError(RuntimeError):
    """This process already has a renderer: drivers do not survive several contexts in one process."""


class RenderContext:
    """Owns the context. ``renderer`` is GL_RENDERER; ``software`` tells whether it runs on the CPU.

    Use it from the thread that made it. Raises MissingEglError, or RendererInUseError while another one is open.
    """

    _open: RenderContext | None = None
    _warned = False

    def __init__(self) -> None:
        if RenderContext._open is not None:
            raise RendererInUseError(
                f"expected no other renderer in this process, found one on {RenderContext._open.renderer!r}; "
                "close it first"
            )
        self.gl = _create()
        self.renderer: str = self.gl.info["GL_RENDERER"]
        self.software = any(name in self.renderer.lower() for name in _SOFTWARE_RENDERERS)
        RenderContext._open = self
        if self.software and nvidia_present() and not RenderContext._warned:
            RenderContext._warned = True
            _log.warning(
                "an NVIDIA device is present, but EGL fell back to %s; the driver's EGL libraries (libnvidia-gl, "
                "or the container capability 'graphics') are missing",
                self.renderer,
            )

    def close(self) -> None:
        """Release the context, so that another renderer may be made."""
        if RenderContext._open is self:
            RenderContext._open = None
            self.gl.release()


def nvidia_present() -> bool:
    """Whether this machine shows signs of an NVIDIA GPU."""
    return any(path.exists() for path in _NVIDIA_SIGNS)


def _gl_library() -> str:
    """The first there is of the libraries that hold OpenGL's functions; EGL's own finds them as well."""
    for name in ("libGL.so.1", "libOpenGL.so.0"):
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return name
    return "libEGL.so.1"


def _create() -> moderngl.Context:
    try:
        # The versioned names are what the runtime packages install; the bare ones need development packages.
        settings: dict[str, Any] = {"backend": "egl", "libegl": "libEGL.so.1", "libgl": _gl_library()}
        return moderngl.create_context(require=430, standalone=True, **settings)
    except Exception as error:  # glcontext raises bare Exception and ImportError for every cause
        raise MissingEglError(
            f"no EGL context with OpenGL 4.3 ({error}); "
            f"on Debian or Ubuntu: apt-get install {' '.join(DEBIAN_PACKAGES)}"
        ) from error
