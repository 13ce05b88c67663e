"""Plain pickles of numpy arrays, as detectron2's model zoo has them, read without running what they name."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from typing import Any, BinaryIO

import numpy as np

# What a pickled array is made of. Newer numpy has moved the functions, older files name the old place.
_RECONSTRUCT = np.zeros(1).__reduce__()[0]
_FROM_BUFFER = np.zeros(1).__reduce_ex__(5)[0]
_SCALAR = np.float32(0).__reduce__()[0]


def _latin1(text: str, encoding: str) -> bytes:
    """How Python 3 pickles bytes in an old protocol."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"expected bytes as latin1, found {encoding!r}")
    return text.encode("latin1")


_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy.core.numeric", "_frombuffer"): _FROM_BUFFER,
    ("numpy._core.numeric", "_frombuffer"): _FROM_BUFFER,
    ("numpy.core.multiarray", "scalar"): _SCALAR,
    ("numpy._core.multiarray", "scalar"): _SCALAR,
    ("_codecs", "encode"): _latin1,
}


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """One of the few allowed names; UnpicklingError for any other, before it is imported."""
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"GLOBAL {module}.{name} was not allowed") from None


def load_plain_pickle(file: BinaryIO) -> Any:
    """Content of a pickle that holds plain values and numpy arrays alone.

    Raises:
        pickle.UnpicklingError: it names anything else, or is no pickle.
    """
    return _PlainUnpickler(file, encoding="latin1").load()
