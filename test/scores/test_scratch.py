"""Scratch memory: used again by its name, by one thread alone, in every mode of torch."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import torch

from ros_anomaly.scores.scratch import Scratch

LIKE = torch.zeros(1, dtype=torch.float64)


def test_memory_is_taken_once_and_grows():
    scratch = Scratch()
    first = scratch.tensor("a", LIKE, (4, 3))
    assert first.shape == (4, 3) and first.dtype == torch.float64 and first.is_contiguous()
    assert scratch.tensor("a", LIKE, (2, 5)).data_ptr() == first.data_ptr()
    assert scratch.tensor("b", LIKE, (4, 3)).data_ptr() != first.data_ptr()
    assert scratch.tensor("a", LIKE, (13,)).shape == (13,)


def test_every_thread_has_its_own():
    scratch = Scratch()
    mine = scratch.tensor("a", LIKE, (4,))
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(scratch.tensor, "a", LIKE, (4,)).result()
    assert other.data_ptr() != mine.data_ptr()


def test_what_was_taken_under_inference_mode_can_be_written_after_it():
    scratch = Scratch()
    with torch.inference_mode():
        scratch.tensor("a", LIKE, (4,)).fill_(1)
    torch.add(torch.ones(4, dtype=torch.float64), 1, out=scratch.tensor("a", LIKE, (4,)))
    assert scratch.tensor("a", LIKE, (4,)).tolist() == [2.0] * 4
