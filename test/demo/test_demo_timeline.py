import pytest

from ros_anomaly.hazard.types import HazardLevel
from ros_anomaly_sim.demo.timeline import Moment, clear_stretch, false_hazards, hazard_spans

LEVELS = {
    "c": HazardLevel.CLEAR,
    "a": HazardLevel.CAUTION,
    "H": HazardLevel.HAZARD,
    "u": HazardLevel.UNKNOWN,
    "-": None,
}


def moments(levels: str, in_view: str, in_the_way: str) -> list[Moment]:
    """One character a frame: the level, and whether an object was in view and in the way (x)."""
    return [
        Moment(
            time_s=i / 10,
            level=LEVELS[level],
            reason="",
            nearest_m=None,
            latency_ms=None,
            objects_in_view=frozenset({7} if view == "x" else ()),
            objects_found=frozenset(),
            objects_in_the_way=frozenset({7} if hit == "x" else ()),
        )
        for i, (level, view, hit) in enumerate(zip(levels, in_view, in_the_way, strict=True))
    ]


@pytest.mark.parametrize(
    ("levels", "expected"),
    [("cccc", []), ("cHHc", [(1, 2)]), ("HcHH", [(0, 0), (2, 3)]), ("H-Hc", [(0, 2)]), ("----", [])],
)
def test_hazard_spans(levels: str, expected: list[tuple[int, int]]):
    blank = "." * len(levels)
    assert [(s.first, s.last) for s in hazard_spans(moments(levels, blank, blank))] == expected


def test_a_hazard_is_false_only_if_it_rested_on_nothing_real():
    run = moments("cHHcHHc", ".xx.xx.", "..x....")
    (false,) = false_hazards(run)
    assert (false.first, false.last) == (4, 5)
    assert (false.start_s, false.end_s) == pytest.approx((0.4, 0.5))


def test_the_clear_stretch_is_the_longest_without_an_object():
    stretch = clear_stretch(moments("cxcaHucc".replace("x", "c"), ".x......", "........"))
    assert stretch is not None
    assert (stretch.span.first, stretch.frames) == (2, 6)
    assert (stretch.hazard_frames, stretch.caution_frames, stretch.unknown_frames) == (1, 1, 1)


def test_a_hazard_that_outlives_its_object_is_not_held_against_the_stretch():
    stretch = clear_stretch(moments("HHHHcccH", "xx......", "xx......"))
    assert stretch is not None and stretch.hazard_frames == 1


def test_no_stretch_where_something_is_always_in_view():
    assert clear_stretch(moments("cc", "xx", "..")) is None
