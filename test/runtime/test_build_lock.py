"""The lock between builders: one at a time, and none held by the dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ros_anomaly.runtime.building.lock import build_lock

_HOLD = (
    "import sys, time; from pathlib import Path; from ros_anomaly.runtime.building.lock import build_lock\n"
    "with build_lock(Path(sys.argv[1]), print):\n"
    "    print('held', flush=True); time.sleep(60)\n"
)


class _Waited(Exception):
    pass


def refuse_to_wait(who: str) -> None:
    raise _Waited(who)


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path / ".lock")], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_builder_waits_and_knows_for_whom(holder, tmp_path):
    with pytest.raises(_Waited, match=f"process {holder.pid}"), build_lock(tmp_path / ".lock", refuse_to_wait):
        raise AssertionError("two builders at once")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_dead_builder_holds_nothing(holder, tmp_path, number):
    os.kill(holder.pid, number)
    holder.wait()
    with build_lock(tmp_path / ".lock", refuse_to_wait):
        assert (tmp_path / ".lock").read_text() == str(os.getpid())


def test_it_comes_free_at_the_end_also_of_a_build_that_fails(tmp_path):
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), build_lock(tmp_path / ".lock", refuse_to_wait):
            raise ZeroDivisionError


def test_who_waits_goes_on_as_soon_as_it_is_free(tmp_path):
    waited, release = threading.Event(), threading.Event()
    order = []

    def hold() -> None:
        with build_lock(tmp_path / ".lock", refuse_to_wait):
            waited.wait(10)
            order.append("first")
        release.set()

    def note(_who: str) -> None:
        waited.set()

    first = threading.Thread(target=hold)
    first.start()
    while not (tmp_path / ".lock").exists() or not (tmp_path / ".lock").read_text():
        pass
    with build_lock(tmp_path / ".lock", note, poll_s=0.01):
        order.append("second")
    first.join()
    assert order == ["first", "second"] and release.is_set()


def test_it_comes_free_though_a_forked_child_still_has_the_file_open(tmp_path):
    path = tmp_path / ".lock"
    with build_lock(path, refuse_to_wait):
        (fd,) = [int(fd) for fd in os.listdir("/proc/self/fd") if _leads_to(fd, path)]
        of_the_child = os.dup(fd)  # as after a fork: another number for the same open file
    try:
        with build_lock(path, refuse_to_wait):
            pass
    finally:
        os.close(of_the_child)


def test_who_waits_never_holds_a_lock_on_a_file_that_was_removed(holder, tmp_path):
    path = tmp_path / ".lock"

    def empty_the_folder(_who: str) -> None:
        path.unlink(missing_ok=True)
        holder.kill()
        holder.wait()

    with build_lock(path, empty_the_folder, poll_s=0.01):
        assert path.read_text() == str(os.getpid())
        with pytest.raises(_Waited, match=f"process {os.getpid()}"), build_lock(path, refuse_to_wait):
            raise AssertionError("two builders at once")


def _leads_to(fd: str, path: Path) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{fd}") == str(path.resolve())
    except FileNotFoundError:  # the descriptor that the folder was listed with
        return False
