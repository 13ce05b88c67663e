"""Bytes and msgpack shapes of CARLA's RPC: requests, replies, and checked readers of arguments.

msgpack-rpc without framing: a request is ``[0, id, name, [[is_async], *arguments]]``, a notification
``[2, name, [...]]``, a reply ``[1, id, nil, result]``. Results are Response<T> (``[[1, value]]`` or
``[[0, [message]]]``), Response<void> (``[[false]]`` or ``[[true, [message]]]``) or, for batches, bare.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgpack

from ros_anomaly_sim.server.geometry import Transform, Vec3

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
MOST_ELEMENTS = 20_000
"""Of an array: more than the commands of any sensible batch."""

LARGEST_NUMBER = 1e9


class WireError(ValueError):
    """Bytes or arguments that do not follow the protocol; names expected and found."""


@dataclass(frozen=True)
class Request:
    """A decoded call; ``message_id`` is None for a notification, which gets no reply."""

    message_id: int | None
    name: str
    is_async: bool
    arguments: tuple[Any, ...]


class RequestReader:
    """Turns the bytes of one connection into requests. Raises WireError on the first malformed one."""

    def __init__(self) -> None:
        # An array's size is claimed before its elements come: without a limit a few bytes would reserve gigabytes.
        self._unpacker = msgpack.Unpacker(
            raw=False,
            strict_map_key=False,
            max_buffer_size=MAX_MESSAGE_BYTES,
            max_array_len=MOST_ELEMENTS,
            max_map_len=MOST_ELEMENTS,
        )

    def feed(self, data: bytes) -> list[Request]:
        """Requests that are complete with ``data``."""
        try:
            self._unpacker.feed(data)
            return [_request(message) for message in self._unpacker]
        except WireError:
            raise
        except (ValueError, msgpack.UnpackException, RecursionError, OverflowError) as error:
            raise WireError(
                f"expected msgpack, found bytes it cannot read ({type(error).__name__}: {error})"
            ) from error


def _request(message: object) -> Request:
    if isinstance(message, list) and len(message) == 4 and message[0] == 0 and _is_int(message[1]):
        _, message_id, name, parameters = message
    elif isinstance(message, list) and len(message) == 3 and message[0] == 2:
        message_id, (_, name, parameters) = None, message
    else:
        raise WireError(f"expected a request [0, id, name, parameters], found {shown(message)}")
    if not isinstance(name, str) or not isinstance(parameters, list):
        raise WireError(f"expected a name and a list of parameters, found {shown(message)}")
    if parameters and isinstance(parameters[0], list) and len(parameters[0]) == 1 and parameters[0][0] in (True, False):
        return Request(message_id, name, bool(parameters[0][0]), tuple(parameters[1:]))
    # rpclib's own clients may call without CARLA's metadata.
    return Request(message_id, name, False, tuple(parameters))


def packed(value: object) -> bytes:
    """msgpack bytes of a plain value."""
    data = msgpack.packb(value, use_bin_type=True)
    assert isinstance(data, bytes)
    return data


def reply(message_id: int, result: object) -> bytes:
    """A reply that carries a result."""
    return packed([1, message_id, None, result])


def rpc_failure(message_id: int, message: str) -> bytes:
    """A reply that fails at the level of RPC: for names whose result type is not known."""
    return packed([1, message_id, message, None])


def ok(value: object) -> list[Any]:
    """Response<T> with a value."""
    return [[1, value]]


def failed(message: str) -> list[Any]:
    """Response<T> with an error."""
    return [[0, [message]]]


VOID_OK: list[Any] = [[False]]
"""Response<void> without an error."""


def void_failed(message: str) -> list[Any]:
    """Response<void> with an error."""
    return [[True, [message]]]


def optional(value: object) -> list[Any]:
    """An optional: absent for None."""
    return [False] if value is None else [True, value]


def from_transform(transform: Transform) -> list[Any]:
    """Transform as ``[[x, y, z], [pitch, yaw, roll]]``."""
    return [[float(v) for v in transform.location], [float(v) for v in transform.rotation]]


Reader = Callable[[Any], Any]
"""Checks one argument and gives its typed value; raises WireError."""


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise WireError(f"expected a bool, found {shown(value)}")
    return value


def integer(value: Any) -> int:
    if not _is_int(value):
        raise WireError(f"expected an integer, found {shown(value)}")
    return int(value)


def number(value: Any) -> float:
    """Numbers that single precision still holds after some arithmetic: what is larger is no quantity of a town."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LARGEST_NUMBER:
        raise WireError(f"expected a number within ±{LARGEST_NUMBER:g}, found {shown(value)}")
    return float(value)


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise WireError(f"expected a string, found {shown(value)}")
    return value


def anything(value: Any) -> Any:
    return value


def vector(value: Any) -> Vec3:
    x, y, z = struct(value, "a vector", number, number, number)
    return (x, y, z)


def transform(value: Any) -> Transform:
    location, rotation = struct(value, "a transform", vector, vector)
    return Transform(location, rotation)


def list_of(reader: Reader) -> Reader:
    """Reader of a list whose elements ``reader`` reads."""

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise WireError(f"expected a list, found {shown(value)}")
        return [reader(v) for v in value]

    return read


def optional_of(reader: Reader) -> Reader:
    """Reader of ``[false]`` as None and of ``[true, value]``."""

    def read(value: Any) -> Any:
        if isinstance(value, list) and value and value[0] is False:
            return None
        if isinstance(value, list) and len(value) == 2 and value[0] is True:
            return reader(value[1])
        raise WireError(f"expected an optional, found {shown(value)}")

    return read


def struct(value: Any, what: str, *readers: Reader) -> tuple[Any, ...]:
    """The fields of an array, each read by its reader."""
    if not isinstance(value, list) or len(value) != len(readers):
        raise WireError(f"expected {what} of {len(readers)} fields, found {shown(value)}")
    return tuple(reader(field) for reader, field in zip(readers, value, strict=True))


def read_arguments(name: str, arguments: Sequence[Any], readers: Sequence[Reader]) -> tuple[Any, ...]:
    """The arguments of a call, each read by its reader; WireError names the call and the argument's number."""
    if len(arguments) != len(readers):
        raise WireError(f"{name}: expected {len(readers)} arguments, found {len(arguments)}")
    values = []
    for position, (reader, argument) in enumerate(zip(readers, arguments, strict=True), 1):
        try:
            values.append(reader(argument))
        except WireError as error:
            raise WireError(f"{name}, argument {position}: {error}") from error
    return tuple(values)


def shown(value: object) -> str:
    """A short picture of a value, for messages."""
    picture = repr(value)
    return picture if len(picture) <= 80 else f"{picture[:77]}..."


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
