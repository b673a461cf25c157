"""Run one attempt of one probe: waves of executions, retries of failed ones, one result."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import count, islice
from time import perf_counter
from typing import Any

from data.errors import GoldenPathError, UsageError
from data.records.facts import Failure, ProbeResult, Sample
from data.records.load_figures import LoadFigures
from data.records.orders import ProbeOrder
from data.records.trace import Span
from data.records.words import Outcome
from data.rules.journey.names import keys_of, undefined_names
from data.rules.journey.summary import Conclusion, Round, conclude, retry_size
from tasks.probes.clients import Client
from tasks.probes.journey import Report, Walker
from tasks.probes.load.crew import Progress
from tasks.probes.load.run import run_load
from tasks.probes.requests import open_client

_log = logging.getLogger(__name__)
Emit = Callable[[Sample | ProbeResult], None]
PER_ATTEMPT = 1_000_000  # ordinals of one attempt, so that attempts of one run never meet


async def run_probe(
    order: ProbeOrder, hear: Progress | None = None
) -> AsyncIterator[Sample | ProbeResult]:
    """Samples as they are measured, then one ProbeResult. Never raises for a sick target.

    PASS; FLAKY when failed executions passed on retry; FAIL; ERROR when the plan or the gate is
    at fault: an unset variable or key, an address that is none, a bug. Closing the iterator or
    cancelling it ends every execution and closes every socket first.

    Args:
        hear: is told the progress of a probe under load.
    """
    lines: asyncio.Queue[Sample | ProbeResult] = asyncio.Queue()
    producer = asyncio.create_task(_produce(order, lines.put_nowait, hear))
    try:
        while True:
            line = await lines.get()
            yield line
            if isinstance(line, ProbeResult):
                return
    finally:
        await _end([producer])


async def _produce(order: ProbeOrder, emit: Emit, hear: Progress | None) -> None:
    started_at, started_s = datetime.now(UTC), perf_counter()
    ended, figures, trace = await _conclusion(order, emit, started_s, hear)
    probe = order.probe
    emit(
        ProbeResult(
            run_id=order.run_id,
            phase=order.phase,
            probe=probe.id,
            kind=probe.kind,
            attempt=order.attempt,
            outcome=ended.outcome,
            n=ended.n,
            n_failed=ended.n_failed,
            message=ended.message,
            failures=ended.failures,
            load=figures,
            trace=trace,
            duration_s=perf_counter() - started_s,
            started_at=started_at,
        )
    )


async def _conclusion(
    order: ProbeOrder, emit: Emit, started_s: float, hear: Progress | None
) -> tuple[Conclusion, LoadFigures | None, tuple[Span, ...]]:
    try:
        names = {"run_id": order.run_id, **order.variables}
        _refuse_gaps(order, names)
        if order.probe.load:
            return await run_load(order, order.probe.load, emit, hear)
        async with open_client() as client:
            walks = _Run(order, names, client, emit, started_s)
            return await walks.whole(), None, walks.trace
    except UsageError as error:
        return Conclusion(Outcome.ERROR, f"the plan cannot be run: {error}"), None, ()
    except Exception as error:  # a bug of ours: without a result the run would wait for ever
        _log.exception("probe %s", order.probe.id)
        said = str(error) if isinstance(error, GoldenPathError) else repr(error)
        return Conclusion(Outcome.ERROR, f"the gate failed: {said}"), None, ()


def _refuse_gaps(order: ProbeOrder, names: Mapping[str, str]) -> None:
    """Raise for every template and key without a value, all at once."""
    missing = undefined_names(order.probe, names)
    gaps = [f"{place}: nothing defines {{{{{name}}}}}" for place, name in missing]
    keys = dict.fromkeys(key.variable for key in keys_of(order.probe))
    gaps += [f"the signing key {name} is not set" for name in keys if not names.get(name)]
    if gaps:
        raise UsageError("; ".join(gaps))


class _Run:
    """The rounds of one attempt, under one deadline."""

    def __init__(
        self,
        order: ProbeOrder,
        names: Mapping[str, str],
        client: Client,
        emit: Emit,
        started_s: float,
    ) -> None:
        self._order = order
        self._walker = Walker(order.probe, names, client, order.root)
        self._emit = emit
        self._deadline_s = started_s + order.probe.timeout
        self._ordinals = count((order.attempt - 1) * PER_ATTEMPT)
        self._samples: Counter[str] = Counter()
        self.trace: tuple[Span, ...] = ()

    async def whole(self) -> Conclusion:
        """Warm up, the first round, then the failed ones again."""
        probe, retries = self._order.probe, list[Round]()
        await self._round(probe.warm_up, keeps=False)
        last = first = await self._round(probe.repeat * probe.concurrency)
        size = retry_size(len(first.failures), probe.concurrency)
        while last.failures and len(retries) < probe.retries and self._left_s() > 0:
            last = await self._round(size, is_retry=True)
            retries.append(last)
        return conclude(probe.kind, first, retries, probe.concurrency)

    async def _round(self, n: int, keeps: bool = True, is_retry: bool = False) -> Round:
        """Waves that start one after the other; what finds no time left counts as failed.

        A retry must pass whole, so it ends with the first wave that has a failure: against a
        target that is down, trying all of them again would only cost time.
        """
        failures: list[Failure] = []
        n_ended = 0
        while n_ended < n and not (is_retry and failures):
            wave = list(islice(self._ordinals, min(n - n_ended, self._order.probe.concurrency)))
            failures += await self._wave(wave, keeps)
            n_ended += len(wave)
        return Round(n_ended, tuple(failures))

    async def _wave(self, ordinals: Sequence[int], keeps: bool) -> list[Failure]:
        if self._left_s() <= 0:
            return [self._late(ordinal) for ordinal in ordinals]
        tasks = [asyncio.create_task(self._execute(one, keeps)) for one in ordinals]
        try:
            await asyncio.wait(tasks, timeout=self._left_s())
        finally:
            await _end(tasks)
        ends = zip(ordinals, tasks, strict=True)
        found = [self._late(one) if task.cancelled() else task.result() for one, task in ends]
        return [failure for failure in found if failure]

    async def _execute(self, ordinal: int, keeps: bool) -> Failure | None:
        report = await self._walker.walk(ordinal)
        if keeps:
            self._sample(report)
            self._keep_course(report)
        if report.cause is None:
            return None
        return Failure(ordinal=ordinal, **asdict(report.cause))

    def _keep_course(self, report: Report) -> None:
        if not self.trace or (report.cause and self.trace[-1].ok):
            self.trace = report.trace(self._order.probe)

    def _sample(self, report: Report) -> None:
        """Emit what an execution measured, now that it is known whether it passed."""
        order, at = self._order, datetime.now(UTC)
        for metric, value_ms in report.measurements:
            ordinal = (order.attempt - 1) * PER_ATTEMPT + self._samples[metric]
            self._samples[metric] += 1
            self._emit(
                Sample(
                    run_id=order.run_id,
                    phase=order.phase,
                    probe=order.probe.id,
                    metric=metric,
                    ordinal=ordinal,
                    value=value_ms,
                    ok=report.cause is None,
                    at=at,
                )
            )

    def _late(self, ordinal: int) -> Failure:
        said = f"did not end within the probe's {self._order.probe.timeout:g} s"
        return Failure(ordinal=ordinal, step="", signature="timeout/probe", message=said)

    def _left_s(self) -> float:
        return self._deadline_s - perf_counter()


async def _end(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancel what still runs and wait until it has cleaned up; results stay in the tasks."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
