"""What a health body says: `degraded` with HTTP 200 is degraded."""

from __future__ import annotations

from typing import Any

from data.records.facts import Dependency
from data.records.plan import DependencyRules, HealthCheck
from data.records.record import Record
from data.records.words import HealthState
from data.rules.paths import look_up

_RANK = {
    HealthState.HEALTHY: 0,
    HealthState.DEGRADED: 1,
    HealthState.UNKNOWN: 2,
    HealthState.DOWN: 3,
}


class Look(Record):
    """One answer of one health endpoint."""

    state: HealthState
    status_code: int | None = None
    latency_ms: float | None = None
    message: str = ""
    dependencies: tuple[Dependency, ...] = ()


def judge_body(check: HealthCheck, status_code: int, body: Any, latency_ms: float) -> Look:
    """The state that a body tells, with the dependencies that the service owns held against it.

    An HTTP error is down. A body without the declared status is unknown, and so never healthy.
    """
    dependencies = _dependencies(check, body)
    state, message = _state(check, status_code, body)
    sick = [d for d in dependencies if d.owned and d.state is not HealthState.HEALTHY]
    if sick and state is HealthState.HEALTHY:
        state = HealthState.DEGRADED
    if sick:
        message += "; " + ", ".join(f"{d.name} {d.state} {d.error}".strip() for d in sick)
    return Look(
        state=state,
        status_code=status_code,
        latency_ms=latency_ms,
        message=f"{check.path}: {message}",
        dependencies=dependencies,
    )


def combine(looks: list[Look]) -> Look:
    """The worst of several endpoints, with all of their dependencies."""
    worst = max(looks, key=lambda look: _RANK[look.state])
    everything = tuple(d for look in looks for d in look.dependencies)
    slowest = max((look.latency_ms or 0.0 for look in looks), default=0.0)
    return worst.model_copy(update={"dependencies": everything, "latency_ms": slowest or None})


def _state(check: HealthCheck, status_code: int, body: Any) -> tuple[HealthState, str]:
    said = look_up(body, check.status) if check.status is not None else None
    detail = _detail(body)
    if not 200 <= status_code < 300:
        return HealthState.DOWN, f"HTTP {status_code}{detail}"
    if check.status is None:
        return HealthState.HEALTHY, f"HTTP {status_code}"
    if said is None:
        return HealthState.UNKNOWN, f"HTTP {status_code}, but the body has no {check.status!r}"
    state = _word(check, said)
    return (
        state,
        f"HTTP {status_code}, {check.status} = {said}{detail if state != 'healthy' else ''}",
    )


def _word(check: HealthCheck, said: Any) -> HealthState:
    word = str(said).lower()
    if word in [w.lower() for w in check.healthy]:
        return HealthState.HEALTHY
    if word in [w.lower() for w in check.degraded]:
        return HealthState.DEGRADED
    return HealthState.DOWN


def _detail(body: Any) -> str:
    for key in ("message", "error", "detail"):
        if isinstance(body, dict) and isinstance(body.get(key), str):
            return f", {body[key][:200]}"
    return ""


def _dependencies(check: HealthCheck, body: Any) -> tuple[Dependency, ...]:
    rules = check.dependencies
    if rules is None:
        return ()
    listed = look_up(body, rules.path)
    entries = listed if isinstance(listed, dict) else {}
    missing = [n for n in rules.owned or () if n not in entries]
    found = [_dependency(check, rules, name, entry) for name, entry in entries.items()]
    silent = [
        Dependency(name=n, state=HealthState.UNKNOWN, error="not in the body") for n in missing
    ]
    return (*found, *silent)


def _dependency(check: HealthCheck, rules: DependencyRules, name: str, entry: Any) -> Dependency:
    said = entry.get(rules.status) if isinstance(entry, dict) else entry
    latency = entry.get(rules.latency) if isinstance(entry, dict) else None
    error = entry.get("error") if isinstance(entry, dict) else None
    return Dependency(
        name=name,
        state=HealthState.UNKNOWN if said is None else _word(check, said),
        latency_ms=float(latency) if isinstance(latency, int | float) else None,
        error=str(error or ""),
        owned=rules.owned is None or name in rules.owned,
    )
