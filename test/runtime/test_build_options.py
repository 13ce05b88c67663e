"""Options, policies and the manifest's build section check themselves; staleness names both values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ros_anomaly.runtime.building.info import BuildInfo
from ros_anomaly.runtime.building.options import (
    BuildOptions,
    BuildPolicy,
    DeviceIdentity,
    Precision,
    StalePolicy,
    compute_capability_text,
)
from ros_anomaly.runtime.building.staleness import why_not_here, why_not_of
from ros_anomaly.runtime.errors import ManifestError

MACHINE = DeviceIdentity("tensorrt", "10.3.0", "Orin", "8.7")
BUILT = BuildInfo(
    backend="tensorrt",
    backend_version="10.3.0",
    precision=Precision.FP16,
    source="default",
    source_sha256="a" * 64,
    device_name="Orin",
    compute_capability="8.7",
)


@pytest.mark.parametrize(("text", "expected"), [("86", "8.6"), ("8.6", "8.6"), ("120", "12.0"), ("12.0", "12.0")])
def test_compute_capability(text, expected):
    assert compute_capability_text(text) == expected


@pytest.mark.parametrize("text", ["", "8", "sm_86", "8.66", "1234"])
def test_compute_capability_refuses(text):
    with pytest.raises(ValueError, match="expected one such as 8.6 or 86, found"):
        compute_capability_text(text)


@pytest.mark.parametrize(
    "values",
    [{"workspace_mib": -1}, {"optimization_level": 6}, {"targets": ("86",)}, {"targets": ("8.6", "8.6")}],
)
def test_options_refuse(values):
    with pytest.raises(ValueError, match="expected .*found"):
        BuildOptions("tensorrt", **values)


@pytest.mark.parametrize("values", [{"workspace_mib": -1}, {"timeout_s": 0.0}])
def test_policy_refuses(values):
    with pytest.raises(ValueError, match="expected .*found"):
        BuildPolicy(**values)


def test_flags_are_what_was_asked_for():
    assert BuildOptions("tensorrt").flags == {}
    asked = BuildOptions("tensorrt", workspace_mib=512, optimization_level=0)
    assert asked.flags == {"workspace_mib": 512, "optimization_level": 0}


@pytest.mark.parametrize(
    "policy",
    [
        BuildPolicy(),
        BuildPolicy(Precision.INT8, True, StalePolicy.REFUSE, Path("/cache"), 256, 60.0),
    ],
)
def test_policy_reaches_another_process(policy):
    assert BuildPolicy.from_plain(policy.to_plain()) == policy


def test_what_fits_runs():
    assert why_not_here(BUILT, MACHINE) is None
    assert why_not_of(BUILT, "a" * 64, Precision.FP16) is None


@pytest.mark.parametrize(
    ("here", "says"),
    [
        ({"backend_version": "10.7.0"}, "tensorrt version 10.3.0, found 10.7.0"),
        ({"device_name": "Thor"}, "GPU Orin, found Thor"),
        ({"device_name": "", "compute_capability": ""}, "GPU Orin, found none"),
        ({"compute_capability": "11.0"}, "compute capability 8.7, found 11.0"),
        ({"backend": "tensorrt_rtx"}, "backend tensorrt, found tensorrt_rtx"),
    ],
)
def test_another_machine_is_named_with_both_values(here, says):
    reason = why_not_here(BUILT, replace(MACHINE, **here))
    assert reason is not None and says in reason


@pytest.mark.parametrize(("capability", "fits"), [("8.6", True), ("12.0", True), ("8.7", False), ("", False)])
def test_an_engine_for_targets_runs_on_each_of_them(capability, fits):
    built = replace(BUILT, device_name="", compute_capability="", targets=("8.6", "12.0"))
    reason = why_not_here(built, replace(MACHINE, device_name="any", compute_capability=capability))
    assert (reason is None) == fits
    assert fits or f"8.6, 12.0, found {capability or 'no GPU'}" in str(reason)


def test_an_engine_for_targets_is_bound_to_its_library_all_the_same():
    built = replace(BUILT, device_name="", compute_capability="", targets=("8.7",))
    assert "version 10.3.0, found 10.4.0" in str(why_not_here(built, replace(MACHINE, backend_version="10.4.0")))


def test_another_source_or_precision_is_named_with_both_values():
    assert "aaaaaaaaaaaa…, found bbbbbbbbbbbb…" in str(why_not_of(BUILT, "b" * 64, Precision.FP16))
    assert "built in fp16, expected int8" in str(why_not_of(BUILT, "a" * 64, Precision.INT8))


@pytest.mark.parametrize(
    "values",
    [
        {"backend": ""},
        {"source_sha256": None},
        {"compute_capability": "sm_87"},
        {"targets": ["86", "x"]},
        {"precision": "fp8"},
        {"gpu": "Orin"},
    ],
)
def test_build_section_refuses(values):
    plain = {
        "backend": "tensorrt",
        "backend_version": "10.3.0",
        "precision": "fp16",
        "source": "default",
        "source_sha256": "a" * 64,
    }
    assert BuildInfo.from_plain(plain).device_name == ""
    with pytest.raises(ManifestError, match="manifest build.*expected .*found|unknown key 'gpu'"):
        BuildInfo.from_plain({**plain, **values})


@pytest.mark.parametrize("plain", [[], "tensorrt", {}, {"backend": "tensorrt"}])
def test_build_section_that_is_none_is_refused(plain):
    with pytest.raises(ManifestError, match="manifest build"):
        BuildInfo.from_plain(plain)
