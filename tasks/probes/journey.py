"""One execution of a probe: does what the journey's machine decides and tells it what happened."""

from __future__ import annotations

import asyncio
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import httpx

from data.errors import UsageError
from data.records.probe_plan import HttpProbe, JourneyProbe, steps_of
from data.records.trace import Span
from data.rules.journey.book import Measurement
from data.rules.journey.machine import Machine
from data.rules.journey.moves import (
    Call,
    Closed,
    Connect,
    Decision,
    Event,
    Failed,
    HangUp,
    Message,
    Mint,
    Minted,
    Sleep,
    Stream,
    Timer,
    Transmit,
    Wait,
)
from data.rules.journey.names import template_names
from data.rules.journey.nonces import LETTERS, N_FREE, nonce
from data.rules.journey.signatures import Cause
from data.rules.journey.trace import Moment, spans
from tasks.probes.clients import Client
from tasks.probes.functions import load_functions
from tasks.probes.requests import cookie_header
from tasks.probes.sockets import Socket, open_socket
from tasks.probes.streams import EventStream, open_stream
from tasks.tokens import mint

Sort = Callable[[Message], bool]


class Report(NamedTuple):
    """What one execution came to: why it failed, if it did, what it measured, and its course."""

    cause: Cause | None
    measurements: tuple[Measurement, ...]
    moments: tuple[Moment, ...] = ()
    started_s: float = 0.0

    def trace(self, probe: HttpProbe | JourneyProbe) -> tuple[Span, ...]:
        """Its course, for a waterfall."""
        return spans(steps_of(probe), self.moments, self.started_s, self.cause is None)


_MAKERS: Mapping[str, Callable[[], str]] = {
    "uuid": lambda: str(uuid.uuid4()),
    "random_password": lambda: f"{secrets.token_urlsafe(15)}aA1!",  # suits the usual rules
}


class Walker:
    """Executes one probe, again and again. Whatever happens, no socket stays open.

    Args:
        names: variables by name, the same for each execution; those of `BUILT_IN` are added.
        client: sends the HTTP requests.
        root: the plan's folder, for functions.

    Raises:
        UsageError: a function of the plan cannot be loaded.
    """

    def __init__(
        self, probe: HttpProbe | JourneyProbe, names: Mapping[str, str], client: Client,
        root: Path = Path(),
    ) -> None:  # fmt: skip
        self.steps = steps_of(probe)
        self.total = probe.total_metric if isinstance(probe, JourneyProbe) else None
        self.names, self.client = names, client
        self._run_id = names.get("run_id", "")
        uses = template_names(probe).uses
        self._functions = load_functions(probe, root)
        self._makers = {
            name: make for name, make in _MAKERS.items() if name in uses or self._functions
        }

    async def walk(self, ordinal: int, intended_s: float | None = None) -> Report:
        """Execute the probe once.

        Args:
            intended_s: when a schedule wanted it to start, of perf_counter: times count from there.

        Raises:
            UsageError: the plan asks for what cannot be done.
        """
        known = {**self.names, **self.fresh_names(ordinal)}
        now_s = perf_counter()
        late_s = None if intended_s is None else max(0.0, now_s - intended_s)
        began_s = now_s - (late_s or 0.0)
        machine = Machine(self.steps, known, began_s, self.total, late_s, functions=self._functions)
        course = Course(self.client, self.names)
        try:
            await course.run(machine)
        finally:
            await course.leave()
        end = machine.decision
        cause = end.cause if isinstance(end, Failed) else None
        return Report(cause, tuple(machine.measurements), tuple(course.moments), now_s)

    def fresh_names(self, ordinal: int) -> dict[str, str]:
        """The built-in variables of one execution: the nonce, and which of them the probe uses."""
        bits = secrets.randbits(5 * N_FREE)
        letters = "".join([LETTERS[bits >> 5 * n & 31] for n in range(N_FREE)])
        fresh = {"nonce": nonce(letters, self._run_id), "ordinal": str(ordinal)}
        for name, make in self._makers.items():
            fresh[name] = make()
        return fresh


class Course:
    """The hands and ears of one execution, and what they met."""

    __slots__ = ("_client", "_cookies", "_ear", "_names", "moments")

    def __init__(self, client: Client, names: Mapping[str, str]) -> None:
        self._client = client
        self._names = names
        self._cookies: httpx.Cookies | None = None
        self._ear: Socket | EventStream | None = None
        self.moments: list[Moment] = []

    async def run(self, machine: Machine, sort: Sort | None = None) -> None:
        """Do what the machine decides until there is nothing more to do.

        What a load does most comes first, and awaits nothing that is there already.

        Args:
            sort: takes messages that are none of the machine's.
        """
        decision, keep = machine.decision, self.moments.append
        while not machine.is_over:
            event: Event
            if isinstance(decision, Wait):
                ear = self._ear or self._socket()
                event = ear.take() or await ear.wait(decision.until_s)
                while sort and isinstance(event, Message) and sort(event):
                    event = await ear.wait(decision.until_s)
            elif isinstance(decision, Transmit):
                event = self._socket().send(decision.text)
            else:
                event = await self._perform(decision)
            keep((machine.ordinal, event))
            decision = machine.feed(event)

    async def _perform(self, decision: Decision) -> Event:
        match decision:
            case Connect():
                return await self._open(decision)
            case HangUp(code, within_s):
                return await self._socket().hang_up(code, within_s)
            case Call(request):
                return await self._client.ask(request, self._jar())
            case Stream(request):
                await self.leave()
                self._ear, answer = await open_stream(request, self._jar())
                return answer
            case Sleep(until_s):
                await asyncio.sleep(max(0.0, until_s - perf_counter()))
                return Timer(max(until_s, perf_counter()))
            case Mint(spec):
                return Minted(mint(spec, self._key(spec.key.variable), time.time()), perf_counter())
        raise AssertionError(f"{decision} is nothing to perform")

    async def _open(self, spec: Connect) -> Event:
        await self.leave()
        if self._cookies:
            headers = {**cookie_header(spec.url, self._cookies), **spec.headers}
            spec = spec._replace(headers=headers)
        self._ear, event = await open_socket(spec)
        return event

    def _socket(self) -> Socket:
        if not isinstance(self._ear, Socket):
            raise UsageError("the journey talks before a socket is open")
        return self._ear

    def _jar(self) -> httpx.Cookies:
        if self._cookies is None:
            self._cookies = httpx.Cookies()
        return self._cookies

    def _key(self, variable: str) -> str:
        if variable not in self._names:
            raise UsageError(f"the signing key {variable} is not set")
        return self._names[variable]

    async def hear(self, until_s: float) -> Message | Closed | Timer:
        """What comes on the open socket, whoever it is for."""
        return await (self._ear or self._socket()).wait(until_s)

    @property
    def lost_s(self) -> float | None:
        """When the socket was lost; None while it is open."""
        return self._ear.lost_s if self._ear else None

    async def leave(self) -> None:
        """Close what is open."""
        ear, self._ear = self._ear, None
        if ear:
            await ear.leave()
