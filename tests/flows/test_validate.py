"""The golden path on the stand-in stack: what is deployed, judged, stored, shown and undone."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from forking import Forks
from gate import Done, Stack

# The contract of `run --json` (design, section 6), in its order.
KEYS = [
    *("run_id", "plan", "environment", "verdict", "rule", "reasons", "coverage", "not_seen"),
    *("counterfactual", "criteria", "suites", "probes", "revisions", "revenue_at_risk"),
    *("incidents", "actions", "input_hash", "started_at", "finished_at"),
]
SUITE_KEYS = [
    *("id", "phase", "expected", "collected", "passed", "failed", "errors", "skipped", "flaky"),
    *("not_run", "timed_out", "vacuous", "insensitive", "duration_s"),
]
P95 = """SELECT probe, deployment_id, n, p95 FROM metric_by_deployment
         WHERE metric = 'message' ORDER BY started_at"""
FAILING = """SELECT suite, test_id, outcome, message FROM tests
             WHERE run_id = (SELECT max_by(run_id, started_at) FROM runs)
               AND outcome NOT IN ('PASS', 'SKIPPED')"""


@dataclass(frozen=True)
class Played:
    """Three runs, one after another, on one stack with one warehouse."""

    stack: Stack
    api: str
    done: dict[str, Done]
    live: str
    forks: Forks

    def document(self, revision: str) -> dict[str, Any]:
        found: dict[str, Any] = self.done[revision].json()
        return found

    def sql(self, query: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.ask("sql", query, "--json").json()
        return rows

    def ask(self, *args: str) -> Done:
        """A command that reads, in a process that was forked."""
        return self.forks(self.stack.argv(*args)[3:], self.stack.env)


@pytest.fixture(scope="module")
def played(prefect_api: str, new_stack: Callable[..., Stack]) -> Iterator[Played]:
    """`fake-suite` runs its first phase's evidence only as far as the verdict needs."""
    stack = new_stack(prefect_api)
    done = {}
    for revision in ("healthy", "fake-suite", "startup-crash"):
        done[revision] = stack("run", str(stack.plan), "--revision", revision, "--json")
    version = httpx.get(stack.url("backend") + "/version", trust_env=False, timeout=5)
    with closing(Forks(stack.folder)) as forks:
        yield Played(stack, prefect_api, done, version.json()["revision"], forks)


@pytest.mark.parametrize(
    ("revision", "verdict", "exit_code", "said"),
    [
        ("healthy", "PROMOTE", 0, "satisfied"),
        ("fake-suite", "HOLD", 10, "never touched the target"),
        ("startup-crash", "ROLL_BACK", 11, "backend ended with exit code 1 at start"),
    ],
)
def test_the_verdict_is_the_exit_code_and_its_rule_names_what_decided(
    revision: str, verdict: str, exit_code: int, said: str, played: Played
) -> None:
    document = played.document(revision)
    assert document["verdict"] == verdict, document["rule"]
    assert played.done[revision].exit_code == exit_code
    assert said in document["rule"]
    assert "Traceback" not in played.done[revision].stderr


@pytest.mark.parametrize("revision", ["healthy", "fake-suite", "startup-crash"])
def test_the_json_document_has_the_documented_keys_first_and_in_order(
    revision: str, played: Played
) -> None:
    document = played.document(revision)
    assert list(document)[: len(KEYS)] == KEYS
    assert all(list(suite)[: len(SUITE_KEYS)] == SUITE_KEYS for suite in document["suites"])
    assert set(document["coverage"]) == {"expected", "seen"}
    assert all(
        set(row) == {"expected", "before", "after"} for row in document["revisions"].values()
    )


def test_a_promoted_run_saw_everything_that_the_plan_expects(played: Played) -> None:
    document = played.document("healthy")
    assert document["coverage"] == {"expected": 74, "seen": 74}
    assert document["not_seen"] == []
    assert {suite["expected"] for suite in document["suites"]} == {25, 8, 6, 5, 3}
    assert all(suite["passed"] == suite["expected"] for suite in document["suites"])


def test_a_vacuous_suite_is_held_by_name_although_all_of_it_passed(played: Played) -> None:
    document = played.document("fake-suite")
    suite = next(s for s in document["suites"] if s["id"] == "core_platform")
    assert (suite["passed"], suite["vacuous"]) == (25, 25)
    assert "core_platform" in document["rule"]
    assert "VACUOUS" in document["rule"]


def test_a_revision_that_does_not_start_is_rolled_back_and_the_known_good_one_serves(
    played: Played,
) -> None:
    document = played.document("startup-crash")
    assert [(a["action"], a["outcome"]) for a in document["acted"]] == [
        ("roll back to healthy", "done"),
        ("read back", "done"),
        ("try P1 on healthy", "done"),
    ]
    assert played.live == "healthy"
    assert "UnifiedExecutionEngineFactory" in document["incidents"][0]["symptom"]


# --- Prefect


def flow_run(played: Played, revision: str) -> dict[str, Any]:
    name = played.document(revision)["run_id"]
    found = _filter(played, "flow_runs", flow_runs={"name": {"any_": [name]}})
    assert len(found) == 1
    return found[0]


def _filter(played: Played, what: str, **body: Any) -> list[dict[str, Any]]:
    answer = httpx.post(f"{played.api}/{what}/filter", json=body, trust_env=False, timeout=20)
    found: list[dict[str, Any]] = answer.raise_for_status().json()
    return found


@pytest.mark.parametrize(
    ("revision", "kind"),
    [("healthy", "COMPLETED"), ("fake-suite", "FAILED"), ("startup-crash", "FAILED")],
)
def test_the_flow_run_ends_in_a_state_named_after_the_verdict(
    revision: str, kind: str, played: Played
) -> None:
    run, document = flow_run(played, revision), played.document(revision)
    assert (run["state"]["name"], run["state"]["type"]) == (document["verdict"], kind)
    assert run["state"]["message"] == document["rule"]


def test_each_suite_and_each_probe_is_a_task_run_of_its_own_name(played: Played) -> None:
    flow = flow_run(played, "healthy")
    document = played.document("healthy")
    tasks = {
        t["name"]: t for t in _filter(played, "task_runs", flow_runs={"id": {"any_": [flow["id"]]}})
    }
    ranks = {"critical-path": "P1", "agent-pipeline": "P2", "end-to-end": "P3"}
    parts = [
        f"{ranks[row['phase']]} {row['phase']}/{row['id']}"
        for row in (*document["suites"], *document["probes"])
    ]
    assert set(parts) <= set(tasks)
    assert {tasks[name]["state"]["type"] for name in parts} == {"COMPLETED"}
    assert len(tasks) <= 30, "a task is a suite or a probe, never a test"


def test_what_failed_looks_failed_in_prefect(played: Played) -> None:
    flow = flow_run(played, "startup-crash")
    tasks = _filter(played, "task_runs", flow_runs={"id": {"any_": [flow["id"]]}})
    kinds = {t["name"]: t["state"]["type"] for t in tasks}
    deploy = next(kind for name, kind in kinds.items() if name.startswith("deploy"))
    assert deploy == "FAILED"
    assert not any("critical-path/" in name for name in kinds), "what did not run has none"


def test_the_report_and_the_criteria_are_artifacts_with_a_history(played: Played) -> None:
    flow = flow_run(played, "healthy")["id"]
    flows = [flow_run(played, revision)["id"] for revision in played.done]
    kept = _filter(played, "artifacts", artifacts={"flow_run_id": {"any_": flows}})
    own = {a["key"]: a for a in kept if a["flow_run_id"] == flow}
    keys = {f"{kind}-staging-golden-path-staging" for kind in ("report", "criteria")}
    assert set(own) == keys | {"progress-staging-golden-path-staging"}
    assert "PROMOTE" in own["report-staging-golden-path-staging"]["data"]
    table = json.loads(own["criteria-staging-golden-path-staging"]["data"])
    assert len(table) == len(played.document("healthy")["criteria"])
    assert {k: sum(a["key"] == k for a in kept) for k in keys} == dict.fromkeys(keys, 3)


# --- the warehouse, in one statement each


def test_one_statement_answers_the_pass_rate_by_deployment(played: Played) -> None:
    rows = played.sql("FROM pass_rate_by_deployment ORDER BY started_at")
    assert [(r["revision"], r["n_tests"], r["pass_share"]) for r in rows[:2]] == [
        ("healthy", 69, 1.0),
        ("fake-suite", 69, 1.0),
    ]
    assert [r["n_vacuous"] for r in rows[:2]] == [0, 25]


def test_one_statement_answers_the_p95_by_journey_and_deployment(played: Played) -> None:
    rows = played.sql(P95)
    assert [(r["probe"], r["deployment_id"].split("@")[0]) for r in rows] == [
        ("chat", "healthy"),
        ("chat", "fake-suite"),
    ]
    assert all(r["n"] >= 20 and 0 < r["p95"] < 2000 for r in rows)


def test_one_statement_lists_the_failing_tests_of_the_last_run(played: Played) -> None:
    assert played.sql(FAILING) == []  # nothing ran: the verdict says so, and the run is there
    runs = played.sql("SELECT verdict FROM runs ORDER BY started_at")
    assert [r["verdict"] for r in runs] == ["PROMOTE", "HOLD", "ROLL_BACK"]


def test_csv_and_json_hold_the_same_rows(played: Played) -> None:
    query = "SELECT revision, verdict FROM runs ORDER BY started_at"
    text = played.ask("sql", query, "--csv").stdout
    assert list(csv.DictReader(io.StringIO(text))) == played.sql(query)


# --- showing


def test_show_says_the_same_in_every_form(played: Played, tmp_path: Path) -> None:
    document = played.document("startup-crash")
    page = tmp_path / "report.html"
    forms = [(), ("--markdown",), ("--json",), ("--html", str(page))]
    with ThreadPoolExecutor(2) as pool:  # readers do not disturb each other
        text, markdown, again, _ = pool.map(lambda form: played.stack("show", "last", *form), forms)
    assert again.json() == document
    for form in (text.stdout, markdown.stdout, page.read_text()):
        assert "ROLL_BACK" in form or "ROLL BACK" in form
        assert document["run_id"] in form
    assert _is_whole(page.read_text())


def _is_whole(html: str) -> bool:
    """A page that loads nothing from elsewhere and is closed."""
    loads: list[str] = []

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            loads.extend(v or "" for k, v in attrs if k in ("src", "href") and tag != "a")

    Links().feed(html)
    return html.rstrip().endswith("</html>") and not [u for u in loads if u[:4] == "http"]


def test_runs_are_listed_newest_first(played: Played) -> None:
    ids = [played.document(r)["run_id"] for r in ("startup-crash", "fake-suite", "healthy")]
    assert [run["run_id"] for run in played.ask("runs", "--json").json()] == ids
    lines = played.ask("runs", "--limit", "1").stdout.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ids[:1]


def test_trends_show_each_trend_by_name(played: Played, tmp_path: Path) -> None:
    everything = played.ask("trends").stdout
    for name in ("pass rate", "message p50", "all suites", "gate_accuracy"):
        assert name in everything
    latency = played.ask("trends", "--metric", "latency").stdout
    assert "message" in latency
    assert "pass rate" not in latency
    page = tmp_path / "trends.html"
    assert str(page) in played.ask("trends", "--html", str(page)).stdout
    assert "reports/" in page.read_text(), "its links lead to the pages of the runs"
    missing = played.ask("trends", "--compare", "healthy", "no-such")
    assert missing.exit_code == 2
    assert "'no-such'" in missing.stderr


def test_export_writes_parquet_that_holds_the_runs(played: Played, tmp_path: Path) -> None:
    import duckdb

    done = played.stack("export", str(tmp_path / "out"))
    assert done.exit_code == 0, done.stderr
    files = {p.stem for p in (tmp_path / "out").glob("*.parquet")}
    assert {"runs", "tests", "samples", "verdicts", "pass_rate_by_deployment"} <= files
    count = duckdb.execute(f"SELECT count(*) FROM '{tmp_path}/out/runs.parquet'").fetchone()
    assert count == (3,)


def test_a_label_turns_up_in_the_accuracy_of_the_gate(played: Played) -> None:
    run_id = played.document("fake-suite")["run_id"]
    assert played.stack("label", run_id, "good", "--note", "it was fine").exit_code == 0
    rows = played.sql(
        "SELECT verdict, n_good, n_false_hold FROM gate_accuracy WHERE n_labelled > 0"
    )
    assert rows == [{"verdict": "HOLD", "n_good": 1, "n_false_hold": 1}]
