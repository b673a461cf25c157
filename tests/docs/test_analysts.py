"""What docs/analysts.md shows is run as it stands there, by the programs that it names."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from data.store.address import file_of
from data.store.exchange import exchange
from data.store.published import published_path
from data.store.warehouse import Warehouse
from flows.cli import main
from tests.docs.pages import ROOT, fences
from tests.docs.test_cookbook import _held as held
from tests.docs.test_cookbook import _promoted as promoted
from tests.docs.test_cookbook import _watched as watched
from tests.postgresql import PASSWORD, binaries, running
from tests.store.runs import at
from tests.store.test_published import spooled

PAGE = ROOT / "docs" / "analysts.md"
BLOCKS = fences(PAGE)
COPY = "var/goldenpath.analyst.duckdb"
PROGRAMS = Path(sys.executable).parent


def blocks(info: str, having: str = "") -> list[str]:
    found = [text for kind, text in BLOCKS if kind == info and having in text]
    assert found, f"no block {info!r} with {having!r}"
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's folder with a warehouse of three runs, its copy, and the examples."""
    place = tmp_path_factory.mktemp("analysts")
    Warehouse(place / "var" / "goldenpath.duckdb").commit([*promoted(), *watched(), *held()])
    shutil.copytree(ROOT / "examples" / "notebook", place / "examples" / "notebook")
    return place


def shell(text: str, folder: Path, program: str = "bash", **more: str) -> str:
    """What it prints. `pip` is left out: what it would bring is here already."""
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [program, "-euc", f"pip() {{ :; }}\n{text}"],
        cwd=folder, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PATH": path, **more},
    )  # fmt: skip
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def ask_cli(sql: str, folder: Path, *file: str) -> str:
    """DuckDB's own client; a meta command that fails only prints, so nothing may be on stderr."""
    done = subprocess.run(
        [PROGRAMS / "duckdb", "-bail", "-csv", *file], input=sql,
        cwd=folder, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), sql
    return done.stdout


def test_the_shell_blocks_print_what_they_promise(folder: Path) -> None:
    assert "dep-3" in shell(blocks("sh", "pass_rate_by_deployment")[0], folder)
    assert (folder / "flaky.csv").read_text().splitlines()[1:]


def test_the_comments_are_in_the_database(folder: Path) -> None:
    told = ask_cli(blocks("sql", "comment")[0], folder, "-readonly", COPY)
    assert "outcome,VARCHAR," in told


def test_the_python_block_runs_and_so_does_the_query_for_r(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", blocks("python")[0]], cwd=folder, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "") and "'f'" in done.stdout
    query = re.search(r'dbGetQuery\(con, "(.*)"\)', blocks("r untried")[0])
    assert query is not None
    with duckdb.connect(str(folder / COPY), read_only=True) as connection:
        assert len(connection.execute(query[1]).fetchall()) == 3


@pytest.mark.soak
def test_the_lake_and_the_files_have_what_the_copy_has(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("GOLDENPATH_WAREHOUSE", raising=False)
    for shown in (*blocks("", "export"), *blocks("", "upkeep --lake")):
        done = CliRunner().invoke(main, shown.split()[1:])
        assert done.exit_code == 0, done.output
    assert (folder / "out" / "tests.parquet").exists()
    asked = "FROM pass_rate_by_deployment LIMIT 5"
    in_lake = ask_cli(blocks("sql", ".read")[0], folder)
    assert sorted(in_lake.split()) == sorted(ask_cli(asked, folder, "-readonly", COPY).split())
    assert "shop,staging," in ask_cli(blocks("sql", "read_parquet")[0], folder)


@pytest.mark.soak
def test_the_notebook_runs_as_a_script_and_becomes_a_page(folder: Path) -> None:
    told = shell(blocks("sh", "notebook")[0], folder)
    assert re.search(r"3 deployments, [1-9]\d* numbers of journeys, [1-9]\d* verdicts", told)
    assert "Pass rate of the newest deployments" in (folder / "warehouse.html").read_text()


@pytest.mark.soak
@pytest.mark.skipif(binaries() is None, reason="no PostgreSQL server installed here")
def test_duckdb_attaches_the_postgresql_of_a_shared_warehouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    attach, missing = blocks("sql postgresql")
    statements = [s for s in attach.split(";\n") if not re.match("INSTALL|LOAD", s)]
    with running() as server:
        shared = Warehouse(file_of(server.address(), tmp_path), wait_s=10.0)
        store(shared, 1)
        shared.label("run-1", "bad", "late", "a person", at(9))
        exchange(shared.path)
        stale = tmp_path / "stale.duckdb"
        stale.write_bytes(published_path(shared.path).read_bytes())
        store(Warehouse(file_of(server.address(), tmp_path / "other"), wait_s=10.0), 2)
        with duckdb.connect(str(stale), read_only=True) as connection:
            connection.load_extension(str(extension("postgres_scanner")))
            answers = [
                connection.execute(one.replace("postgresql://gate@db.example.com/goldenpath", server.address())).fetchall()
                for one in statements if one.strip()
            ]  # fmt: skip
            assert [row[0] for row in answers[-2]] == ["run-2", "run-1"]
            assert [row[:2] for row in answers[-1]] == [("run-1", "bad")]
            assert [row[0] for row in connection.execute(missing).fetchall()] == ["run-2"]
            with pytest.raises(duckdb.Error, match="read-only"):
                connection.execute("DELETE FROM shared.goldenpath.journal")


def store(warehouse: Warehouse, n: int) -> None:
    spooled(warehouse, n)
    warehouse.absorb()
    exchange(warehouse.path)


def extension(name: str) -> Path:
    """DuckDB's own signed file, as PyPI has it for this version."""
    package = find_spec(f"duckdb_extension_{name}")
    assert package is not None and package.origin is not None
    folder = Path(package.origin).parent / "extensions" / f"v{duckdb.__version__}"
    if not folder.exists():
        pytest.skip(f"no extension {name} for DuckDB {duckdb.__version__} installed")
    return folder / f"{name}.duckdb_extension"


def test_every_block_is_run_or_said_to_be_untried() -> None:
    run_above = {"sh", "sql", "python", "", "sql postgresql"}
    assert {info for info, _ in BLOCKS} - run_above == {"sh untried", "r untried", "text untried"}
    told = PAGE.read_text().split("```")
    for before, block in zip(told[::2], told[1::2], strict=False):
        if " untried\n" in block:
            assert re.search("untried", before.split("\n## ")[-1], re.I), block
