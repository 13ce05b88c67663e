"""ROS time stamps as integer nanoseconds, and as the text that diagnostics carry."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from std_msgs.msg import Header

_NS_PER_S = 1_000_000_000


def stamp_to_ns(stamp: Time) -> int:
    """Nanoseconds since the epoch of the stamp's clock."""
    return stamp.sec * _NS_PER_S + stamp.nanosec


def ns_to_stamp(time_ns: int) -> Time:
    """Inverse of ``stamp_to_ns``; ValueError where a Time (int32 seconds) cannot hold it."""
    sec, nanosec = divmod(time_ns, _NS_PER_S)
    if not -(2**31) <= sec < 2**31:
        raise ValueError(f"time stamp: expected seconds that fit 32 bits, found {sec}")
    return Time(sec=sec, nanosec=nanosec)


def header_at(time_ns: int, frame_id: str) -> Header:
    """Header of this stamp; ValueError as ``ns_to_stamp``."""
    return Header(stamp=ns_to_stamp(time_ns), frame_id=frame_id)


def ns_to_text(time_ns: int | None) -> str:
    """``seconds.nanoseconds`` with nine digits, exact; the empty string for None."""
    if time_ns is None:
        return ""
    sec, nanosec = divmod(time_ns, _NS_PER_S)
    return f"{sec}.{nanosec:09d}"


def text_to_ns(text: str) -> int | None:
    """Inverse of ``ns_to_text``; ValueError for any other text."""
    if not text:
        return None
    sec, dot, nanosec = text.partition(".")
    if not (dot and len(nanosec) == 9 and nanosec.isdecimal() and sec.lstrip("-").isdecimal()):
        raise ValueError(f"time stamp: expected seconds.nanoseconds with nine digits, found {text!r}")
    return int(sec) * _NS_PER_S + int(nanosec)
