"""The calls of CUDA's driver library that are used here, and how each takes its arguments."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_char_p, c_int, c_size_t, c_uint, c_uint64, c_void_p
from typing import Any

from ros_anomaly.runtime.errors import EngineError

LIBRARY = "libcuda.so.1"
"""NVIDIA's driver: it has this one name on every machine with a GPU, Jetson or PC, and nothing need be installed beside
it. libcudart's name changes with the major version of CUDA, and Python bindings are a package of their own."""

_OUT_INT, _OUT_HANDLE, _OUT_ADDRESS = POINTER(c_int), POINTER(c_void_p), POINTER(c_uint64)

SIGNATURES: dict[str, tuple[Any, ...]] = {
    "cuInit": (c_uint,),
    "cuGetErrorName": (c_int, POINTER(c_char_p)),
    "cuGetErrorString": (c_int, POINTER(c_char_p)),
    "cuDeviceGetCount": (_OUT_INT,),
    "cuDeviceGet": (_OUT_INT, c_int),
    "cuDeviceGetName": (c_char_p, c_int, c_int),
    "cuDeviceGetAttribute": (_OUT_INT, c_int, c_int),
    "cuDevicePrimaryCtxRetain": (_OUT_HANDLE, c_int),
    "cuDevicePrimaryCtxRelease_v2": (c_int,),
    "cuCtxSetCurrent": (c_void_p,),
    "cuMemAlloc_v2": (_OUT_ADDRESS, c_size_t),
    "cuMemFree_v2": (c_uint64,),
    "cuMemHostAlloc": (_OUT_HANDLE, c_size_t, c_uint),
    "cuMemFreeHost": (c_void_p,),
    "cuMemcpyHtoDAsync_v2": (c_uint64, c_void_p, c_size_t, c_void_p),
    "cuMemcpyDtoHAsync_v2": (c_void_p, c_uint64, c_size_t, c_void_p),
    "cuStreamCreate": (_OUT_HANDLE, c_uint),
    "cuStreamDestroy_v2": (c_void_p,),
    "cuStreamSynchronize": (c_void_p,),
    "cuStreamBeginCapture_v2": (c_void_p, c_int),
    "cuStreamEndCapture": (c_void_p, _OUT_HANDLE),
    "cuGraphInstantiateWithFlags": (_OUT_HANDLE, c_void_p, c_uint64),
    "cuGraphLaunch": (c_void_p, c_void_p),
    "cuGraphExecDestroy": (c_void_p,),
    "cuGraphDestroy": (c_void_p,),
}


def load_library() -> Any:
    """The driver library. EngineError where there is none, or one too old for what is called here."""
    try:
        return ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise EngineError(f"CUDA: expected NVIDIA's driver library {LIBRARY}, found none ({error})") from error


class DriverCalls:
    """Calls by name. Each is checked: CUDA's status codes become EngineErrors that name call, code and meaning."""

    def __init__(self, library: Any) -> None:
        self._functions = {}
        for name, argument_types in SIGNATURES.items():
            try:
                function = getattr(library, name)
            except AttributeError as error:
                raise EngineError(
                    f"CUDA: expected a driver with {name} (CUDA 11.4 or later), found one without"
                ) from error
            function.argtypes = argument_types
            function.restype = c_int
            self._functions[name] = function

    def __call__(self, name: str, *arguments: Any) -> None:
        """Call ``name``. EngineError for any status but success."""
        if status := self._functions[name](*arguments):
            raise EngineError(f"CUDA: {name} failed with {self._meaning(status)}")

    def integer(self, name: str, *arguments: Any) -> int:
        """The int that ``name`` gives through its first argument."""
        value = c_int()
        self(name, ctypes.byref(value), *arguments)
        return value.value

    def handle(self, name: str, *arguments: Any, before: tuple[Any, ...] = ()) -> int:
        """The handle or host pointer that ``name`` gives through its first argument, or after those of ``before``.

        EngineError where that is null.
        """
        value = c_void_p()
        self(name, *before, ctypes.byref(value), *arguments)
        if not value.value:
            raise EngineError(f"CUDA: expected {name} to give a handle, found null")
        return value.value

    def address(self, name: str, *arguments: Any) -> int:
        """The device address that ``name`` gives through its first argument."""
        value = c_uint64()
        self(name, ctypes.byref(value), *arguments)
        return value.value

    def _meaning(self, status: int) -> str:
        texts = []
        for name in ("cuGetErrorName", "cuGetErrorString"):
            text = c_char_p()
            if self._functions[name](status, ctypes.byref(text)) == 0 and text.value:
                texts.append(text.value.decode(errors="replace"))
        return f"{texts[0]}: {texts[1]}" if len(texts) == 2 else f"status {status}"
