"""Setting shader uniforms by name."""

from __future__ import annotations

from typing import Any

import moderngl
import numpy as np


def set_uniform(program: moderngl.Program, name: str, value: Any) -> None:
    """Set a number, a vector (tuple) or a matrix (array [4, 4]); KeyError or TypeError where there is none."""
    uniform = program[name]
    if not isinstance(uniform, moderngl.Uniform):
        raise TypeError(f"shader variable {name!r}: expected a uniform, found {type(uniform).__name__}")
    if isinstance(value, np.ndarray) and value.ndim == 2:
        uniform.write(np.ascontiguousarray(value.T, np.float32).tobytes())
    else:
        uniform.value = value
