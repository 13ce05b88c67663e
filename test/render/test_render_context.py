"""The one context a process may have, and what is said when there is none."""

from __future__ import annotations

import logging

import moderngl
import pytest

from ros_anomaly_sim.render import context as context_module
from ros_anomaly_sim.render.camera import Camera
from ros_anomaly_sim.render.context import DEBIAN_PACKAGES, MissingEglError, RenderContext, RendererInUseError
from ros_anomaly_sim.render.renderer import StreetRenderer


class _FakeContext:
    def __init__(self, name: str) -> None:
        self.info = {"GL_RENDERER": name}
        self.released = False

    def release(self) -> None:
        self.released = True


@pytest.fixture
def alone(monkeypatch):
    """As in a process that has neither a renderer nor been warned."""
    monkeypatch.setattr(RenderContext, "_open", None)
    monkeypatch.setattr(RenderContext, "_warned", False)


def test_missing_egl_names_the_packages(monkeypatch, alone):
    def refuse(*_, **__):
        raise Exception("libEGL.so.1 not loaded")

    monkeypatch.setattr(moderngl, "create_context", refuse)
    with pytest.raises(MissingEglError, match="libEGL.so.1 not loaded") as caught:
        RenderContext()
    assert all(package in str(caught.value) for package in DEBIAN_PACKAGES)
    # A failed attempt must not block the next.
    with pytest.raises(MissingEglError):
        RenderContext()


def test_second_renderer_is_refused(renderer):
    with pytest.raises(RendererInUseError, match="close it first"):
        StreetRenderer(Camera(), lambda name: None)


@pytest.mark.parametrize(
    ("name", "software"),
    [("llvmpipe (LLVM 15.0.6, 256 bits)", True), ("NVIDIA H100/PCIe/SSE2", False), ("softpipe", True)],
)
def test_tells_software_from_a_gpu(monkeypatch, alone, name, software):
    fake = _FakeContext(name)
    monkeypatch.setattr(context_module, "_create", lambda: fake)
    context = RenderContext()
    assert (context.renderer, context.software) == (name, software)
    context.close()
    assert fake.released


@pytest.mark.parametrize(
    ("nvidia", "name", "warnings"), [(True, "llvmpipe", 1), (False, "llvmpipe", 0), (True, "A", 0)]
)
def test_warns_once_of_an_unused_gpu(monkeypatch, alone, caplog, nvidia, name, warnings):
    monkeypatch.setattr(context_module, "_create", lambda: _FakeContext(name))
    monkeypatch.setattr(context_module, "nvidia_present", lambda: nvidia)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            RenderContext().close()
    assert len(caplog.records) == warnings
