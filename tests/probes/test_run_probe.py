"""Laws of running a probe: what counts, what is tried again, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import time
import warnings
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from typing import Any

import jwt
import pytest
from websockets.asyncio.server import ServerConnection

from data.records.facts import ProbeResult, Sample
from data.records.step_plan import TokenStep
from data.records.words import Outcome
from tasks.probes import run_probe
from tasks.tokens import mint
from tests.probes.doubles import Talk, chat, good, heard, http, order, raw, run, say, talking


def failing(*bad: int) -> Talk:
    """A server whose n-th sockets, from 1, are closed 1000 early."""
    opened = iter(range(1, 1000))

    async def talk(socket: ServerConnection) -> None:
        if next(opened) in bad:
            await socket.close(1000, "main cleanup")
        else:
            await good(socket)

    return talk


def race() -> Talk:
    """A server that cuts a socket when it is not alone, as a shared clean-up does."""
    alive: set[ServerConnection] = set()

    async def talk(socket: ServerConnection) -> None:
        alive.add(socket)
        try:
            await heard(socket)
            await asyncio.sleep(0.05)
            if len(alive) > 1:
                await socket.close(1000, "main cleanup")
        finally:
            alive.discard(socket)

    return talk


async def test_waves_times_concurrency_is_n() -> None:
    async with talking(good) as url:
        samples, result = await run(order(chat(url, repeat=3, concurrency=4)))
    assert (result.outcome, result.n, result.n_failed) == (Outcome.PASS, 12, 0)
    assert result.message == "all 12 journeys passed"
    assert len(samples) == 12 * 4


async def test_each_sample_has_its_own_ordinal_in_its_metric_and_attempts_never_meet() -> None:
    async with talking(good) as url:
        one, _ = await run(order(chat(url, repeat=2, concurrency=2)))
        two, _ = await run(order(chat(url, repeat=2, concurrency=2), attempt=2))
    assert {sample.metric for sample in one} == {"connect", "first_event", "message", "whole"}
    keys = [(sample.metric, sample.ordinal) for sample in (*one, *two)]
    assert len(keys) == len(set(keys)) == 32


async def test_warm_up_leaves_no_samples_and_no_failures() -> None:
    async with talking(failing(1, 2)) as url:
        samples, result = await run(order(chat(url, warm_up=2, repeat=3)))
    assert (result.outcome, result.n) == (Outcome.PASS, 3)
    assert sum(sample.metric == "whole" for sample in samples) == 3


async def test_a_failure_that_passes_on_retry_is_flaky_and_kept() -> None:
    async with talking(failing(7)) as url:
        samples, result = await run(order(chat(url, repeat=10, retries=1)))
    assert (result.outcome, result.n, result.n_failed) == (Outcome.FLAKY, 10, 1)
    assert result.message.startswith(
        "1 of 10 journeys failed: ws/closed-early/1000 main cleanup (1)"
    )
    assert result.message.endswith("tried again 1 at concurrency 1: all passed")
    assert [failure.signature for failure in result.failures] == [
        "ws/closed-early/1000 main cleanup"
    ]
    assert sum(sample.metric == "whole" for sample in samples) == 10


async def test_a_retry_ends_with_the_first_wave_that_fails_again() -> None:
    async with talking(failing(*range(1, 100))) as url:
        _, result = await run(order(chat(url, repeat=4, concurrency=2, retries=2)))
    assert (result.outcome, result.n, result.n_failed) == (Outcome.FAIL, 8, 8)
    again = "tried again 2 at concurrency 2: 2 failed"
    assert result.message.endswith(f"{again}; {again}")


async def test_without_retries_a_failure_is_a_failure() -> None:
    async with talking(failing(2)) as url:
        _, result = await run(order(chat(url, repeat=3, retries=0)))
    assert (result.outcome, result.n_failed) == (Outcome.FAIL, 1)


async def test_a_race_shows_again_because_retries_keep_the_concurrency() -> None:
    expect = {"events": ["never"], "within": "300ms"}
    async with talking(race()) as url:
        open_ = {"open": {"url": url, "first": {}}}
        steps = [open_, {"send": {"json": {"text": "x"}}}, {"expect": expect}]
        together = {"kind": "journey", "steps": steps, "concurrency": 3, "retries": 2}
        _, result = await run(order(together))
    assert result.outcome is Outcome.FAIL
    assert {one.signature for one in result.failures} >= {"ws/closed-early/1000 main cleanup"}


async def test_samples_of_failed_journeys_are_marked() -> None:
    async def late(socket: ServerConnection) -> None:
        await say(
            socket, [{"type": "began", "user": "u-1", "run": "r"} if await heard(socket) else {}]
        )
        await socket.close(1011)

    async with talking(late) as url:
        samples, _ = await run(order(chat(url)))
    assert {sample.metric for sample in samples} == {"connect", "first_event"}
    assert not any(sample.ok for sample in samples)


async def test_what_did_not_end_in_time_is_counted_and_what_ended_is_kept() -> None:
    opened = iter(range(1000))

    async def slow(socket: ServerConnection) -> None:
        if next(opened) < 2:
            await good(socket)
        else:
            await heard(socket)
            await socket.wait_closed()

    async with talking(slow) as url:
        probe = chat(url, repeat=3, concurrency=2, timeout="800ms", retries=1)
        samples, result = await run(order(probe))
    assert (result.outcome, result.n, result.n_failed) == (Outcome.FAIL, 6, 4)
    assert {one.signature for one in result.failures} == {"timeout/probe"}
    assert sum(sample.metric == "whole" and sample.ok for sample in samples) == 2
    assert result.duration_s < 20, "these sockets would stay open for ever"


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"open": {"url": "{{nowhere}}"}}, "steps[0].open: nothing defines {{nowhere}}"),
    ({"token": {"key": {"env": "SIGNING"}}}, "the signing key secret:env:SIGNING is not set"),
    ({"open": {"url": "http://x"}}, "expected a ws:// or wss:// address"),
    ({"http": {"request": {"url": "ftp://x"}}}, "cannot send GET ftp://x"),
    ({"http": {"request": {"url": "http://"}}}, "cannot send GET http://"),
]


@pytest.mark.parametrize(("step", "said"), ERRORS)
async def test_a_fault_of_the_plan_is_an_error_and_no_failure(
    step: dict[str, Any], said: str
) -> None:
    samples, result = await run(order({"kind": "journey", "steps": [step]}))
    assert (samples, result.outcome, result.n, result.failures) == ([], Outcome.ERROR, 0, ())
    assert said in result.message


async def test_an_unknown_algorithm_is_the_plans_fault() -> None:
    step = {"token": {"algorithm": "HS1", "key": {"env": "K"}}}
    one = order({"kind": "journey", "steps": [step]}, **{"secret:env:K": "k" * 32})
    _, result = await run(one)
    assert result.outcome is Outcome.ERROR and "HS1" in result.message
    assert "kkkk" not in result.message


async def test_results_stream_before_the_probe_ends() -> None:
    async with talking(good) as url:
        first: Sample | ProbeResult | None = None
        async with aclosing(run_probe(order(chat(url, repeat=50)))) as lines:
            async for line in lines:
                first = line
                break
    assert isinstance(first, Sample)


async def test_cancelling_leaves_no_task_and_no_socket() -> None:
    open_sockets: set[ServerConnection] = set()
    all_are_open = asyncio.Event()

    async def stay(socket: ServerConnection) -> None:
        open_sockets.add(socket)
        if len(open_sockets) == 8:
            all_are_open.set()
        try:
            await heard(socket)
            await socket.wait_closed()
        finally:
            open_sockets.discard(socket)

    async with talking(stay) as url:
        before = asyncio.all_tasks()
        task = asyncio.create_task(run(order(chat(url, concurrency=8))))
        await all_are_open.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        await asyncio.sleep(0.1)
        assert not open_sockets
        names = {one.get_coro().__qualname__ for one in asyncio.all_tasks() - before}  # type: ignore[union-attr]
        assert not {name for name in names if "probe" in name or "Socket" in name or "_Run" in name}


@contextmanager
def no_leaks() -> Iterator[None]:
    gc.collect()  # what other tests left is not this one's
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        yield
        gc.collect()
    assert not [one for one in caught if issubclass(one.category, ResourceWarning)]


async def test_failures_close_their_sockets() -> None:
    answers = (
        lambda head, body: b"",
        lambda head, body: http(503),
        lambda head, body: b"x\r\n\r\n",
    )
    with no_leaks():
        for answer in answers:
            async with raw(answer) as port:
                for scheme in ("ws", "wss"):
                    one = chat(f"{scheme}://127.0.0.1:{port}", concurrency=2)
                    one["steps"][0]["open"]["within"] = "800ms"
                    await run(order(one))


KEY = "k" * 32
AUDIENCE = {"aud": "a", "iss": "i"}


def spec(**fields: Any) -> TokenStep:
    return TokenStep.model_validate({"claims": AUDIENCE, "key": {"env": "K"}, **fields})


def verify(token: str) -> dict[str, Any]:
    return jwt.decode(token, KEY, algorithms=["HS256"], audience="a", issuer="i")


def test_a_minted_token_is_valid_for_its_ttl() -> None:
    claims = verify(mint(spec(ttl="5m"), KEY, time.time()))
    assert claims["exp"] - claims["iat"] == 300


BROKEN = [
    ("expired", jwt.ExpiredSignatureError),
    ("signature", jwt.InvalidSignatureError),
    ("none_alg", jwt.InvalidAlgorithmError),
]


@pytest.mark.parametrize(("kind", "error"), BROKEN)
def test_each_broken_token_is_broken_in_one_way(kind: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        verify(mint(spec(**{"break": kind}), KEY, time.time()))


async def test_a_minted_token_travels_as_a_header() -> None:
    seen: list[str] = []

    def answer(head: str, body: str) -> bytes:
        seen.append(head)
        return http(200)

    async with raw(answer) as port:
        steps = [
            {
                "token": {
                    "name": "pass",
                    "claims": {"sub": "{{uuid}}", **AUDIENCE},
                    "key": {"env": "K"},
                }
            },
            {
                "http": {
                    "request": {
                        "url": f"http://127.0.0.1:{port}",
                        "headers": {"Authorization": "Bearer {{pass}}"},
                    }
                }
            },
        ]
        _, result = await run(order({"kind": "journey", "steps": steps}, **{"secret:env:K": KEY}))
    assert result.outcome is Outcome.PASS
    token = next(line for line in seen[0].splitlines() if "Bearer" in line).split()[-1]
    assert len(verify(token)["sub"]) == 36
