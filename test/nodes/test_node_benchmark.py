"""Where the time of a frame goes, from what the node says and what the camera measured."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from ros_anomaly.hazard.types import HazardLevel, HazardState
from ros_anomaly.messages.hazard import FrameStages, HazardReport
from ros_anomaly.nodes.benchmark import STAGES, _Answer

INSIDE = FrameStages(wait_ms=0.5, convert_ms=1, resize_ms=2, engine_ms=50, regions_ms=4, health_ms=0.5)
STATE = HazardState(HazardLevel.CLEAR, "", 1, frame_age_ms=65.0)


def test_parts_add_up_to_all_that_is_not_the_engine():
    # Stamped 2 ms before it was published, decided 65 ms after the stamp, answer received 70 ms after publication.
    answer = _Answer(70.0, 2.0, HazardReport(STATE, 0, stages=INSIDE))
    assert tuple(answer.stages_ms) == STAGES
    assert answer.stages_ms["receive"] == pytest.approx(65 - 2 - 58)
    assert answer.stages_ms["publish"] == pytest.approx(70 - 63)
    assert sum(answer.stages_ms.values()) == pytest.approx(answer.total_ms - answer.engine_ms)


@pytest.mark.parametrize(
    "report", [HazardReport(STATE, 0), HazardReport(replace(STATE, frame_age_ms=None), 0, stages=INSIDE)]
)
def test_an_image_that_was_not_processed_has_no_parts(report):
    assert all(math.isnan(value) for value in _Answer(70.0, 2.0, report).stages_ms.values())
