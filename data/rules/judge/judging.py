"""The one pure function from evidence to verdict."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import PydanticSerializationError

from data.records.evidence import Evidence, History
from data.records.facts import Sample
from data.records.plan import Plan
from data.records.verdict import Verdict
from data.records.words import Mark, Priority, VerdictWord
from data.rules.judge import account
from data.rules.judge.case import Case, Ruling, ruling
from data.rules.judge.checks import check_rulings
from data.rules.judge.criteria import declared_rulings, score_note
from data.rules.judge.guard import refusals
from data.rules.judge.incidents import incidents
from data.rules.judge.platform import (
    deploy_rulings,
    end_rulings,
    fence_rulings,
    health_rulings,
    newer_rulings,
)
from data.rules.judge.proof import capability_rulings
from data.rules.judge.quarantined import quarantine_notes
from data.rules.manifest import named
from data.rules.quarantine import expired

_TESTS: TypeAdapter[Any] = TypeAdapter(  # a word, and not an `Outcome`, is written at once
    list[tuple[str, str, str, int, str, bool | None, str, str, str]]
)
_SAMPLES: TypeAdapter[Any] = TypeAdapter(tuple[Sample, ...])
_ORDER = (
    VerdictWord.SUPERSEDED,
    VerdictWord.ROLL_BACK,
    VerdictWord.HOLD,
    VerdictWord.PROMOTE_WITH_WATCH,
)


def judge(plan: Plan, evidence: Evidence, history: History, now: datetime) -> Verdict:
    """What to do with a deployment, and why.

    Deterministic: same arguments, same verdict and same `input_hash`. Monotone: worse or less
    evidence never turns a verdict that does not approve into one that does. What the plan
    expects and the evidence lacks is never a pass.

    Args:
        plan: what was promised.
        evidence: every fact of the run, complete or not.
        history: what earlier runs of the same plan and environment say.
        now: time of judging, stamped on the verdict; decides which quarantines have expired.
    """
    case = Case(plan, evidence, history, now)
    rulings = rulings_of(case)
    refused = refusals(case, rulings)
    word, decisive = decide(rulings, refused)
    missing = account.unproven(case, rulings)
    at_risk, note = account.money(case, missing, account.failing(case, rulings))
    found = incidents(case, rulings)
    return Verdict(
        run_id=evidence.run.run_id,
        verdict=word,
        rule=_rule(word, decisive, rulings),
        reasons=_reasons(word, decisive, rulings, refused),
        coverage=account.coverage(case),
        not_seen=account.not_seen(case),
        counterfactual=account.counterfactual(word, rulings, refused),
        criteria=tuple(r.result for r in rulings),
        revenue_at_risk=at_risk,
        revenue_note=note,
        incidents=found,
        actions=account.actions(case, word, found, account.resumable(case)),
        notes=(*_notes(case), *score_note(case, rulings)),
        rollback_refusals=refused if _wants_rollback(rulings) else (),
        input_hash=input_hash(case),
        at=now,
    )


def input_hash(case: Case) -> str:
    """SHA-256 over the canonical JSON of everything that the judge read, in order of reading.

    Of `now` only what it decides is in it: the quarantines that have expired, where there are any.
    """
    few = case.evidence.model_copy(update={"tests": (), "samples": ()})
    ended = (q for q in case.plan.quarantine if expired(q, case.now))
    read = (case.plan, few, case.history, *ended)
    parts = [one.model_dump(mode="json", by_alias=True) for one in read]
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    digest = hashlib.sha256(text.encode())
    # These have no keys to sort, and there may be 100,000 of them.
    digest.update(_json(_TESTS, case.rows))
    digest.update(_json(_SAMPLES, case.evidence.samples, exclude_defaults=True))
    return digest.hexdigest()


def _json(kind: TypeAdapter[Any], value: Any, **how: Any) -> bytes:
    """As JSON; a lone surrogate, which UTF-8 cannot carry, as the three bytes that it would be."""
    try:
        return kind.dump_json(value, **how)
    except PydanticSerializationError:
        dumped = kind.dump_python(value, mode="json", **how)
        text = json.dumps(dumped, separators=(",", ":"), ensure_ascii=False)
        return text.encode("utf-8", "surrogatepass")


def rulings_of(case: Case) -> list[Ruling]:
    """Every criterion's ruling, the gate's own first; among equals the first one decides."""
    found = [
        *_complete(case),
        *newer_rulings(case),
        *deploy_rulings(case),
        *health_rulings(case),
        *end_rulings(case),
        *fence_rulings(case),
        *check_rulings(case),
        *capability_rulings(case),
        *declared_rulings(case),
    ]
    return [*found, *_ended_early(case, found)]


def _complete(case: Case) -> list[Ruling]:
    """A run without an end was cut off: what it did not see is not known."""
    if case.evidence.ended is not None:
        return []
    text = "the run was cut off before its end"
    return [ruling("run", Priority.P1, Mark.NOT_RUN, text)]


def _ended_early(case: Case, rulings: list[Ruling]) -> list[Ruling]:
    """Nothing that was left out may approve: said where nothing else says so."""
    ended = case.evidence.ended
    if ended is None or not ended.reason or any(not r.effect.approves for r in rulings):
        return []
    return [ruling("run", Priority.P1, Mark.NOT_RUN, f"the run ended early: {ended.reason}")]


def decide(rulings: list[Ruling], refused: tuple[str, ...]) -> tuple[VerdictWord, Ruling | None]:
    """The gravest effect and the first ruling that has it; None: nothing speaks against it."""
    for word in _ORDER:
        decisive = next((r for r in rulings if r.effect is word), None)
        if decisive is not None:
            held = word is VerdictWord.ROLL_BACK and bool(refused)
            return (VerdictWord.HOLD if held else word), decisive
    return VerdictWord.PROMOTE, None


def _wants_rollback(rulings: list[Ruling]) -> bool:
    return any(r.effect is VerdictWord.ROLL_BACK for r in rulings)


def _rule(word: VerdictWord, decisive: Ruling | None, rulings: list[Ruling]) -> str:
    if decisive is None:
        return f"{_tally(rulings)} → {word}"
    return f"{decisive.rule} → {word}"


def _tally(rulings: list[Ruling]) -> str:
    """What passed, and apart from it what could not be judged yet and decides nothing."""
    rulings = [r for r in rulings if not r.dry_run]
    n_passed = sum(r.result.outcome is Mark.PASS for r in rulings)
    waiting = [r.result.id for r in rulings if r.result.outcome is not Mark.PASS]
    if not waiting:
        return f"all {n_passed} criteria satisfied"
    return (
        f"{n_passed} of {len(rulings)} criteria satisfied, not evaluated yet: {', '.join(waiting)}"
    )


def _reasons(
    word: VerdictWord, decisive: Ruling | None, rulings: list[Ruling], refused: tuple[str, ...]
) -> tuple[str, ...]:
    if decisive is None:
        return (_tally(rulings),)
    ranked = sorted(
        (r for r in rulings if r.effect is not VerdictWord.PROMOTE),
        key=lambda r: (r is not decisive, _ORDER.index(r.effect)),
    )
    why_not = [f"no rollback: {text}" for text in refused] if word is VerdictWord.HOLD else []
    return (*(r.rule for r in ranked), *(why_not if _wants_rollback(rulings) else ()))


def _notes(case: Case) -> tuple[str, ...]:
    notes = list(quarantine_notes(case))
    if not case.history.readable:
        notes.append("history could not be read: judged by absolute criteria only")
    elif not case.history.baseline:
        notes.append("first deployment without a baseline: judged by absolute criteria only")
    foreign = [
        f"{h.service} reports {d.name} {d.state}: not its own dependency, not held against it"
        for h in case.evidence.health
        for d in h.dependencies
        if not d.owned and h.stage == "gate" and d.state != "healthy"
    ]
    fresh = [
        f"{suite}: {len(one.new)} new since the last promoted run: {named(one.new)}"
        for (_, suite), one in case.changes.items()
        if one.new
    ]
    return (*notes, *dict.fromkeys(foreign), *fresh)
