"""A phase starts the longest first, shares suites that are split, and stops early where it may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from gate import Stack
from small_gate import ASK, asking, target, write_plan

Serving = tuple[Stack, ThreadingHTTPServer]
STARTS = "SELECT suite, shard FROM store.suite WHERE run_id = '{}' ORDER BY started_at"
ROWS = "SELECT suite, test_id, outcome, message FROM tests WHERE run_id = '{}'"
RED = asking({"slow": 0.3}) + "\n\ndef test_red():\n    ask(0)\n    assert 0\n"


@pytest.fixture
def serving(new_stack: Callable[..., Stack], prefect_api: str) -> Iterator[Serving]:
    with target() as server:
        yield new_stack(prefect_api), server


def counted(path: str) -> str:
    """A module of its own whose tests count themselves at the target."""
    head = f'{ASK}\ndef hit(name):\n    urllib.request.urlopen(os.environ["URL"] + name).read()\n'
    tests = (f"def test_{n}():\n    ask(0.05)\n    hit('{path}{n}')\n" for n in range(6))
    return head + "\n".join(tests)


@pytest.mark.soak
def test_suites_start_longest_first_and_shards_run_every_test_once(
    serving: Serving, tmp_path: Path
) -> None:
    stack, server = serving
    files = {f"test_{name}.py": counted(name) for name in "abc"}
    suites: list[dict[str, Any]] = [
        {"id": "short", "code": asking({"s": 0})},
        {"id": "split", "shards": 2, "code": files},
        {"id": "long", "code": asking({f"l{i}": 0.5 for i in range(4)})},
    ]
    phases = [{"id": "one", "priority": "P1", "workers": 1, "suites": suites}]
    plan = write_plan(tmp_path, server.server_address[1], phases)
    first = stack("run", str(plan), "--json").json()
    assert first["verdict"] == "PROMOTE", first["rule"]
    assert starts(stack, first["run_id"]) == [("short", 1), ("split", 1), ("long", 1)]

    gone, fresh = tmp_path / "suites/split/test_c.py", tmp_path / "suites/split/test_d.py"
    fresh.write_text(counted("d"))
    gone.unlink()
    server.asked.clear()  # type: ignore[attr-defined]
    second = stack("run", str(plan), "--json").json()

    assert second["verdict"] == "PROMOTE", second["rule"]
    order = starts(stack, second["run_id"])
    assert order[0] == ("long", 1), "the others take a moment each, and their order is chance"
    assert sorted(order[1:]) == [("short", 1), ("split", 1), ("split", 2)]
    hits = {k: n for k, n in server.asked.items() if len(k) > 1}  # type: ignore[attr-defined]
    assert hits == {f"/{name}{n}": 1 for name in "abd" for n in range(6)}
    row = next(s for s in second["suites"] if s["id"] == "split")
    assert (row["collected"], row["passed"], row["not_run"]) == (18, 18, 0)
    assert any("6 tests have vanished" in text for text in second["not_seen"])


def test_fail_fast_stops_the_rest_and_says_why_on_each_row(
    serving: Serving, tmp_path: Path
) -> None:
    stack, server = serving
    endless = ASK + "\n".join(f"def test_{n}():\n    ask(100)" for n in range(3))
    suites: list[dict[str, Any]] = [
        {"id": "red", "code": RED, "retries": 0},
        {"id": "endless", "code": endless},
        {"id": "waits", "code": asking({"w": 0}), "expect": ["test_it.py::test_w"]},
    ]
    phase = {"id": "one", "priority": "P1", "workers": 2, "fail_fast": True, "suites": suites}
    later = {"id": "two", "priority": "P2", "suites": [{"id": "after", "code": asking({"t": 0})}]}
    plan = write_plan(tmp_path, server.server_address[1], [phase, later])

    done = stack("run", str(plan), "--json", timeout_s=90)

    document = done.json()
    assert document["verdict"] == "HOLD"
    rows = stack("sql", ROWS.format(document["run_id"]), "--json").json()
    assert Counter((r["suite"], r["outcome"]) for r in rows) == {
        ("red", "FAIL"): 1,
        ("red", "PASS"): 1,
        ("endless", "NOT_RUN"): 3,
        ("waits", "NOT_RUN"): 1,
        ("after", "PASS"): 1,
    }
    told = {r["message"] for r in rows if r["outcome"] == "NOT_RUN"}
    assert len(told) == 1 and "fails fast: 1 failed > 0 tolerated" in told.pop()


def starts(stack: Stack, run_id: str) -> list[tuple[str, int]]:
    rows = stack("sql", STARTS.format(run_id), "--json").json()
    return [(row["suite"], row["shard"]) for row in rows]
