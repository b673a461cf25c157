"""The house stands as designed: rooms, sizes, names, and what the repository may contain."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
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


def _imports(path: Path) -> set[str]:
    """Top-level names that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_imports_keep_to_the_contracts() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_contracts_are_all_there() -> None:
    """So that nobody makes the check green by taking a contract away."""
    house = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    told = {c["name"].split(":")[0].split(",")[0]: c for c in house["contracts"]}
    assert house["root_packages"] == list(ROOMS)
    assert told["flows order"]["layers"] == ["flows", "tasks | blocks", "data"]
    inside = ["data.report | data.store", "data.rules", "data.records", "data.errors"]
    assert told["inside data"]["layers"] == inside
    pure = told["the pure rooms import no I/O"]
    assert {"data.records", "data.rules"} == set(pure["source_modules"])
    worldly = {"duckdb", "httpx", "websockets", "prefect", "time", "random", "os"}
    assert worldly <= set(pure["forbidden_modules"])
    assert told["duckdb only in data.store"]["forbidden_modules"] == ["duckdb"]
    assert told["jwt only in tasks.tokens"]["forbidden_modules"] == ["jwt"]


def test_a_library_is_imported_where_it_belongs() -> None:
    """Said again without import-linter: its lists name rooms, and a new room would be in none."""
    for library, place in (("duckdb", "data/store/"), ("jwt", "tasks/tokens.py")):
        users = [_name(p) for p in _modules() if library in _imports(p)]
        assert users, library
        assert [name for name in users if not name.startswith(place)] == []


def test_no_module_is_named_for_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "manager", "base", "misc"}
    parts = [(path, part) for path in _modules() for part in path.relative_to(ROOT).parts]
    assert [_name(p) for p, part in parts if part.removesuffix(".py") in vague] == []


def test_files_stay_readable() -> None:
    tops = (*ROOMS, "tests/docs", "tests/house")
    everywhere = [path for top in tops for path in (ROOT / top).rglob("*.py")]
    assert [_name(p) for p in everywhere if p.read_text().count("\n") > 350] == []


def test_nine_in_ten_functions_are_short() -> None:
    sizes = sorted(((n, name) for path in _modules() for name, n in _functions(path)), reverse=True)
    long = [f"{n} lines: {name}" for n, name in sizes if n > 22]
    print(
        f"{len(long)} of {len(sizes)} bodies above 22 lines; the longest:", *long[:10], sep="\n  "
    )
    assert len(long) <= len(sizes) / 10
    assert [name for n, name in sizes if n > 40] == []


def test_every_module_says_what_it_is() -> None:
    silent = [
        p
        for p in _modules()
        if p.read_text().strip() and not ast.get_docstring(ast.parse(p.read_text()))
    ]
    assert [_name(p) for p in silent] == []


def test_only_the_composition_root_reads_the_environment() -> None:
    readers = [_name(p) for p in _modules() if _reads_environment(ast.parse(p.read_text()))]
    assert [n for n in readers if not n.startswith(OWN_PROCESS)] == ["flows/wiring.py"]


def _reads_environment(tree: ast.AST) -> bool:
    """`os.environ`, `os.getenv` or `from os import environ`; a docstring that names it does not."""
    names = {"environ", "environb", "getenv", "getenvb"}
    return any(
        (isinstance(n, ast.Attribute) and n.attr in names and ast.unparse(n.value) == "os")
        or (
            isinstance(n, ast.ImportFrom) and n.module == "os" and names & {a.name for a in n.names}
        )
        for n in ast.walk(tree)
    )


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


def test_no_import_runs_in_a_circle() -> None:
    """Modules of ours, by their imports at module level."""
    graph = {_dotted(p): _ours(p) for p in _modules()}
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " → ".join((*above, name))
        if name not in done:
            for other in graph.get(name, ()):
                visit(other, (*above, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _ours(path: Path) -> set[str]:
    found: set[str] = set()
    known = {_dotted(p) for p in _modules()}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in ROOMS:
            whole = {f"{node.module}.{alias.name}" for alias in node.names} & known
            found |= whole or {node.module}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & known
    return found - {_dotted(path)}


def test_public_things_say_what_they_are() -> None:
    silent = []
    for path in _modules():
        for node in ast.parse(path.read_text()).body:
            kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
            if isinstance(node, kinds) and not node.name.startswith("_"):
                silent += [] if ast.get_docstring(node) else [f"{_name(path)}:{node.name}"]
    assert [name for name in silent if not name.startswith(OWN_PROCESS)] == []


def test_the_lock_has_hashes_and_no_addresses() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    pins = re.findall(r"^[a-z0-9][\w.-]*(?:\[[\w,-]+\])?==", lock, re.MULTILINE | re.IGNORECASE)
    assert len(pins) > 50
    assert lock.count("--hash=sha256:") >= len(pins)
    assert re.findall(r"://|--index-url|--find-links|--extra-index", lock) == []
    each = [part for part in re.split(r"^(?=\w)", lock, flags=re.MULTILINE) if "==" in part]
    assert [part for part in each if "--hash=sha256:" not in part] == []


def test_nothing_tracked_names_a_place_of_one_machine() -> None:
    places = {str(p) for p in (ROOT, Path.home()) if len(p.parts) > 2} | {"/root"}
    here = "|".join(re.escape(place) for place in places)
    pattern = re.compile(rf"(?<![\w.])(?:(?:{here})/|/home/\w+/|/Users/\w+/)")
    named = []
    for name in _tracked():
        path = ROOT / name
        if path.suffix != ".png" and path.is_file() and name != "tests/house/test_house.py":
            named += [name] if pattern.search(path.read_text(errors="replace")) else []
    assert named == []


def test_the_wheel_holds_what_runs(tmp_path: Path) -> None:
    """Every file of the rooms that is no cache: templates, SQL, the plugin of another process."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    wanted = {n for n in _tracked() if n.startswith(tuple(f"{room}/" for room in ROOMS))}
    assert {n.rsplit(".", 1)[-1] for n in wanted} >= {"py", "sql", "j2", "css"}
    assert sorted(n for n in wanted - names if (ROOT / n).is_file()) == []
    assert sorted(n for n in names if n.startswith(("tests/", "examples/", "docs/", "var/"))) == []
