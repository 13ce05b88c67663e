"""The benchmark of the metrics, on few pixels."""

from __future__ import annotations

import json

import pytest

from ros_anomaly.cli import benchmark
from ros_anomaly.evaluation.metrics_benchmark import run_benchmark


def test_figures_agree_with_the_exact_ones():
    done = []
    result = run_benchmark(40_000, 60_000, on_pixels=done.append)
    assert sum(done) == 80_000
    assert [(one["kind"], one["pixels"]) for one in result["streamed"]] == [("random", 40_000), ("ties", 40_000)]
    for one in result["compared"]:
        assert one["difference"] <= one["max_error"] + 1e-9
        assert one["exact_by"] and one["exact_cpu_s"] > 0
    random, ties = result["streamed"]
    assert 0.5 < ties["auroc"] < random["auroc"] < 1.0


def test_executable_prints_json_alone(capsys):
    assert benchmark.main(["metrics", "--pixels", "20000", "--compare", "0", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["compared"] == [] and len(figures["streamed"]) == 2


def test_too_few_pixels_are_refused():
    with pytest.raises(ValueError, match="too few pixels"):
        run_benchmark(1, 0)
