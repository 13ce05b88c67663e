"""Detections, against a stand-in for vision_msgs with the fields of its message definitions."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import pytest
from std_msgs.msg import Header

from ros_anomaly.hazard.types import Region
from ros_anomaly.messages.detections import IN_CORRIDOR, OFF_CORRIDOR, detections_message, vision_msgs_installed


class _Message:
    """Takes the keywords that it has a field for, as a generated message does."""

    def __init__(self, **values):
        for name, value in self.fields().items():
            setattr(self, name, values.pop(name, value))
        assert not values, f"no such field: {values}"


class Detection2D(_Message):
    @staticmethod
    def fields():
        position = SimpleNamespace(x=0.0, y=0.0)
        box = SimpleNamespace(center=SimpleNamespace(position=position, theta=0.0), size_x=0.0, size_y=0.0)
        return {"header": None, "results": [], "bbox": box, "id": ""}


class Detection2DArray(_Message):
    @staticmethod
    def fields():
        return {"header": None, "detections": []}


class ObjectHypothesisWithPose(_Message):
    @staticmethod
    def fields():
        pose = SimpleNamespace(position=SimpleNamespace(x=0.0, y=0.0, z=0.0))
        return {
            "hypothesis": SimpleNamespace(class_id="", score=0.0),
            "pose": SimpleNamespace(pose=pose, covariance=[0.0] * 36),
        }


@pytest.fixture
def stand_in(monkeypatch):
    if importlib.util.find_spec("vision_msgs"):
        return
    messages = ModuleType("vision_msgs.msg")
    for kind in (Detection2D, Detection2DArray, ObjectHypothesisWithPose):
        setattr(messages, kind.__name__, kind)
    monkeypatch.setitem(sys.modules, "vision_msgs", ModuleType("vision_msgs"))
    monkeypatch.setitem(sys.modules, "vision_msgs.msg", messages)


def test_regions_become_detections(stand_in):
    regions = (
        Region((10, 20, 30, 50), 600, 0.9, 0.5, 12.5, -0.4, True),
        Region((0, 0, 4, 4), 16, 0.2, 0.1, None, None, False),
    )
    header = Header(frame_id="camera")
    near, blind = detections_message(regions, header).detections
    assert near.header is header or near.header.frame_id == "camera"
    assert (near.bbox.center.position.x, near.bbox.center.position.y) == (19.5, 34.5)
    assert (near.bbox.size_x, near.bbox.size_y) == (20.0, 30.0)
    assert (near.results[0].hypothesis.class_id, near.results[0].hypothesis.score) == (IN_CORRIDOR, 0.9)
    assert (near.results[0].pose.pose.position.x, near.results[0].pose.pose.position.y) == (12.5, -0.4)
    assert blind.results[0].hypothesis.class_id == OFF_CORRIDOR and blind.results[0].pose.pose.position.x == 0.0


def test_no_region_is_an_empty_array(stand_in):
    assert detections_message((), Header()).detections == []


def test_what_is_installed_is_known_without_importing_it():
    assert vision_msgs_installed() == (importlib.util.find_spec("vision_msgs") is not None)
    assert vision_msgs_installed() or "vision_msgs" not in sys.modules
