"""Checks of numbers: what each lets pass, and what its error says."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from ros_anomaly.limits import check_above_zero, check_at_least, check_range, check_share, check_within


@pytest.mark.parametrize(
    ("check", "given"),
    [
        (check_within, (1, 1, 3)),
        (check_within, (3.0, 1, 3)),
        (check_share, (0,)),
        (check_share, (1.0,)),
        (check_above_zero, (1e-9,)),
        (check_at_least, (2, 2)),
        (check_range, ((0.5, 0.5),)),
        (check_range, ([1, 2],)),
    ],
)
def test_legal_numbers_pass_ends_included(check: Callable[..., None], given: tuple):
    check("x", *given)


@pytest.mark.parametrize(
    ("check", "given", "says"),
    [
        (check_within, (0.9, 1, 3), "x: expected 1 to 3, found 0.9"),
        (check_within, (3.1, 1, 3), "x: expected 1 to 3, found 3.1"),
        (check_within, (math.nan, 1, 3), "x: expected 1 to 3, found nan"),
        (check_share, (-0.1,), "x: expected a value 0..1, found -0.1"),
        (check_share, (1.1, "probability"), "x: expected a probability 0..1, found 1.1"),
        (check_share, (math.nan,), "x: expected a value 0..1, found nan"),
        (check_above_zero, (0,), "x: expected above 0, found 0"),
        (check_above_zero, (math.inf,), "x: expected above 0, found inf"),
        (check_above_zero, (math.nan,), "x: expected above 0, found nan"),
        (check_at_least, (1, 2), "x: expected at least 2, found 1"),
        (check_at_least, (math.nan, 0), "x: expected at least 0, found nan"),
        (check_at_least, (math.inf, 0), "x: expected at least 0, found inf"),
        (check_range, ((0, 1),), "x: expected 0 < low <= high, found (0, 1)"),
        (check_range, ((2, 1),), "x: expected 0 < low <= high, found (2, 1)"),
        (check_range, ((1, math.inf),), "x: expected 0 < low <= high, found (1, inf)"),
        (check_range, ([1],), "x: expected 0 < low <= high, found (1,)"),
        (check_range, ((math.nan, 1),), "x: expected 0 < low <= high, found (nan, 1)"),
    ],
)
def test_others_are_named_with_what_was_expected(check: Callable[..., None], given: tuple, says: str):
    with pytest.raises(ValueError) as error:
        check("x", *given)
    assert str(error.value) == says
