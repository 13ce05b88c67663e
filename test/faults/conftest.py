"""Fixtures of tests that break things on a real graph."""

from __future__ import annotations

import detector_rig
import pytest
from graph_fixtures import detector, domain, engine, rig

__all__ = ["detector", "domain", "engine", "rig", "shared"]


@pytest.fixture(scope="module")
def shared(domain, engine):
    """As ``detector``, one node for all tests of a module: each leaves it recovered."""
    rig = detector_rig.Rig()
    rig.launch(engine)
    rig.wait_for(rig.subscribed, "the node to listen to images")
    yield rig
    rig.close()
