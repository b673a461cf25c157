"""Rulings on the deploy, the health gate and the revision fence."""

from __future__ import annotations

from collections.abc import Iterator

from data.records.facts import HealthReading, RevisionReading
from data.records.words import HealthState, Mark, Outcome, Priority, VerdictWord
from data.rules.judge.case import Case, Ruling, ruling

_WORDS = {
    HealthState.HEALTHY: (Priority.P1, Mark.PASS),
    HealthState.DEGRADED: (Priority.P2, Mark.FAIL),
    HealthState.DOWN: (Priority.P1, Mark.FAIL),
    HealthState.UNKNOWN: (Priority.P1, Mark.NOT_RUN),
}


def deploy_rulings(case: Case) -> Iterator[Ruling]:
    """One ruling on the deploy; none where the plan deploys nothing."""
    deploy = case.evidence.deploy
    if deploy is None:
        if case.plan.deploy.deployer != "none":
            yield ruling("deploy", Priority.P1, Mark.NOT_RUN, "no deploy was recorded")
        return
    if deploy.outcome is Outcome.SKIPPED:
        return
    mark = {Outcome.PASS: Mark.PASS, Outcome.FAIL: Mark.FAIL}.get(deploy.outcome, Mark.ERROR)
    text = deploy.message or f"deployed {deploy.revision} in {deploy.duration_s:.1f} s"
    yield ruling("deploy", Priority.P1, mark, text, ("deploy",))


def newer_rulings(case: Case) -> Iterator[Ruling]:
    """A newer deployment ended the run: whatever was seen by then is about what has gone."""
    ended = case.evidence.ended
    if ended is not None and ended.superseded_by is not None:
        text = f"ended for a newer deployment, {ended.superseded_by}"
        yield ruling("newer deployment", Priority.P1, Mark.FAIL, text, (), VerdictWord.SUPERSEDED)


def health_rulings(case: Case) -> Iterator[Ruling]:
    """One ruling a service on the health gate, blamed on what was there before the deploy."""
    if _deploy_failed(case):
        return  # nothing new serves: its health says nothing about this deployment
    gate, before = case.health("gate"), case.health("before")
    for service in case.plan.services:
        if not case.plan.services[service].health:
            continue
        reading = gate.get(service)
        yield (
            _health(service, reading, before.get(service), case)
            if reading
            else ruling(
                f"health/{service}", Priority.P1, Mark.NOT_RUN, f"{service}: health was never read"
            )
        )


def _health(
    service: str, reading: HealthReading, before: HealthReading | None, case: Case
) -> Ruling:
    priority, mark = _WORDS[reading.state]
    sentence = f"{service} is {reading.state}: {reading.message or 'no detail'}"
    if reading.state is HealthState.DOWN and environment_was_down(case, before):
        mark, sentence = Mark.ERROR, f"environment down, not this deployment: {sentence}"
    return ruling(f"health/{service}", priority, mark, sentence, (f"health/gate/{service}",))


def end_rulings(case: Case) -> Iterator[Ruling]:
    """One ruling on each service that was healthy at the gate and is not at the end."""
    gate = case.health("gate")
    for service, reading in case.health("end").items():
        was_healthy = service in gate and gate[service].state is HealthState.HEALTHY
        if was_healthy and reading.state is not HealthState.HEALTHY:
            text = f"{service} is {reading.state} at the end: {reading.message or 'no detail'}"
            evidence = (f"health/end/{service}",)
            yield ruling(f"health/{service}/end", Priority.P2, Mark.FAIL, text, evidence)


def environment_was_down(case: Case, before: HealthReading | None) -> bool:
    """Whether a service that is down now cannot be blamed on this deployment."""
    deploy = case.evidence.deploy
    if deploy is None or deploy.outcome is not Outcome.PASS:
        return True
    was_serving = deploy.previous is not None  # else nothing could have been up before
    return was_serving and before is not None and before.state is HealthState.DOWN


def _deploy_failed(case: Case) -> bool:
    deploy = case.evidence.deploy
    return deploy is not None and deploy.outcome in (Outcome.FAIL, Outcome.ERROR)


def fence_rulings(case: Case) -> Iterator[Ruling]:
    """One ruling a service whose revision the plan can read."""
    if _deploy_failed(case) or stopped_by_health(case):
        return
    fenced = [name for name, s in case.plan.services.items() if s.revision is not None]
    for service in fenced:
        yield _fence(service, case.readings(service), case)
    if case.evidence.run.revision and not fenced:
        named = case.evidence.run.revision
        text = f"no service says which revision serves: nothing ties this to {named}"
        yield ruling("revision", Priority.P3, Mark.NOT_RUN, text)


def stopped_by_health(case: Case) -> bool:
    """Whether the run ended at the health gate, before any revision had to be read."""
    looked_at = [name for name, service in case.plan.services.items() if service.health]
    return not case.evidence.revisions and any(
        h.state in (HealthState.DOWN, HealthState.UNKNOWN)
        for name, h in case.health("gate").items()
        if name in looked_at
    )


def _fence(service: str, readings: list[RevisionReading], case: Case) -> Ruling:
    id, evidence = f"revision/{service}", tuple(f"revision/{r.stage}/{service}" for r in readings)
    if not readings:
        text = f"{service}: its revision was never read"
        return ruling(id, Priority.P1, Mark.NOT_RUN, text)
    unread = [r for r in readings if not r.seen]
    expected = expected_revision(readings)
    if superseded_by(readings):
        told = [r for r in readings if r.seen]
        first, last = told[0], told[-1]
        text = f"{service}: {expected} at {first.stage}, {last.seen[0]} at {last.stage}"
        return ruling(id, Priority.P1, Mark.FAIL, text, evidence, VerdictWord.SUPERSEDED)
    wrong = next((r for r in readings if r.seen and set(r.seen) != {expected}), None)
    if wrong is not None:
        text = f"{service}: expected {expected}, {_say(wrong)}"
        return ruling(id, Priority.P1, Mark.FAIL, text, evidence, VerdictWord.HOLD)
    if unread:
        text = f"{service}: revision not readable at {unread[0].stage}: {unread[0].error}"
        return ruling(id, Priority.P1, Mark.ERROR, text, evidence)
    if case.evidence.ended is not None and len(readings) < 2:
        text = f"{service}: revision read once only, at {readings[0].stage}"
        return ruling(id, Priority.P1, Mark.NOT_RUN, text, evidence)
    if gaps := _gaps(case, readings):
        text = f"{service}: revision never read at {', '.join(gaps)}"
        return ruling(id, Priority.P1, Mark.NOT_RUN, text, evidence)
    text = f"{service}: {expected} in {sum(r.n_reads for r in readings)} of as many reads"
    return ruling(id, Priority.P1, Mark.PASS, text, evidence)


def _gaps(case: Case, readings: list[RevisionReading]) -> list[str]:
    """Stages that lack a reading: before the phases and after each that ran; `end` is the last."""
    ran = [p.id for p in case.plan.phases if p.id in case.phases and case.phases[p.id].started_at]
    stages = {r.stage for r in readings}
    if ran and "end" in stages:
        stages.add(f"after:{ran[-1]}")
    wanted = ["start", *(f"after:{id}" for id in ran)] if ran else []
    return [stage for stage in wanted if stage not in stages]


def expected_revision(readings: list[RevisionReading]) -> str | None:
    """The declared or deployed revision; where neither is known, the first one seen."""
    declared = next((r.expected for r in readings if r.expected), None)
    return declared or next((r.seen[0] for r in readings if r.seen), None)


def superseded_by(readings: list[RevisionReading]) -> str | None:
    """The revision that replaced the expected one for good, or None.

    Replaced: the first reading was the expected revision alone, the last one is another alone.
    Two revisions in one reading without such an end are split traffic, not a replacement.
    """
    seen = [r.seen for r in readings if r.seen]
    expected = expected_revision(readings)
    if len(seen) < 2 or set(seen[0]) != {expected} or len(set(seen[-1])) != 1:
        return None
    return seen[-1][0] if seen[-1][0] != expected else None


def _say(reading: RevisionReading) -> str:
    names = list(dict.fromkeys(reading.seen))
    if len(names) > 1:
        return f"{' and '.join(names)} answered in turn at {reading.stage}"
    return f"{names[0]} serves at {reading.stage}"
