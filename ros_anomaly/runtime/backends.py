"""Backends by name, and how a text such as ``torch:cuda:compile`` chooses one, its device and its mode.

``NAME[:DEVICE][:MODE]``; what is left out is the backend's default, the first of its list.

| backend | device | mode |
|---|---|---|
| onnxruntime | cpu, cuda | |
| openvino | cpu | f32, bf16: precision of the matrices |
| torch | cpu, cuda | eager, compile (torch.compile), cuda_graph (cuda alone) |
| tensorrt, tensorrt_rtx, torch_tensorrt | cuda | |
"""

from __future__ import annotations

from dataclasses import dataclass

CPU, CUDA = "cpu", "cuda"
CUDA_GRAPH = "cuda_graph"
_SEPARATOR = ":"


@dataclass(frozen=True)
class Backend:
    """A library that runs engines.

    Attributes:
        role: in the manifest, of the file that it runs.
        session: ``module:class`` of its ``Session``; imported when asked for, each needs its own libraries.
        devices: that it runs on, the default first.
        modes: ways in which it runs, the default first; empty where there is but one.
        install: what gives its library, for the message where that is missing.
    """

    name: str
    role: str
    session: str
    install: str
    devices: tuple[str, ...] = (CPU,)
    modes: tuple[str, ...] = ()


_TENSORRT = "ros_anomaly.runtime.tensorrt"

BACKENDS: dict[str, Backend] = {
    backend.name: backend
    for backend in (
        Backend(
            "onnxruntime",
            "onnx",
            "ros_anomaly.runtime.onnxruntime_session:OnnxRuntimeSession",
            "pip install onnxruntime",
            devices=(CPU, CUDA),
        ),
        Backend(
            "openvino",
            "onnx",
            "ros_anomaly.runtime.openvino_session:OpenVinoSession",
            "pip install openvino",
            modes=("f32", "bf16"),
        ),
        Backend(
            "torch",
            "torch_program",
            "ros_anomaly.runtime.torch_session:TorchSession",
            "pip install torch",
            devices=(CPU, CUDA),
            modes=("eager", "compile", CUDA_GRAPH),
        ),
        Backend("tensorrt", "engine", f"{_TENSORRT}.session:TensorRtSession", "JetPack or NVIDIA's index", (CUDA,)),
        Backend(
            "tensorrt_rtx",
            "engine",
            f"{_TENSORRT}.session:TensorRtRtxSession",
            "pip install tensorrt-rtx-cu13",
            (CUDA,),
        ),
        Backend(
            "torch_tensorrt",
            "engine",
            f"{_TENSORRT}.torch_program_session:TorchTensorRtSession",
            "pip install torch-tensorrt, of torch's version",
            (CUDA,),
        ),
    )
}
BACKEND_NAMES: tuple[str, ...] = tuple(BACKENDS)

DEFAULT_BACKEND = "onnxruntime"


@dataclass(frozen=True)
class BackendChoice:
    """A backend, its device and its mode ("" where it has but one). ``str`` gives the shortest text that parses to it.

    Raises:
        ValueError: no such backend, or a device or mode that it does not have; the message lists the legal ones.
    """

    name: str
    device: str
    mode: str = ""

    def __post_init__(self) -> None:
        backend = _backend(self.name)
        if self.device not in backend.devices or self.mode not in (backend.modes or ("",)):
            raise ValueError(f"backend {self.name}: {_expected(backend)}; found device {self.device!r}, {self.mode!r}")
        if self.mode == CUDA_GRAPH and self.device != CUDA:
            raise ValueError(f"backend {self.name}: expected {CUDA_GRAPH} on device {CUDA}, found it on {self.device}")

    @staticmethod
    def parse(text: str) -> BackendChoice:
        """The choice that ``NAME[:DEVICE][:MODE]`` names; a CUDA graph needs no word of its device."""
        name, *words = text.split(_SEPARATOR)
        backend = _backend(name)
        devices = [word for word in words if word in backend.devices]
        modes = [word for word in words if word in backend.modes]
        if len(devices) > 1 or len(modes) > 1 or len(devices) + len(modes) < len(words):
            raise ValueError(f"backend {name}: {_expected(backend)}; found {text!r}")
        mode = modes[0] if modes else next(iter(backend.modes), "")
        device = devices[0] if devices else CUDA if mode == CUDA_GRAPH else backend.devices[0]
        return BackendChoice(name, device, mode)

    @property
    def backend(self) -> Backend:
        """What the name stands for."""
        return BACKENDS[self.name]

    def __str__(self) -> str:
        words = [self.name]
        if self.device != self.backend.devices[0] and self.mode != CUDA_GRAPH:
            words.append(self.device)
        if self.backend.modes and self.mode != self.backend.modes[0]:
            words.append(self.mode)
        return _SEPARATOR.join(words)


def choices() -> tuple[BackendChoice, ...]:
    """Every backend on every device in every mode."""
    return tuple(
        BackendChoice(backend.name, device, mode)
        for backend in BACKENDS.values()
        for device in backend.devices
        for mode in backend.modes or ("",)
        if mode != CUDA_GRAPH or device == CUDA
    )


def _backend(name: str) -> Backend:
    if name not in BACKENDS:
        raise ValueError(f"backend: expected one of {', '.join(BACKEND_NAMES)}; found {name!r}")
    return BACKENDS[name]


def _expected(backend: Backend) -> str:
    lists = [f"one of the devices {', '.join(backend.devices)}"]
    if backend.modes:
        lists.append(f"one of the modes {', '.join(backend.modes)}")
    return f"expected after its name at most {' and '.join(lists)}"


BACKEND_TEXTS: tuple[str, ...] = tuple(map(str, choices()))
"""Every choice as a text: what a parameter may be set to."""
