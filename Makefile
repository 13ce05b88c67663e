# make help says what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
OUT ?= demo_out
TOWN ?=
DURATION ?=
ENGINE ?=
LATENCY_MS ?=
RESUME ?=
PYTEST_ARGS ?=
ARGS ?=

export PYTHON VENV

profile := $(CURDIR)/config/fastdds_large_images.xml
export FASTDDS_DEFAULT_PROFILES_FILE := $(profile)
export FASTRTPS_DEFAULT_PROFILES_FILE := $(profile)
export ROS_AUTOMATIC_DISCOVERY_RANGE := LOCALHOST

.PHONY: help setup demo closed-loop test test-kilted check check-reports check-tensorrt cutouts gpu-pack gpu-check gpu-bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make .venv with everything that is needed (pinned; a second call does nothing)
	@scripts/setup.sh

demo: setup ## Drive through a rendered street, detect, report in demo_out/ (DURATION=10 for the short one)
	@$(VENV)/bin/ros-anomaly-demo --out $(OUT) $(if $(DURATION),--duration $(DURATION)) $(if $(TOWN),--town $(TOWN)) $(if $(ENGINE),--engine $(ENGINE))

closed-loop: setup ## Drive the scenario suite with detector, oracle and blind driver; closed_loop_out/report.html (RESUME=1 goes on, LATENCY_MS=)
	@$(VENV)/bin/ros-anomaly-closed-loop --out closed_loop_out $(if $(ENGINE),--engine $(ENGINE)) $(if $(LATENCY_MS),--latency-ms $(LATENCY_MS)) $(if $(RESUME),--resume)

check: setup ## Lint, format and types
	@echo "== ruff check"
	@$(VENV)/bin/ruff check .
	@echo "== ruff format"
	@$(VENV)/bin/ruff format --check .
	@echo "== mypy"
	@$(VENV)/bin/mypy

test: check ## Lint, types and all tests
	@echo "== pytest"
	@$(VENV)/bin/python -m pytest $(PYTEST_ARGS)

check-reports: setup ## Open every kind of report in headless Chromium; pictures in report_screenshots/
	@REPORT_SCREENSHOTS=$(CURDIR)/report_screenshots $(VENV)/bin/python -m pytest test/evaluation/test_report_in_chromium.py

test-kilted: ## The node on ROS 2 Kilted: its tests in a second environment, .venv-kilted
	@scripts/setup_kilted.sh
	@env -u FASTRTPS_DEFAULT_PROFILES_FILE $(VENV)-kilted/bin/python -m pytest test/graph test/messages test/nodes test/faults $(PYTEST_ARGS)

check-tensorrt: setup ## Have TensorRT-RTX build the default network, which needs no GPU; skipped where it has no wheel
	@scripts/check_tensorrt.sh

gpu-check: ## Hold every backend found here to torch over street frames: a Jetson's acceptance test (ARGS='--require tensorrt')
	@scripts/gpu_check.sh $(ARGS)

cutouts: ## Fetch the pictures that recipes paste beside rendered objects (npm) into cutouts/
	@$(PYTHON) scripts/emoji_cutouts.py cutouts/fluent_emoji

gpu-pack: setup ## Pack in .gpu_pack/ what scripts/gpu_train.sh needs on a GPU machine without internet (RECIPE=, START=)
	@scripts/gpu_pack.sh

gpu-bench: ## Time engines and kernels on a GPU machine, with its own Python packages; docs/benchmarks/<device>.json
	@scripts/gpu_bench.sh $(ARGS)

clean: ## Remove what the demo and the tests leave (keeps .venv)
	@rm -rf $(OUT) closed_loop_out report_screenshots build install log .pytest_cache .mypy_cache .ruff_cache
