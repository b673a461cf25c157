"""Laws of steps that a plan's author wrote; and a WebSocket server of Debian, websocketd."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from data.records.facts import ProbeResult, Sample
from data.records.words import Outcome
from data.rules.metrics import metrics_of
from tests.probes.doubles import http, order, raw, read, run

ROOT = Path(__file__).parent


def python(name: str, *more: dict[str, Any], **step: Any) -> dict[str, Any]:
    steps = [{"python": {"function": name, **step}}, *more]
    return {"kind": "journey", "steps": steps, "retries": 0}


async def told(probe: dict[str, Any], **variables: str) -> ProbeResult:
    _, result = await run(order(probe, **variables).model_copy(update={"root": ROOT}))
    return result


@pytest.mark.parametrize(
    ("name", "signature"),
    [("raises", "function/raised/KeyError"), ("no_move", "function/no-move"),
     ("no_problem", "function/no-problem")],
)  # fmt: skip
async def test_whatever_a_function_does_wrong_has_a_name(name: str, signature: str) -> None:
    result = await told(python(f"own_steps.py:{name}"))
    assert [failure.signature for failure in result.failures] == [signature]


@pytest.mark.parametrize(
    ("name", "said"),
    [("absent.py:x", "there is no Python file"), ("own_steps.py:absent", "has no function 'absent'"),
     ("own_steps.py:plain", "no generator function")],
)  # fmt: skip
async def test_a_function_that_is_not_there_is_the_plans_fault(name: str, said: str) -> None:
    result = await told(python(name))
    assert result.outcome is Outcome.ERROR and said in result.message


async def test_what_a_function_defines_later_steps_can_use_and_its_time_is_a_metric() -> None:
    heads: list[str] = []

    def answer(head: str, _: str) -> bytes:
        heads.append(head)
        return http(200, {"ok": True})

    async with raw(answer) as port:
        request = {"url": f"http://127.0.0.1:{port}/{{{{word}}}}"}
        probe = python(
            "own_steps.py:sets", {"http": {"request": request}}, defines=["word"], metric="own"
        )
        result = await told(probe)
    assert result.outcome is Outcome.PASS, result.message
    assert "/word-of-" in heads[0]
    assert metrics_of(read({"id": "p", **probe})) == ("own",)


@asynccontextmanager
async def websocketd(*options: str) -> AsyncIterator[str]:
    """A server in Go that nobody here wrote: each socket talks to a process of `cat`."""
    program = shutil.which("websocketd")
    if program is None:
        pytest.skip("websocketd is not installed (Debian: apt-get install websocketd)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        program, f"--port={port}", "--address=127.0.0.1", "--loglevel=fatal", *options, "cat"
    )
    try:
        for _ in range(100):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                break
        yield f"ws://127.0.0.1:{port}/"
    finally:
        process.terminate()
        await process.wait()


async def test_a_function_says_bytes_to_a_server_that_nobody_here_wrote() -> None:
    async with websocketd("--binary") as url:
        probe = {**python("own_steps.py:echo_bytes", metric="echo"), "repeat": 5}
        one = order(probe, **{"services.echo.ws": url}).model_copy(update={"root": ROOT})
        samples, result = await run(one)
    assert result.outcome is Outcome.PASS, result.message
    assert [s.metric for s in samples if isinstance(s, Sample)] == ["echo"] * 5


async def test_a_declared_journey_talks_to_a_server_that_nobody_here_wrote() -> None:
    expect = {"events": ["said"], "within": "3s", "metrics": {"last": "echo"},
              "answer": {"event": "said", "path": "text", "uses": ["{{nonce}}"]}}  # fmt: skip

    def talking(ws: str, **more: Any) -> dict[str, Any]:
        send = {"json": {"type": "said", "text": "{{nonce}}"}}
        steps = [{"open": {"url": ws, **more}}, {"send": send}, {"expect": expect}, {"close": {}}]
        return {"kind": "journey", "steps": steps, "retries": 0}

    async with websocketd() as url:
        load = {"stages": [{"users": 3, "for": "500ms"}], "soak": {"every": "50ms"}}
        _, once = await run(order({**talking(url), "repeat": 3, "concurrency": 4}))
        _, stayed = await run(order({**talking(url), "load": load}))
        _, other = await run(order(talking(url, subprotocols=["mqtt"], subprotocol="mqtt")))
    assert (once.outcome, once.n) == (Outcome.PASS, 12), once.message
    assert stayed.n_failed == 0 and stayed.n == 30, stayed.message
    assert other.failures[0].signature == "ws/subprotocol/not-chosen"
