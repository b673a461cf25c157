"""Laws of a load against real servers: who is late, what counts, and that it stops."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from data.records.facts import ProbeResult
from data.records.words import Outcome
from data.rules.journey.signatures import Cause
from data.rules.load.histogram import percentile
from tasks.probes import run_probe
from tasks.probes.journey import Report
from tasks.probes.load.ledger import Ledger
from tests.probes.doubles import FIVE, order, run

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def chat_server(*options: str) -> AsyncIterator[int]:
    """The fast chat server as a process of its own; its port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.load.chat_server", *options, cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout and process.stdin
    try:
        yield int(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()


def asking(port: int, stages: list[dict[str, Any]], **load: Any) -> dict[str, Any]:
    request = {"url": f"http://127.0.0.1:{port}/"}
    return {"kind": "http", "request": request, "metric": "api", "load": {"stages": stages, **load}}


def talking(port: int, stages: list[dict[str, Any]], **load: Any) -> dict[str, Any]:
    expect = {"events": list(FIVE), "every": {"user": "u-1"}, "same": ["run"],
              "answer": {"event": "ended", "path": "result", "uses": ["{{nonce}}"]},
              "metrics": {"last": "message"}}  # fmt: skip
    steps = [{"open": {"url": f"ws://127.0.0.1:{port}/", "metric": "connect"}},
             {"send": {"json": {"text": "say {{nonce}}"}}}, {"expect": expect}, {"close": {}}]  # fmt: skip
    return {
        "kind": "journey",
        "steps": steps,
        "total_metric": "whole",
        "load": {"stages": stages, **load},
    }


async def test_arrivals_come_by_the_schedule_in_any_number_of_processes() -> None:
    async with chat_server() as port:
        stages = [{"rate": "40/s", "for": "500ms"}, {"rate": "40/s", "to": "80/s", "for": "500ms"}]
        samples, result = await run(order(talking(port, stages, processes=2)))
    assert result.load and [s.n_intended for s in result.load.stages] == [20, 30]
    assert (result.n, result.n_failed, result.load.processes) == (50, 0, 2)
    names = {"connect", "connect.actual", "message", "whole", "whole.actual"}
    assert {s.metric for s in samples} in (names, set())  # none where this machine was too slow
    keys = [(s.metric, s.ordinal) for s in samples]
    assert len(keys) == len(set(keys))


async def test_a_stall_counts_for_all_that_was_due_in_it() -> None:
    """1 s of 2 s frozen at 50/s: half of all starts wait between 0 and 1 s, the p75 is some 0.5 s."""

    async def freezing(stage: dict[str, Any]) -> ProbeResult:
        async with chat_server("--freeze", "0.5", "1") as port:
            return (await run(order(asking(port, [stage]))))[1]

    opened, closed = await asyncio.gather(
        freezing({"rate": "50/s", "for": "2s"}), freezing({"users": 1, "for": "2s"})
    )
    assert opened.load and closed.load
    fair = percentile(opened.load.stages[0].spreads["api"], 0.75)
    naive = percentile(closed.load.stages[0].spreads["api"], 0.75)
    assert fair is not None and naive is not None
    assert 300 < fair < 700, "by the schedule: 25 of 100 starts wait for more than half a second"
    assert naive < 100, "the closed loop has one slow sample in all"


async def test_what_waits_for_a_place_is_late_by_the_targets_doing() -> None:
    async with chat_server("--delay", "0.2") as port:
        stages = [{"rate": "50/s", "for": "500ms"}]
        _, result = await run(order(asking(port, stages, most_in_flight=5)))
    assert result.load
    figures = result.load.stages[0]
    assert (figures.n, figures.in_flight) == (25, 5)
    spreads = figures.spreads
    slowest, actual = percentile(spreads["api"], 1.0), percentile(spreads["api.actual"], 0.5)
    assert slowest is not None and actual is not None
    assert slowest > 400 and actual < 300, "the wait counts; the answer itself took 200 ms"
    assert (percentile(result.load.watch.late, 0.5) or 0.0) < 50


async def test_users_go_on_until_their_stage_ends_and_a_ladder_ends_where_it_breaks() -> None:
    async with chat_server("--delay", "0.02") as port:
        stages = [{"users": 2, "for": "300ms"}, {"users": 4, "for": "300ms"}]
        _, result = await run(order(asking(port, stages)))
    assert result.load and [s.in_flight for s in result.load.stages] == [2, 4]
    ladder = [{"users": 2, "for": "200ms"}, {"users": 3, "for": "200ms", "explore": True}]
    for _ in range(5):  # again where this machine was too busy for it, which the gate says itself
        _, broken = await run(order(asking(1, ladder, stop_at_failure=True)))
        assert broken.load
        if not broken.load.invalid:
            break
    red = "INVALID" if broken.load.invalid else "FAIL"
    assert broken.outcome is (Outcome.ERROR if broken.load.invalid else Outcome.FAIL)
    assert [s.outcome for s in broken.load.stages] == [red, "NOT_RUN"]
    assert broken.load.first_failing == ("" if broken.load.invalid else "2 users")
    assert broken.failures[0].signature == "tcp/refused" and "times)" in broken.failures[0].message


async def test_what_outlasts_the_drain_never_ended() -> None:
    async with chat_server("--delay", "5") as port:
        one = asking(port, [{"rate": "20/s", "for": "200ms"}], drain="200ms")
        _, result = await run(order(one))
    assert result.load and (result.n, result.n_failed) == (4, 4)
    # on a busy machine the generator says that it was itself the bottleneck
    assert result.outcome is (Outcome.ERROR if result.load.invalid else Outcome.FAIL)
    assert result.failures[0].signature == "timeout/drain"


async def test_a_load_that_is_left_stops_at_once() -> None:
    async with chat_server("--delay", "0.01") as port:
        one = asking(port, [{"rate": "100/s", "for": "60s"}])
        heard = asyncio.Event()
        async with aclosing(run_probe(order(one), lambda _: heard.set())) as lines:
            waiting = asyncio.create_task(anext(lines))
            await asyncio.wait_for(heard.wait(), 20)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        async with httpx.AsyncClient(trust_env=False) as asked:
            url = f"http://127.0.0.1:{port}/clock"
            before = len((await asked.get(url)).json())
            await asyncio.sleep(0.3)
            assert before > 0 and len((await asked.get(url)).json()) == before


async def test_a_fault_of_the_plan_is_an_error_under_load_too() -> None:
    one = asking(1, [{"users": 1, "for": "1s"}])
    one["request"]["url"] = "ftp://x"
    _, result = await run(order(one))
    assert result.outcome is Outcome.ERROR and "ftp://x" in result.message


async def test_a_secret_is_on_no_command_line_and_in_no_figure() -> None:
    async with chat_server() as port:
        one = asking(port, [{"users": 1, "for": "300ms"}])
        one["request"]["headers"] = {"Authorization": "Bearer {{token}}"}
        one["expect"] = {"status": 201}
        _, result = await run(order(one, token="very-secret-token"))
    assert isinstance(result, ProbeResult) and result.n_failed > 0
    assert "very-secret-token" not in json.dumps(result.model_dump(mode="json"))


async def test_a_load_shows_the_course_of_one_execution_a_failed_one_where_there_is_one() -> None:
    async with chat_server("--delay", "0.01") as port:
        _, fine = await run(order(talking(port, [{"users": 1, "for": "200ms"}])))
        sick = talking(port, [{"users": 1, "for": "200ms"}])
        sick["steps"][2]["expect"]["every"] = {"user": "u-2"}
        _, broken = await run(order(sick))
    assert [span.name for span in fine.trace] == ["open", "sent", *FIVE, "closed"]
    assert [(span.name, span.ok) for span in broken.trace][-1] == ("began", False)


def test_failures_of_more_signatures_than_are_kept_are_counted_together() -> None:
    ledger = Ledger(1, 10, None)
    for number in range(150):
        ledger.begins(0)
        ledger.ends(0, number, 0.0, Report(Cause("1 open", f"x/{number}", "said"), ()))
    counted = ledger.failures()
    assert sum(one.n for one in counted) == 150
    assert (counted[0].first.signature, counted[0].n) == ("load/other", 50)
