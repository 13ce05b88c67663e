"""The package as installed: metadata that agree, executables that exist, the same content in every install mode."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARE_FOLDERS = ("config", "engines", "launch")


def setup_value(name: str) -> Any:
    """A literal of setup.py: a module constant, or an argument of the call to setup()."""
    for node in ast.walk(ast.parse((ROOT / "setup.py").read_text())):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == name:
            return ast.literal_eval(node.value)
        if isinstance(node, ast.keyword) and node.arg == name and isinstance(node.value, ast.Constant):
            return node.value.value
    raise KeyError(name)


def clean_environment(**extra: str) -> dict[str, str]:
    """This environment without what points into the checkout or another ROS workspace."""
    drop = ("PYTHONPATH", "AMENT_PREFIX_PATH", "COLCON_PREFIX_PATH", "PYTEST_CURRENT_TEST")
    return {k: v for k, v in os.environ.items() if k not in drop} | extra


def run(*command: str | Path, cwd: Path, **extra: str) -> str:
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, env=clean_environment(**extra), capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_package_xml_and_setup_py_agree():
    package = ElementTree.parse(ROOT / "package.xml").getroot()
    assert package.get("format") == "3"
    assert package.findtext("version") == setup_value("version")
    assert package.findtext("license") == setup_value("license") == "Apache-2.0"
    maintainer = package.find("maintainer")
    assert maintainer is not None and maintainer.get("email") == setup_value("maintainer_email")
    assert package.findtext("export/build_type") == "ament_python"


def is_executable(module: Path) -> bool:
    return any(isinstance(n, ast.FunctionDef) and n.name == "main" for n in ast.parse(module.read_text()).body)


def test_every_executable_has_its_module_and_every_module_with_a_main_its_executable():
    modules = {p.stem for p in (ROOT / "ros_anomaly/cli").glob("*.py") if is_executable(p)}
    assert modules == set(setup_value("EXECUTABLES"))
    # `python -m` on a module without this line does nothing, and says so to nobody.
    assert [name for name in modules if "__main__" not in (ROOT / f"ros_anomaly/cli/{name}.py").read_text()] == []


@pytest.mark.parametrize("name", setup_value("EXECUTABLES"))
def test_help_of_every_executable(name: str):
    script = Path(sys.executable).with_name(f"ros-anomaly-{name.replace('_', '-')}")
    text = run(script, "--help", cwd=ROOT)
    assert text.startswith(f"usage: {script.name}")


def test_every_package_is_pinned_once():
    pins: dict[str, str] = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name, separator, version = line.partition("==")
        assert separator and version, f"not pinned: {line!r}"
        assert name.lower() not in pins, f"pinned twice: {name}"
        pins[name.lower()] = version
    assert {"torch", "numpy", "onnxruntime", "ros-rclpy", "setuptools"} <= pins.keys()


def expected_files() -> tuple[set[str], set[str]]:
    """Files of both packages as import paths, and files of the share folder, as the checkout has them."""
    code = set()
    for folder, package in (("ros_anomaly", "ros_anomaly"), ("sim", "ros_anomaly_sim")):
        for path in (ROOT / folder).rglob("*"):
            inside = path.relative_to(ROOT / folder)
            in_package = all((ROOT / folder / p / "__init__.py").is_file() for p in inside.parents)
            if path.is_file() and "__pycache__" not in inside.parts and in_package:
                code.add(f"{package}/{inside}")
    left_out = {"__pycache__", "built"}
    share = {
        str(path.relative_to(ROOT))
        for folder in SHARE_FOLDERS
        for path in (ROOT / folder).rglob("[!.]*")
        if path.is_file() and not left_out & set(path.relative_to(ROOT).parts)
    }
    return code, share


def check_import(python: Path, cwd: Path, origin: Path, **extra: str) -> None:
    """Both packages import from below ``origin``, and share_path finds the default parameter file."""
    code = (
        "import ros_anomaly, ros_anomaly_sim, ros_anomaly_sim.street.scene\n"
        "from ros_anomaly.share import share_path\n"
        "print(ros_anomaly.__file__, ros_anomaly_sim.__file__, share_path('config/fastdds_large_images.xml'))"
    )
    for place in run(python, "-c", code, cwd=cwd, **extra).split():
        assert Path(place).is_relative_to(origin), f"{place} is not below {origin}"


def files_below(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts}


@pytest.mark.timeout(240)
def test_pip_install(tmp_path: Path):
    """`pip install .` into a prefix of its own has every module, data file and share file of the checkout.

    Without --ignore-installed pip would first uninstall the package that these tests run from.
    """
    options = (
        "--no-deps",
        "--ignore-installed",
        "--no-build-isolation",
        "--no-compile",
        "--quiet",
        "--disable-pip-version-check",
    )
    source = copy_of_the_checkout(tmp_path / "source")
    run(sys.executable, "-m", "pip", "install", *options, "--prefix", tmp_path / "prefix", source, cwd=tmp_path)
    site = next((tmp_path / "prefix").glob("lib/python3*/site-packages"))
    code, share = expected_files()
    assert code <= files_below(site)
    assert share <= files_below(tmp_path / "prefix/share/ros_anomaly")
    scripts = {p.name for p in (tmp_path / "prefix/bin").iterdir()}
    assert {"ros-anomaly-demo", "ros-anomaly-export-network"} <= scripts
    check_import(Path(sys.executable), tmp_path, tmp_path / "prefix", PYTHONPATH=str(site))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("mode", ["copy", "symlink"])
def test_colcon_build_and_test(tmp_path: Path, mode: str):
    """colcon builds the package, short executable names land in lib/ros_anomaly, and colcon test runs its tests."""
    source = copy_of_the_checkout(tmp_path / "src/ros_anomaly")
    install = tmp_path / "install/ros_anomaly"
    colcon = Path(sys.executable).with_name("colcon")
    symlinks = ["--symlink-install"] if mode == "symlink" else []
    run(colcon, "build", *symlinks, cwd=tmp_path)
    code, share = expected_files()
    assert share <= files_below(install / "share/ros_anomaly")
    names = {p.name for p in (install / "lib/ros_anomaly").iterdir()}
    assert names == set(setup_value("EXECUTABLES"))

    if mode == "copy":
        site = next(install.glob("lib/python3*/site-packages"))
        assert code <= files_below(site)
        check_import(Path(sys.executable), tmp_path, install, PYTHONPATH=str(site))
    else:
        built = tmp_path / "build/ros_anomaly"
        check_import(Path(sys.executable), tmp_path, tmp_path, PYTHONPATH=str(built))
    sourced = f". {install}/share/ros_anomaly/package.bash && {install}/lib/ros_anomaly/preview_town --help"
    assert "usage:" in run("bash", "-c", sourced, cwd=tmp_path, COLCON_CURRENT_PREFIX=str(install))

    run(colcon, "test", "--return-code-on-test-failure", "--pytest-args", "-k", "test_share", cwd=tmp_path)
    result = run(colcon, "test-result", "--all", cwd=tmp_path)
    assert "0 errors, 0 failures" in result and "Summary: 0 tests" not in result, f"{source}: {result}"


def copy_of_the_checkout(target: Path) -> Path:
    """What a build needs, copied: builds must not write into the checkout."""
    target.mkdir(parents=True)
    names = [
        "package.xml",
        "setup.py",
        "setup.cfg",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "resource",
        "ros_anomaly",
    ]
    for name in (*names, "ros_anomaly_sim", "sim", "test", *SHARE_FOLDERS):
        run("cp", "-a", ROOT / name, target, cwd=target)
    return target
