"""Laws of a soak: users come back, and each of their messages is accounted for, once."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection

from data.records.facts import ProbeResult, Sample
from data.records.load import Soak
from data.records.load_figures import SoakFigures
from data.records.words import Outcome
from data.rules.load.soak import LEAST_JITTER, back_offs, with_jitter
from data.rules.metrics import metrics_of
from tests.probes.doubles import listening, order, read, run, talking

QUICK = {"every": "50ms", "back_off": "20ms", "most_back_off": "60ms"}


def staying(url: str, users: int = 1, lasts: str = "700ms", **soak: Any) -> dict[str, Any]:
    """Users who say something every 50 ms, and hear two events of which the last answers."""
    expect = {"events": ["began", "ended"], "within": "3s", "metrics": {"last": "message"},
              "answer": {"event": "ended", "path": "text", "uses": ["{{nonce}}"]}}  # fmt: skip
    steps = [{"open": {"url": url, "within": "3s", "metric": "connect"}}, {"send": {"json": {"say": "{{nonce}}"}}},
             {"expect": expect}, {"close": {}}]  # fmt: skip
    load = {"stages": [{"users": users, "for": lasts}], "soak": {**QUICK, **soak}, "drain": "2s"}
    return {"kind": "journey", "steps": steps, "total_metric": "whole", "load": load}


async def answer(socket: ServerConnection, asked: str) -> None:
    await socket.send('{"type": "began"}')
    await socket.send(json.dumps({"type": "ended", "text": f"You said {asked}"}))


class Chat:
    """A service that answers; `spoil` is told the number of each message, and may spoil it."""

    def __init__(self, spoil: Callable[[int], str] = lambda n: "") -> None:
        self.spoil = spoil
        self.forget()

    def forget(self) -> None:
        """As if nobody had come yet."""
        self.heard: list[str] = []
        self.owed: list[str] = []
        self.n_sockets = 0

    async def talk(self, socket: ServerConnection) -> None:
        self.n_sockets += 1
        while self.owed:
            await answer(socket, self.owed.pop())
        async for message in socket:
            asked = json.loads(message)["say"]
            self.heard.append(asked)
            what = self.spoil(len(self.heard))
            if what == "owe":
                self.owed.append(asked)
            if what in ("lose", "owe"):
                await socket.close(1012, "restart")
                return
            if what == "cut":
                socket.transport.abort()
                return
            await answer(socket, asked)
            if what == "twice":
                await answer(socket, asked)
            if what == "after":
                await socket.close(1001, "going away")
                return


async def soaked(chat: Chat, **terms: Any) -> tuple[list[Sample], ProbeResult, SoakFigures]:
    """Again where this machine was too busy for it, which the gate says itself."""
    for _ in range(3):
        chat.forget()
        async with talking(chat.talk) as url:
            samples, result = await run(order(staying(url, **terms)))
        assert result.load and result.load.soak, result.message
        if not result.load.invalid:
            break
    return samples, result, result.load.soak


def slowest(result: ProbeResult, metric: str) -> float:
    """From the histograms: samples are not kept where this machine was too slow."""
    assert result.load
    spread = result.load.stages[0].spreads[metric]
    assert spread.max_ms is not None
    return spread.max_ms


def signatures(result: ProbeResult) -> Counter[str]:
    return Counter(failure.signature for failure in result.failures)


async def test_users_who_are_dropped_between_messages_come_back_and_lose_nothing() -> None:
    chat = Chat(lambda n: "after" if n % 4 == 0 else "")
    _, result, told = await soaked(chat, users=3)
    assert result.n_failed == 0, result.message
    assert result.n == len(chat.heard) == len(set(chat.heard)) > 15
    assert told.n_drops >= 5 and told.n_returns >= told.n_drops - 3
    assert (told.n_lost, told.n_unsent, told.n_duplicated) == (0, 0, 0)
    assert chat.n_sockets == 3 + told.n_returns, "each stays on its socket while it can"
    assert result.load
    spreads = result.load.stages[0].spreads
    assert set(spreads) == {*metrics_of(read({"id": "p", **staying("ws://h")})), "whole.actual"}
    assert spreads["recovery"].n == spreads["reconnect"].n > 0
    assert (spreads["reconnect"].min_ms or 0) >= 20 * LEAST_JITTER, "the back-off comes first"
    assert "sockets lost" in result.message


async def test_what_was_sent_and_never_answered_is_lost_and_counted_once() -> None:
    chat = Chat(lambda n: ("lose", "cut")[n % 2] if n in (3, 6) else "")
    _, result, told = await soaked(chat)
    assert (told.n_lost, told.n_drops, told.n_returns) == (2, 2, 2)
    assert result.outcome is not Outcome.PASS
    assert signatures(result) == {"soak/lost": 1}, "one cause, told with its count"
    assert "(2 times)" in result.failures[0].message
    assert (result.n, result.n_failed) == (len(chat.heard), 2)


async def test_an_answer_after_coming_back_is_late_and_not_lost() -> None:
    _, result, told = await soaked(Chat(lambda n: "owe" if n == 4 else ""))
    assert (told.n_lost, told.n_drops) == (0, 1)
    assert told.n_late >= 1
    assert result.n_failed == 0, result.message
    assert slowest(result, "whole") >= 20 * LEAST_JITTER


async def test_what_fell_due_without_a_socket_is_sent_late_and_timed_from_when_it_was_due() -> None:
    chat = Chat(lambda n: "after" if n == 3 else "")
    _, result, told = await soaked(chat, back_off="300ms", most_back_off="300ms", lasts="900ms")
    assert told.n_late >= 2, "150 to 300 ms without a socket, a message every 50"
    assert (told.n_lost, told.n_unsent) == (0, 0)
    assert slowest(result, "whole") > max(100, slowest(result, "whole.actual"))
    assert result.n == 18


async def test_an_answer_that_comes_twice_is_a_failure_of_its_own() -> None:
    _, result, told = await soaked(Chat(lambda n: "twice" if n == 3 else ""))
    assert told.n_duplicated == 1
    assert signatures(result)["soak/duplicated"] == 1
    assert result.n_failed >= 1


async def test_who_sends_again_loses_nothing() -> None:
    chat = Chat(lambda n: "lose" if n in (3, 5) else "")
    _, result, told = await soaked(chat, resend=True)
    assert (told.n_lost, told.n_drops) == (0, 2)
    assert result.n_failed == 0, result.message
    assert len(chat.heard) == result.n + 2 and len(set(chat.heard)) == result.n


async def test_an_answer_that_was_kept_for_who_sends_again_counts_once() -> None:
    chat = Chat(lambda n: "owe" if n == 4 else "")
    _, result, told = await soaked(chat, resend=True)
    assert (told.n_lost, told.n_unsent) == (0, 0)
    assert result.n_failed == 0, result.message
    assert result.n == len(set(chat.heard))


async def test_a_service_that_stays_away_leaves_messages_unsent() -> None:
    async with listening(lambda reader, writer: asyncio.sleep(0)) as port:
        pass  # the port is free again: nobody listens there
    _, result = await run(order(staying(f"ws://127.0.0.1:{port}", lasts="300ms")))
    assert result.load and result.load.soak
    told = result.load.soak
    assert result.outcome is not Outcome.PASS
    assert (told.n_unsent, told.n_drops) == (result.n, 0) and result.n == 6
    assert told.n_vain >= 3
    assert signatures(result) == {"soak/unsent": 1}
    assert "refused" in result.failures[0].message.lower()


@pytest.mark.parametrize("parts", [1, 2])
async def test_each_message_is_one_execution_in_any_number_of_processes(parts: int) -> None:
    chat = Chat(lambda n: ("", "lose", "after", "cut")[n % 4])
    async with talking(chat.talk) as url:
        plan = staying(url, users=4)
        plan["load"]["processes"] = parts
        _, result = await run(order(plan))
    assert result.load and result.load.soak
    told = result.load.soak
    assert result.n == 4 * 14
    assert told.n_lost + told.n_unsent == result.n_failed
    assert set(signatures(result)) <= {"soak/lost", "soak/unsent"}


@given(st.floats(0.001, 10), st.floats(0.001, 60), st.floats(0, 1), st.integers(1, 12))
def test_back_off_grows_to_its_limit_and_jitter_halves_it_at_most(
    first_s: float, most_s: float, draw: float, n: int
) -> None:
    terms = Soak.model_construct(back_off=first_s, most_back_off=most_s)
    waits = list(islice(back_offs(terms), n))
    assert waits == sorted(waits) and max(waits) <= most_s
    assert waits[0] == min(first_s, most_s)
    for wait_s in waits:
        assert wait_s * LEAST_JITTER <= with_jitter(wait_s, draw) <= wait_s
