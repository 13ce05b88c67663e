"""ONNX to a plan: the bytes that TensorRT or TensorRT-RTX runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ros_anomaly.runtime.building.options import BuildOptions
from ros_anomaly.runtime.errors import EngineError
from ros_anomaly.runtime.tensorrt.api import complaints, load_api, logger_of
from ros_anomaly.runtime.tensorrt.build_progress import PhaseTree, make_monitor
from ros_anomaly.runtime.tensorrt.driver import find_gpu
from ros_anomaly.runtime.tensorrt.network_parsing import parse_network
from ros_anomaly.runtime.tensorrt.timing_cache import keep_timing_cache, use_timing_cache


def build_plan(onnx_path: Path, options: BuildOptions, progress: Callable[[float], None]) -> bytes:
    """Compile an ONNX network as it is: every tensor keeps the type that the file gives it.

    TF32 stays off: it would round the float32 parts of a network (softmax, the weighted sum) to half's mantissa.

    Args:
        onnx_path: with weights inside.
        options: of backend ``tensorrt`` (for this machine's GPU) or ``tensorrt_rtx`` (for ``targets``, without a GPU
            as well; none: this machine's GPU).
        progress: told the share done, 0 to 1, never less than before. What it raises ends the build and passes.

    Raises:
        ValueError: another backend.
        EngineError: library or GPU missing, a network or a target that is not supported, or the build failed.
    """
    api = load_api(options.backend)
    logger = logger_of(api)
    tree = PhaseTree(progress)
    progress(0.0)
    # Before the builder: TensorRT's cannot be made without a GPU, and says less of it.
    targets = _targets(api, options)
    builder = api.Builder(logger)
    network, parser = parse_network(api, builder, logger, onnx_path)
    config = builder.create_builder_config()
    _configure(api, config, options, targets)
    config.progress_monitor = make_monitor(api, tree)
    logger.complaints.clear()  # what the parser warned about and went on
    plan = builder.build_serialized_network(network, config)
    del parser  # not earlier: it holds the weights
    if tree.error is not None:
        raise tree.error
    if plan is None:
        raise EngineError(f"{onnx_path}: {options.backend} {api.__version__} built nothing: {complaints(logger)}")
    if options.timing_cache is not None and options.backend == "tensorrt":
        keep_timing_cache(config, options.timing_cache)
    progress(1.0)
    return bytes(memoryview(plan))


def _configure(api: Any, config: Any, options: BuildOptions, targets: list[Any]) -> None:
    config.clear_flag(api.BuilderFlag.TF32)
    if options.workspace_mib:
        config.set_memory_pool_limit(api.MemoryPoolType.WORKSPACE, options.workspace_mib << 20)
    if options.optimization_level is not None:
        config.builder_optimization_level = options.optimization_level
    if targets:
        config.num_compute_capabilities = len(targets)
        for index, target in enumerate(targets):
            if not config.set_compute_capability(target, index):
                raise EngineError(
                    f"{options.backend}: expected {target.name} to be taken as a target, found it refused"
                )
    # To TensorRT-RTX a timing cache means nothing.
    if options.timing_cache is not None and options.backend == "tensorrt":
        use_timing_cache(config, options.timing_cache)


def _targets(api: Any, options: BuildOptions) -> list[Any]:
    """What to build for, in the library's own words; none for TensorRT, which builds for the GPU that it finds."""
    capabilities = options.targets
    if options.backend == "tensorrt" and capabilities:
        raise EngineError(f"tensorrt: expected no targets, since it builds for its own GPU; found {capabilities}")
    if not capabilities:
        gpu = find_gpu()
        if gpu is None:
            what = "a GPU" if options.backend == "tensorrt" else "targets or a GPU"
            raise EngineError(f"{options.backend}: expected {what} to build for, found none")
        capabilities = (gpu.compute_capability,)
    if options.backend == "tensorrt":
        return []
    found = []
    for capability in capabilities:
        name = f"SM{capability.replace('.', '')}"
        if not hasattr(api.ComputeCapability, name):
            known = ", ".join(known for known in dir(api.ComputeCapability) if known.startswith("SM"))
            raise EngineError(f"tensorrt_rtx {api.__version__}: expected a target among {known}; found {name}")
        found.append(getattr(api.ComputeCapability, name))
    return found
