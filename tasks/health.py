"""Read health bodies and revisions. A sick service is a reading, never an exception."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from data.records.facts import HealthReading, RevisionReading
from data.records.plan import HealthCheck, HealthGate, RevisionSource, Service
from data.records.words import HealthState
from data.rules.health import Look, combine, judge_body
from data.rules.paths import look_up
from tasks.clock import now
from tasks.trust import tls_context


async def check_health(
    run_id: str, stage: str, services: Mapping[str, Service], gate: HealthGate, patient: bool
) -> AsyncIterator[HealthReading]:
    """Readings of all services at once, each as soon as it is known.

    Args:
        patient: wait up to `gate.deadline` for `gate.consecutive` good answers of each service;
            else look once.
    """
    watched = {name: service for name, service in services.items() if service.health}
    async with _client() as client:
        pending = [
            asyncio.ensure_future(_service(client, run_id, stage, name, service, gate, patient))
            for name, service in watched.items()
        ]
        try:
            for done in asyncio.as_completed(pending):
                yield await done
        finally:
            for task in pending:
                task.cancel()


def _client() -> httpx.AsyncClient:
    """A new connection for each request: a kept one would go on talking to an old revision."""
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.AsyncClient(trust_env=False, limits=limits, verify=tls_context())


async def _service(
    client: httpx.AsyncClient,
    run_id: str,
    stage: str,
    name: str,
    service: Service,
    gate: HealthGate,
    patient: bool,
) -> HealthReading:
    began, n_reads, streak = time.monotonic(), 0, 0
    while True:
        look = combine([await _look(client, service.url, check) for check in service.health])
        n_reads += 1
        streak = streak + 1 if look.state is HealthState.HEALTHY else 0
        waited = time.monotonic() - began
        settled = streak >= gate.consecutive
        if not patient or settled or waited + gate.interval > gate.deadline:
            return _reading(run_id, stage, name, look, n_reads, waited, settled, patient, gate)
        await asyncio.sleep(gate.interval)


def _reading(
    run_id: str,
    stage: str,
    name: str,
    look: Look,
    n_reads: int,
    waited_s: float,
    settled: bool,
    patient: bool,
    gate: HealthGate,
) -> HealthReading:
    message, state = look.message, look.state
    if patient and not settled:
        message = f"{message} (after {n_reads} reads in {waited_s:.1f} s)"
        if state is HealthState.HEALTHY:  # good at last, but not long enough to be believed
            state = HealthState.UNKNOWN
            message = f"fewer than {gate.consecutive} good answers in a row before the deadline"
    return HealthReading(
        run_id=run_id,
        stage=stage,
        service=name,
        state=state,
        status_code=look.status_code,
        latency_ms=look.latency_ms,
        n_reads=n_reads,
        ready_after_s=waited_s if settled else None,
        message=message,
        dependencies=look.dependencies,
        at=now(),
    )


async def _look(client: httpx.AsyncClient, base: str, check: HealthCheck) -> Look:
    began = time.perf_counter()
    try:
        answer = await client.get(base + check.path, timeout=check.timeout)
        body = _json(answer)
    except httpx.HTTPError as error:
        text = f"{check.path}: {type(error).__name__}: {str(error) or 'no answer'}"
        return Look(state=HealthState.DOWN, message=text)
    latency_ms = (time.perf_counter() - began) * 1000
    return judge_body(check, answer.status_code, body, latency_ms)


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


async def read_revisions(
    run_id: str,
    stage: str,
    services: Mapping[str, Service],
    expected: Mapping[str, str],
    n_reads: int,
) -> AsyncIterator[RevisionReading]:
    """Which revisions answer, `n_reads` times a service, each read on a fresh connection."""
    async with _client() as client:
        reads = [
            _revision(client, run_id, stage, name, service, expected.get(name), n_reads)
            for name, service in services.items()
            if service.revision is not None
        ]
        for reading in await asyncio.gather(*reads):
            yield reading


async def _revision(
    client: httpx.AsyncClient,
    run_id: str,
    stage: str,
    name: str,
    service: Service,
    expected: str | None,
    n_reads: int,
) -> RevisionReading:
    assert service.revision is not None
    seen: list[str] = []
    error = ""
    for _ in range(n_reads):
        try:
            seen.append(await _one_revision(client, service.url, service.revision))
        except (httpx.HTTPError, LookupError, ValueError) as problem:
            error = f"{type(problem).__name__}: {str(problem) or 'no answer'}"
            break  # a service that cannot say is not asked five times more
    return RevisionReading(
        run_id=run_id,
        stage=stage,
        service=name,
        expected=service.expect_revision or expected,
        seen=() if error else tuple(dict.fromkeys(seen)),
        n_reads=len(seen),
        error=error,
        at=now(),
    )


async def _one_revision(client: httpx.AsyncClient, base: str, source: RevisionSource) -> str:
    answer = await client.get(base + source.path, timeout=5.0)
    if source.header is not None:
        return _present(answer.headers.get(source.header), f"header {source.header}")
    answer.raise_for_status()
    return _present(look_up(answer.json(), source.json_path or ""), f"json {source.json_path}")


def _present(value: Any, what: str) -> str:
    if value is None or value == "":
        raise LookupError(f"the answer has no {what}")
    return str(value)
