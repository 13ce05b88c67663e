"""Work spread over threads: all of it done, modes kept, settings as they were, errors handed on."""

from __future__ import annotations

import threading

import pytest
import torch

from ros_anomaly.scores.threads import for_each


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_each_piece_is_done_once_with_one_thread_and_the_callers_modes(two_threads):
    seen = []
    with torch.inference_mode():
        for_each(lambda i: seen.append((i, torch.get_num_threads(), torch.is_inference_mode_enabled())), 9, on_cpu=True)
    assert sorted(seen) == [(i, 1, True) for i in range(9)]
    assert torch.get_num_threads() == 2
    later = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert later == [2]


def test_an_error_is_handed_on_and_the_next_call_works(two_threads):
    def work(index):
        if index == 3:
            raise ValueError("piece 3")

    with pytest.raises(ValueError, match="piece 3"):
        for_each(work, 8, on_cpu=True)
    done = []
    for_each(done.append, 4, on_cpu=True)
    assert sorted(done) == [0, 1, 2, 3]
