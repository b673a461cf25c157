"""Laws of `goldenpath import`: all of it or nothing, and found again like any other run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from flows.cli import main
from tests.readers.dialects import CTRF, GOTESTSUM, PYTEST, SUREFIRE


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    files = {"pytest.xml": PYTEST, "TEST-shop.xml": SUREFIRE, "go.xml": GOTESTSUM, "c.json": CTRF}
    for name, dialect in files.items():
        (tmp_path / name).write_text(dialect.text)
    return tmp_path


def gate(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--warehouse", str(folder / "w.duckdb")])


def rows(folder: Path, query: str) -> list[dict[str, Any]]:
    done = gate(folder, "sql", query, "--json")
    assert done.exit_code == 0, done.output
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_files_of_any_format_become_one_run_without_a_verdict(reports: Path) -> None:
    files = [str(reports / n) for n in ("pytest.xml", "TEST-shop.xml", "go.xml", "c.json")]
    names = ["--plan", "shop", "--environment", "ci", "--revision", "1.4.2", "--json"]
    done = gate(reports, "import", "results", *files, *names)
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert (document["n_tests"], document["faults"]) == (22, [])
    (run,) = rows(reports, "SELECT run_id, plan, environment, revision, verdict, n_tests FROM runs")
    assert run == {
        "run_id": document["run_id"],
        "plan": "shop",
        "environment": "ci",
        "revision": "1.4.2",
        "verdict": None,
        "n_tests": 22,
    }
    told = {one["id"]: one["outcomes"] for one in document["suites"]}
    assert told["TEST-shop"] == {"PASS": 1, "FAIL": 1, "ERROR": 1, "SKIPPED": 1, "FLAKY": 1}
    stored = rows(reports, "SELECT suite, outcome, count(*)::INT AS n FROM tests GROUP BY ALL")
    assert {(r["suite"], r["outcome"]): r["n"] for r in stored} == {
        (suite, outcome): n for suite, counts in told.items() for outcome, n in counts.items()
    }
    assert rows(reports, "SELECT count(*)::INT AS n FROM tests WHERE grade IS NOT NULL") == [
        {"n": 0}
    ]


def test_show_tells_an_import_like_any_run(reports: Path) -> None:
    gate(reports, "import", "junit", str(reports / "pytest.xml"), "--suite", "api")
    done = gate(reports, "show", "last")
    assert done.exit_code == 0, done.output
    assert "NO VERDICT" in done.output
    assert "api" in done.output


def test_one_suite_takes_all_files_and_tells_equal_ids_apart(reports: Path) -> None:
    (reports / "again.xml").write_text(GOTESTSUM.text)
    files = [str(reports / "go.xml"), str(reports / "again.xml")]
    gate(reports, "import", "junit", *files, "--suite", "go")
    stored = rows(reports, "SELECT test_id, findings FROM tests WHERE test_id LIKE '%#2'")
    assert len(stored) == len(GOTESTSUM.said)
    assert all("duplicated id" in str(one["findings"]) for one in stored)


def test_bad_files_are_told_all_at_once_and_nothing_is_stored(reports: Path) -> None:
    (reports / "page.xml").write_text("<html>502</html>")
    (reports / "bomb.xml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><testsuite/>')
    (reports / "log.txt").write_text("7 passed")
    names = ("pytest.xml", "page.xml", "bomb.xml", "log.txt", "gone.xml")
    done = gate(reports, "import", "results", *(str(reports / n) for n in names))
    assert done.exit_code == 2
    assert "4 faults" in done.output
    for text in ("got <html>", "document type (DTD)", "neither XML nor JSON", "No such file"):
        assert text in done.output
    assert "Traceback" not in done.output
    assert list(reports.glob("w.duckdb.spool/*.jsonl")) == []
    assert not (reports / "w.duckdb").exists()


UNSOUND = {
    "torn": (PYTEST.text[:600], "the file is torn"),
    "no test": ("<testsuite tests='0'/>", "0 tests are in it, which is no pass"),
    "totals": ("<testsuite tests='9'><testcase name='a'/></testsuite>", "says tests=9, but 1"),
}


@pytest.mark.parametrize("name", UNSOUND)
def test_what_a_file_says_against_itself_is_stored_with_it_and_told(
    tmp_path: Path, name: str
) -> None:
    text, fault = UNSOUND[name]
    (tmp_path / "r.xml").write_text(text)
    done = gate(tmp_path, "import", "junit", str(tmp_path / "r.xml"))
    assert done.exit_code == 2
    assert f"not sound: {tmp_path / 'r.xml'}: " in done.output
    assert fault in done.output
    assert "what could be read is stored, its suites marked broken" in done.output
    (suite,) = rows(tmp_path, "SELECT broken FROM suites")
    assert fault in suite["broken"]


@pytest.mark.parametrize("option", ["--plan", "--suite"])
def test_a_name_that_cannot_be_one_is_a_usage_error(reports: Path, option: str) -> None:
    done = gate(reports, "import", "junit", str(reports / "go.xml"), option, "../x y")
    assert done.exit_code == 2
    assert f"{option}: expected letters" in done.output
