"""One suite or probe under every control: its part of the sensitivity matrix."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple

from prefect.logging import get_run_logger

from data.records.control import Control
from data.records.facts import SuiteAudit
from data.records.orders import ProbeOrder, SuiteOrder
from data.records.plan import Phase, Suite
from data.records.probe_plan import ProbePlan
from data.rules.outcomes import RED
from data.rules.sensitivity import (
    Seen,
    Trial,
    audited,
    budget_per_test_s,
    doubtful,
    movable,
    with_second_look,
)
from flows.places import Place, Places
from flows.session import Session
from flows.wiring import Wired
from tasks.clock import now
from tasks.kept_trials import KeptTrials
from tasks.trials import try_probe, try_suite

_SOUND = "sound"  # the round in which nothing is broken
_STARTUP_S = 15.0  # a suite's own start and collection, beside its tests


class Check(NamedTuple):
    """One suite or probe of the plan."""

    phase: Phase
    one: Suite | ProbePlan

    @property
    def place(self) -> tuple[str, str]:
        """Phase and suite (or probe)."""
        return self.phase.id, self.one.id


async def matrix_of(
    session: Session,
    check: Check,
    served: Mapping[Control, Wired],
    places: Places,
    kept: KeptTrials,
) -> str:
    """Record the suite's part of the matrix. Returns a sentence about it.

    Args:
        kept: trials of an earlier try of this audit, which are not made again.
    """
    reason = movable(session.wired.plan, check.one)
    trials: list[Trial] = []
    sound: dict[str, Seen] = {}
    if not reason:

        async def on_sound() -> Trial:
            async with places.hold(check.one.resource_group, worker=True):
                return await _try(session.wired, check, _SOUND, None)

        sound = (await _once(kept, (*check.place, _SOUND), on_sound)).results
        budget_s = session.wired.plan.audit.budget
        trials = await _under_all(check, served, places, sound, budget_s, kept)
        reason = "" if trials else "nothing could be tried within the budget"
    if reason:
        return _unknown(session, check, reason)
    facts = audited(session.wired.run_id, check.place, sound, trials)
    for fact in facts:
        session.record(fact)
    red = {t.control for t in trials if _any_red(t)}
    return f"{len(sound)} tests, red under {len(red)} of {len(trials)} controls"


async def _once(
    kept: KeptTrials,
    name: tuple[str, ...],
    work: Callable[[], Awaitable[Trial]],
    wanted: Iterable[str] = (),
) -> Trial:
    """The trial of that name if there is one with all wanted tests; else a new one, kept."""
    trial = kept.get(*name)
    if trial is None or not set(wanted) <= trial.results.keys():
        trial = await work()
        kept.put(trial, *name)
    return trial


def _any_red(trial: Trial) -> bool:
    return trial.broken or any(seen.outcome in RED for seen in trial.results.values())


def _unknown(session: Session, check: Check, reason: str) -> str:
    phase, suite = check.place
    session.record(
        SuiteAudit(
            run_id=session.wired.run_id, phase=phase, suite=suite, audited=False, reason=reason,
            at=now(),
        )
    )  # fmt: skip
    return f"unknown: {reason}"


async def _under_all(
    check: Check,
    served: Mapping[Control, Wired],
    places: Places,
    sound: Mapping[str, Seen],
    budget_s: float,
    kept: KeptTrials,
) -> list[Trial]:
    """One trial a control; those that the budget cut off are missing."""
    trials: list[Trial] = []

    async def one(control: Control, wired: Wired) -> None:
        async def first() -> Trial:
            async with _place(places, check, control):
                return await _first_look(wired, check, control, sound)

        trials.append(await _once(kept, (*check.place, "first", control.id), first))

    async def again(control: Control, wired: Wired, names: tuple[str, ...]) -> None:
        async def second() -> Trial:
            async with _place(places, check, control):
                return await _try(wired, check, control.id, None, names)

        looked = await _once(kept, (*check.place, "second", control.id), second, names)
        at = next(i for i, trial in enumerate(trials) if trial.control == control.id)
        trials[at] = with_second_look(trials[at], looked)

    try:
        async with asyncio.timeout(budget_s):
            await _at_once(one(control, wired) for control, wired in served.items())
            doubts = doubtful(sound, trials)
            await _at_once(
                again(c, wired, doubts[c.id]) for c, wired in served.items() if c.id in doubts
            )
    except TimeoutError:
        get_run_logger().warning("%s: the budget ended", "/".join(check.place))
    order = [control.id for control in served]
    return sorted(trials, key=lambda trial: order.index(trial.control))


async def _first_look(
    wired: Wired, check: Check, control: Control, sound: Mapping[str, Seen]
) -> Trial:
    if control.learns:  # from a first round, whose results say little
        await _try(wired, check, control.id, sound)
    trial = await _try(wired, check, control.id, sound)
    told = {"slow": control.kind == "delayed", "outage": control.is_outage}
    return trial.model_copy(update=told)


def _place(places: Places, check: Check, control: Control) -> AbstractAsyncContextManager[Place]:
    """A mutated target is the real one: what must not run at the same time still must not."""
    group = None if control.stands_alone else check.one.resource_group
    return places.hold(group, worker=True)


async def _at_once(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for work in works:
            group.create_task(work)


async def _try(
    wired: Wired,
    check: Check,
    control: str,
    sound: Mapping[str, Seen] | None,
    only: tuple[str, ...] = (),
) -> Trial:
    """One run of one suite or probe; quick to give up where `sound` says that it was quick."""
    if isinstance(check.one, Suite):
        order = _suite_order(wired, check.phase, check.one, control, sound)
        only_these = {"only": only, "attempt": 2 if only else 1}
        return await try_suite(order.model_copy(update=only_these), control)
    return await try_probe(_probe_order(wired, check.phase, check.one, sound), control)


def _suite_order(
    wired: Wired, phase: Phase, suite: Suite, control: str, sound: Mapping[str, Seen] | None
) -> SuiteOrder:
    order = wired.suite_order(phase, suite)
    place = {"work_dir": order.work_dir.parent / "audit" / control / suite.id}
    if sound is None:
        return order.model_copy(update=place)  # the suite's own times
    most_s = min(wired.plan.audit.test_timeout, order.test_timeout_s or float("inf"))
    per_test_s = budget_per_test_s(sound, most_s)
    whole_s = min(wired.plan.audit.timeout, len(sound) * per_test_s + _STARTUP_S)
    return order.model_copy(
        update={**place, "test_timeout_s": per_test_s, "timeout_s": max(whole_s, _STARTUP_S)}
    )


def _probe_order(
    wired: Wired, phase: Phase, probe: ProbePlan, sound: Mapping[str, Seen] | None
) -> ProbeOrder:
    """Once is enough to see whether it turns red; how often and how many at once is not asked."""
    few: dict[str, float] = {"repeat": 1, "concurrency": 1, "warm_up": 0}
    if sound is not None:
        few["timeout"] = budget_per_test_s(sound, wired.plan.audit.test_timeout)
    return wired.probe_order(phase, probe.model_copy(update=few))
