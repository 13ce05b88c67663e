"""Fixtures of tests on a real graph: a domain of their own, a toy engine, and a rig beside the node."""

from __future__ import annotations

import detector_rig
import pytest
import toy_engine


@pytest.fixture(scope="session")
def domain():
    yield from detector_rig.start_environment()


@pytest.fixture(scope="session")
def engine(tmp_path_factory):
    """Manifest of the toy engine: magenta is anomalous."""
    return toy_engine.make_toy_engine(tmp_path_factory.mktemp("engine"), size=detector_rig.SIZE)


@pytest.fixture
def rig(domain):
    rig = detector_rig.Rig()
    yield rig
    rig.close()


@pytest.fixture
def detector(rig, engine):
    """A rig whose detector node runs, is active and listens."""
    rig.launch(engine)
    rig.wait_for(rig.subscribed, "the node to listen to images")
    return rig
