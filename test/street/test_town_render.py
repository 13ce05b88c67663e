"""Rendered towns hold every class often enough to be learnt."""

from __future__ import annotations

import numpy as np
import pytest
from box_library import BoxLibrary

from ros_anomaly.data.labels import ANOMALY_ID, CLASS_NAMES, NUM_INLIER_CLASSES
from ros_anomaly_sim.render.camera import Camera
from ros_anomaly_sim.render.context import MissingEglError
from ros_anomaly_sim.render.renderer import StreetRenderer
from ros_anomaly_sim.street.frames import training_frames

TOWNS = (11, 12, 13, 14, 15, 16)
FRAMES_PER_TOWN = 2
LEAST_PIXELS = 15
LEAST_SHARE = 0.3


def test_every_class_is_frequent():
    library = BoxLibrary()
    try:
        renderer = StreetRenderer(Camera(width=320, height=180), library.load)
    except MissingEglError as error:
        pytest.skip(str(error))
    shares = np.zeros(NUM_INLIER_CLASSES)
    with renderer:
        frames = training_frames(library, TOWNS, FRAMES_PER_TOWN)
        for spec in frames:
            rendered = renderer.render(spec.scene, spec.pose)
            counts = np.bincount(rendered.class_ids.ravel(), minlength=ANOMALY_ID + 1)
            assert counts[ANOMALY_ID] == 0
            shares += (counts[:NUM_INLIER_CLASSES] >= LEAST_PIXELS) / len(frames)
            assert np.median(rendered.image) > 10, "a daylight street is not black"
    rare = {name: share for name, share in zip(CLASS_NAMES, shares, strict=True) if share < LEAST_SHARE}
    assert rare == {}
