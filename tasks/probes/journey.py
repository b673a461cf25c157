"""One execution of a probe: does what the journey's machine decides and tells it what happened."""

from __future__ import annotations

import asyncio
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import perf_counter

import httpx

from data.errors import UsageError
from data.records.probe_plan import HttpProbe, JourneyProbe, steps_of
from data.records.trace import Span
from data.rules.journey.book import Measurement
from data.rules.journey.machine import Machine
from data.rules.journey.moves import (
    Call,
    Connect,
    Decision,
    Event,
    Failed,
    HangUp,
    Mint,
    Minted,
    Sleep,
    Timer,
    Transmit,
    Wait,
)
from data.rules.journey.nonces import LETTERS, N_FREE, nonce
from data.rules.journey.signatures import Cause
from data.rules.journey.trace import Moment, spans
from tasks.probes.clients import Client
from tasks.probes.requests import cookie_header
from tasks.probes.sockets import Socket, open_socket
from tasks.tokens import mint


@dataclass(frozen=True, slots=True)
class Report:
    """What one execution came to: why it failed, if it did, what it measured, and its course."""

    cause: Cause | None
    measurements: tuple[Measurement, ...]
    moments: tuple[Moment, ...] = ()
    started_s: float = 0.0

    def trace(self, probe: HttpProbe | JourneyProbe) -> tuple[Span, ...]:
        """Its course, for a waterfall."""
        return spans(steps_of(probe), self.moments, self.started_s, self.cause is None)


def fresh_names(ordinal: int, run_id: str) -> dict[str, str]:
    """The built-in variables of one execution."""
    letters = secrets.randbits(5 * N_FREE)
    return {
        "nonce": nonce("".join(LETTERS[letters >> 5 * n & 31] for n in range(N_FREE)), run_id),
        "uuid": str(uuid.uuid4()),
        "ordinal": str(ordinal),
        "random_password": f"{secrets.token_urlsafe(15)}aA1!",  # suits the usual rules
    }


async def walk(
    probe: HttpProbe | JourneyProbe,
    names: Mapping[str, str],
    ordinal: int,
    client: Client,
    intended_s: float | None = None,
) -> Report:
    """Execute a probe once. Whatever happens, no socket stays open.

    Args:
        intended_s: when a schedule wanted it to start, of perf_counter: times count from there.

    Raises:
        UsageError: the plan asks for what cannot be done.
    """
    total = probe.total_metric if isinstance(probe, JourneyProbe) else None
    known = {**names, **fresh_names(ordinal, names.get("run_id", ""))}
    now_s = perf_counter()
    late_s = None if intended_s is None else max(0.0, now_s - intended_s)
    machine = Machine(steps_of(probe), known, now_s - (late_s or 0.0), total, late_s)
    driver = _Driver(client, names)
    moments: list[Moment] = []
    try:
        while (event := await driver.perform(machine.decision)) is not None:
            moments.append(Moment(machine.ordinal, event))
            machine.feed(event)
    finally:
        await driver.leave()
    end = machine.decision
    cause = end.cause if isinstance(end, Failed) else None
    return Report(cause, tuple(machine.measurements), tuple(moments), now_s)


class _Driver:
    """The hands of one execution."""

    def __init__(self, client: Client, names: Mapping[str, str]) -> None:
        self._client = client
        self._names = names
        self._cookies = httpx.Cookies()
        self._socket: Socket | None = None

    async def perform(self, decision: Decision) -> Event | None:
        """Do it; None when there is nothing more to do."""
        match decision:
            case Call(request):
                return await self._client.ask(request, self._cookies)
            case Connect():
                return await self._open(decision)
            case Sleep(until_s):
                await asyncio.sleep(max(0.0, until_s - perf_counter()))
                return Timer(max(until_s, perf_counter()))
            case Mint(spec):
                return Minted(mint(spec, self._key(spec.key.variable), time.time()), perf_counter())
            case Transmit() | Wait() | HangUp():
                return await self._talk(decision, self._open_one())
        return None

    async def _open(self, spec: Connect) -> Event:
        await self.leave()
        headers = spec.headers
        if self._cookies:
            headers = {**cookie_header(spec.url, self._cookies), **headers}
        self._socket, event = await open_socket(replace(spec, headers=headers))
        return event

    async def _talk(self, decision: Transmit | Wait | HangUp, plug: Socket) -> Event:
        match decision:
            case Transmit(text):
                return await plug.send(text)
            case Wait(until_s):
                return await plug.wait(until_s)
            case HangUp(code, within_s):
                return await plug.hang_up(code, within_s)

    def _open_one(self) -> Socket:
        if self._socket is None:
            raise UsageError("the journey talks before a socket is open")
        return self._socket

    def _key(self, variable: str) -> str:
        if variable not in self._names:
            raise UsageError(f"the signing key {variable} is not set")
        return self._names[variable]

    async def leave(self) -> None:
        """Close what is open."""
        plug, self._socket = self._socket, None
        if plug:
            await plug.leave()
