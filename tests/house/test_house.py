"""The house stands as designed: rooms, sizes, names, and what the repository may contain."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("flows", "tasks", "blocks", "data")
# Run in other processes, with no wiring to ask.
OWN_PROCESS = ("tasks/suites/witness/", "tasks/suites/guard.py")


def _modules() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return listed.stdout.split("\n")[:-1]


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{_name(path)}:{node.name}", (node.end_lineno or 0) - node.body[0].lineno + 1


def test_imports_keep_to_the_contracts() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_no_module_is_named_for_nothing() -> None:
    vague = {"utils", "helpers", "common", "manager", "base", "misc"}
    assert [_name(p) for p in _modules() if p.stem in vague] == []


def test_files_stay_readable() -> None:
    assert [_name(p) for p in _modules() if p.read_text().count("\n") > 350] == []


def test_nine_in_ten_functions_are_short() -> None:
    sizes = [size for path in _modules() for _, size in _functions(path)]
    long = [size for size in sizes if size > 22]
    assert len(long) <= len(sizes) / 10
    assert [name for path in _modules() for name, size in _functions(path) if size > 40] == []


def test_every_module_says_what_it_is() -> None:
    silent = [
        p
        for p in _modules()
        if p.read_text().strip() and not ast.get_docstring(ast.parse(p.read_text()))
    ]
    assert [_name(p) for p in silent] == []


def test_only_the_composition_root_reads_the_environment() -> None:
    readers = [
        _name(p)
        for p in _modules()
        if re.search(r"\bos\.environ\b|\bgetenv\(", p.read_text().replace("`os.environ`", ""))
    ]
    assert [n for n in readers if not n.startswith(OWN_PROCESS)] == ["flows/wiring.py"]


def test_the_product_knows_no_example() -> None:
    """No word of the reference stack in code; help texts and docstrings may point at examples."""
    words = ("18081", "18082", "tool_executing", "agent_completed", "main cleanup")
    found = []
    for path in _modules():
        tree = ast.parse(path.read_text())
        told = {id(n.body[0].value) for n in ast.walk(tree) if _has_docstring(n)}
        found += [
            f"{_name(path)}: {word}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            for word in words
            if word in node.value and id(node) not in told
        ]
    assert found == []


def _has_docstring(node: ast.AST) -> bool:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return isinstance(node, kinds) and ast.get_docstring(node, clean=False) is not None


def test_the_lock_has_hashes_and_no_addresses() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^[a-z0-9][\w.-]*(?:\[[\w,-]+\])?==", lock, re.MULTILINE | re.IGNORECASE)
    assert len(pins) > 50
    assert lock.count("--hash=sha256:") >= len(pins)
    assert "http" not in "".join(
        line
        for line in lock.splitlines()
        if not line.strip().startswith("#")
        and "httpx" not in line
        and "httpcore" not in line
        and "httptools" not in line
    )


def test_nothing_tracked_names_a_place_of_one_machine() -> None:
    pattern = re.compile(r"/work/(?:main|shared)|/home/\w+/|/root/")
    named = []
    for name in _tracked():
        path = ROOT / name
        if path.suffix in (".png", ".lock") or name.startswith("tests/") or not path.is_file():
            continue
        if pattern.search(path.read_text(errors="replace")):
            named.append(name)
    assert named == []


def test_the_wheel_holds_what_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    for ending in ("run.html.j2", "goldenpath_witness.py", "runs.sql", "supervisor.py"):
        assert any(n.endswith(ending) for n in names), ending
    assert any(n.startswith("data/store/migrations/") and n.endswith(".sql") for n in names)
    assert not any(n.startswith(("tests/", "examples/")) for n in names)
