"""What no linter checks: no path of one machine, nothing unfinished or swallowed, no file that outgrew one idea."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = {".py", ".md", ".sh", ".yaml", ".xml", ".toml", ".cfg", ".txt", ".json", ".glsl", ".vert", ".frag", ".j2", ""}
THIS = Path(__file__).name

MACHINE_PATH = re.compile(r"(?<![\w.])/(work|root|farm|home/\w+|tmp/\w)")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError|place" r"holder)\b")
LONGEST_LINES = 450


def tracked_files() -> list[Path]:
    """Files that git tracks or would track; the whole tree where there is no git."""
    try:
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def found(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    hits = []
    for path in files:
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if pattern.search(line):
                hits.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    return hits


def text_files() -> list[Path]:
    return [p for p in tracked_files() if p.suffix in TEXT and p.name not in (THIS, "LICENSE")]


def python_files() -> list[Path]:
    return [p for p in tracked_files() if p.suffix == ".py" and p.name != THIS]


def test_no_paths_of_one_machine():
    assert found(MACHINE_PATH, text_files()) == []


def test_nothing_unfinished():
    assert found(UNFINISHED, python_files()) == []


def swallowing_handlers(source: str) -> list[int]:
    """Lines of handlers that catch everything and neither raise again nor look at what they caught."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        broad = node.type is None or getattr(node.type, "id", None) in ("Exception", "BaseException")
        raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
        looks = node.name and any(getattr(inner, "id", None) == node.name for inner in ast.walk(node))
        if broad and not raises and not looks:
            lines.append(node.lineno)
    return lines


def test_no_swallowed_exceptions():
    hits = [f"{p.relative_to(ROOT)}:{n}" for p in python_files() for n in swallowing_handlers(p.read_text("utf-8"))]
    assert hits == []


def test_no_file_outgrows_one_idea():
    lengths = {str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines()) for p in python_files()}
    assert {name: n for name, n in lengths.items() if n > LONGEST_LINES} == {}


def test_every_package_folder_says_what_it_is():
    missing = []
    for top in ("ros_anomaly", "sim"):
        for folder in {p.parent for p in (ROOT / top).rglob("*.py")}:
            init = folder / "__init__.py"
            if not init.is_file() or not init.read_text(encoding="utf-8").startswith('"""'):
                missing.append(str(folder.relative_to(ROOT)))
    assert missing == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (MACHINE_PATH, "cd /work/somewhere"),
        (MACHINE_PATH, 'open("/root/x")'),
        (UNFINISHED, "x = 1  # TODO later"),
    ],
)
def test_the_patterns_find_what_they_look_for(pattern: re.Pattern[str], line: str):
    assert pattern.search(line)


@pytest.mark.parametrize(
    ("handler", "swallows"),
    [
        ("except: pass", True),
        ("except Exception: x = 1", True),
        ("except ValueError: pass", False),
        ("except BaseException: close(); raise", False),
        ("except Exception as error: report(error)", False),
    ],
)
def test_a_swallowing_handler_is_told_from_a_good_one(handler: str, swallows: bool):
    assert bool(swallowing_handlers(f"try:\n    work()\n{handler}")) is swallows
