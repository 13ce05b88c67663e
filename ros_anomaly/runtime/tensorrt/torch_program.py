"""A torch.export program to one whose parts run in TensorRT, by Torch-TensorRT."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ros_anomaly.runtime.building.options import BuildOptions
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.tensorrt.torch_tensorrt_api import load_torch_tensorrt

_LOADED, _COMPILED = 0.05, 0.95


def build_program(program_path: Path, options: BuildOptions, progress: Callable[[float], None]) -> bytes:
    """Compile a ``.pt2`` program for this machine's GPU, every tensor in the type that the program gives it.

    Operators that TensorRT lacks stay in torch: that is what this backend is for.

    Args:
        program_path: of one uint8 [H, W, 3] image.
        options: of backend ``torch_tensorrt``.
        progress: told the share done. Torch-TensorRT tells nothing while it compiles, which is most of the time.

    Raises:
        EngineError: library or GPU missing, no such program, or the build failed.
    """
    import torch

    module = load_torch_tensorrt()
    if options.targets:
        raise EngineError(
            f"torch_tensorrt: expected no targets, since it builds for its own GPU; found {options.targets}"
        )
    if not torch.cuda.is_available():
        raise EngineError("torch_tensorrt: expected a GPU that torch can use, found none")
    progress(0.0)
    image, program = _load_for(program_path, "cuda")
    progress(_LOADED)
    with _failures_of(module, program_path):
        compiled = module.dynamo.compile(program, arg_inputs=[image], **_settings(module.dynamo.compile, options))
    progress(_COMPILED)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "program.pt2"  # torch insists on the suffix
        with _failures_of(module, program_path):
            module.save(compiled, str(path), output_format="exported_program", arg_inputs=[image])
        built = path.read_bytes()
    progress(1.0)
    return built


@contextmanager
def _failures_of(module: Any, path: Path) -> Iterator[None]:
    """Turns whatever the library raises into an EngineError of one line; it raises more than RuntimeErrors."""
    try:
        yield
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise EngineError(f"{path}: torch_tensorrt {module.__version__} built nothing: {reason}") from error


def _load_for(path: Path, device: str) -> tuple[Any, Any]:
    """(an image as the program takes it, the program), both on the device."""
    import torch
    from torch.export.passes import move_to_device_pass

    try:
        program = torch.export.load(str(path))
    except Exception as error:  # zip, pickle and schema errors have no common base
        raise EngineError(f"{path}: expected a torch.export program, found one that does not load: {error}") from error
    nodes = {node.name: node for node in program.graph.nodes}
    inputs = [nodes[name].meta["val"] for name in program.graph_signature.user_inputs if name in nodes]
    if len(inputs) != 1:
        raise EngineError(f"{path}: expected a program of one image, found {len(inputs)} inputs")
    try:
        image = torch.zeros(tuple(map(int, inputs[0].shape)), dtype=inputs[0].dtype, device=device)
        return image, move_to_device_pass(program, device)
    except RuntimeError as error:  # CUDA's errors, of memory too
        raise EngineError(f"{path}: expected a program that fits on the device {device}, found: {error}") from error


def _settings(compile_program: Callable[..., Any], options: BuildOptions) -> dict[str, Any]:
    """Keywords for Torch-TensorRT's compiler. TF32 is off for the reason that ``build_plan`` gives."""
    settings: dict[str, Any] = {"disable_tf32": True, "workspace_size": options.workspace_mib << 20}
    if options.optimization_level is not None:
        settings["optimization_level"] = options.optimization_level
    if options.timing_cache is not None:
        settings["timing_cache_path"] = str(options.timing_cache)
    # Typed by the program alone: a choice up to version 2.9, the only way since.
    if "use_explicit_typing" in inspect.signature(compile_program).parameters:
        settings["use_explicit_typing"] = True
    return settings
