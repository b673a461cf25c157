"""Quarantine: a failure with an owner and a last day is shown, and spares nothing but itself."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import PlanError
from data.records.plan import Plan
from data.records.verdict import Verdict
from data.records.words import Mark, Outcome, VerdictWord
from data.rules.fail_fast import settled_because
from data.rules.judge.account import unproven
from data.rules.judge.case import Case
from data.rules.judge.judging import rulings_of
from data.rules.judge.turning import turn_of
from tests.rules.making import (
    CORE,
    LOOKS,
    NOW,
    PLAN,
    SHOP,
    SUITES,
    TESTS,
    Change,
    Input,
    both,
    cells,
    green,
    known,
    outcome,
    planned,
    seen,
    suite_ended,
    test,
)
from tests.rules.test_judge_laws import damages, lose, rank
from tests.rules.test_planning import PLAN as WRITTEN
from tests.rules.test_planning import load

WHO = {"owner": "the shop team", "reason": "ticket 7"}
LATER, GONE = "2026-12-31", "2025-12-31"  # NOW is 2026-01-01
P1_COUNT = {"id": "p1-count", "priority": "P1", "rule": "failed(p2) == 0"}
P2_COUNT = {"id": "p2-count", "priority": "P2", "rule": "failed(p2) == 0"}


def entry(suite: str = "shop", test: str = "t1", until: str = LATER) -> dict[str, Any]:
    return {"suite": suite, "test": test, "until": until, **WHO}


def spared(*entries: dict[str, Any]) -> Change:
    """Put tests into quarantine and leave the rest of the plan as it is."""

    def change(case: Input) -> Input:
        written = case.plan.model_dump(mode="json", by_alias=True) | {"quarantine": entries}
        return replace(case, plan=Plan.model_validate_json(json.dumps(written)))

    return change


def criterion(verdict: Verdict, id: str) -> Mark:
    return next(c.outcome for c in verdict.criteria if c.id == id)


def t1(*outcomes: str, where: tuple[str, str] = SHOP, **more: Any) -> Change:
    return outcome(where, "t1", *outcomes, **more)


NEW_RED = t1("FAIL", "FAIL")
TABLE: list[tuple[str, Change, str]] = [
    ("a failure in P2 is watched", both(NEW_RED, spared(entry())), "PROMOTE_WITH_WATCH"),
    ("one that could not run, too", both(t1("ERROR"), spared(entry())), "PROMOTE_WITH_WATCH"),
    ("a flaky one as ever", both(t1("FAIL", "PASS"), spared(entry())), "PROMOTE_WITH_WATCH"),
    ("a failure in P3 as ever", both(t1("FAIL", where=LOOKS), spared(entry("looks"))), "PROMOTE_WITH_WATCH"),
    ("one that passes costs nothing", spared(entry()), "PROMOTE"),
    ("without quarantine it holds", NEW_RED, "HOLD"),
    ("of another test it holds", both(NEW_RED, spared(entry(test="t2"))), "HOLD"),
    ("of another suite it holds", both(NEW_RED, spared(entry("looks"))), "HOLD"),
    ("of part of a name it holds", both(NEW_RED, spared(entry(test="1"))), "HOLD"),
    ("expired it holds", both(NEW_RED, spared(entry(until=GONE))), "HOLD"),
    ("a pass without contact is worth no more than a failure", both(t1("PASS", witnessed=False), spared(entry())), "PROMOTE_WITH_WATCH"),
    ("a failure beside it holds", both(NEW_RED, outcome(SHOP, "t2", "FAIL"), spared(entry())), "HOLD"),
    ("in P1 it has no force", both(t1("FAIL", where=CORE), spared(entry("core"))), "ROLL_BACK"),
    ("a test that did not run holds", both(t1("NOT_RUN"), spared(entry())), "HOLD"),
    ("one that was lost holds", both(lose("tests", suite="shop", test_id="t1"), spared(entry())), "HOLD"),
    ("a suite of nothing else holds", spared(*(entry(test=name) for name in TESTS)), "HOLD"),
    ("a broken suite holds", both(NEW_RED, suite_ended(SHOP, broken="no such module"), spared(entry())), "HOLD"),
    ("a declared rule of P2 passes over it", both(planned(criteria=[P2_COUNT]), NEW_RED, spared(entry())), "PROMOTE_WITH_WATCH"),
    ("a declared rule of P1 counts it", both(planned(criteria=[P1_COUNT]), NEW_RED, spared(entry())), "ROLL_BACK"),
]  # fmt: skip


@pytest.mark.parametrize(("law_", "change", "word"), TABLE, ids=[row[0] for row in TABLE])
def test_quarantine_spares_its_own_failure_and_nothing_else(
    law_: str, change: Change, word: str
) -> None:
    assert change(green()).judged().verdict == word, law_


@pytest.mark.parametrize(
    ("name", "given_id", "is_meant"),
    [
        ("test_pay", "tests/test_shop.py::test_pay", True),
        ("test_shop.py::test_pay", "tests/test_shop.py::test_pay", True),
        ("test_pay", "tests/test_shop.py::test_repay", False),
        ("test_pay", "tests/test_shop.py::test_pay[card]", False),
        ("test_pay[card]", "tests/test_shop.py::test_pay[card]", True),
    ],
)
def test_a_test_is_meant_by_its_whole_id_or_its_end(
    name: str, given_id: str, is_meant: bool
) -> None:
    facts = green().evidence
    renamed = lambda t: given_id if t == "t1" else t  # noqa: E731
    case = seen(
        tests=tuple(t.model_copy(update={"test_id": renamed(t.test_id)}) for t in facts.tests),
        collected=tuple(
            c.model_copy(update={"test_ids": tuple(map(renamed, c.test_ids))})
            for c in facts.collected
        ),
    )(green())
    red = both(outcome(SHOP, given_id, "FAIL"), spared(entry(test=name)))(case)
    assert (red.judged().verdict is VerdictWord.PROMOTE_WITH_WATCH) == is_meant


def test_the_last_day_is_part_of_the_quarantine_whatever_the_zone() -> None:
    case = both(NEW_RED, spared(entry(until="2026-06-30")))(green())
    last = datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC)
    after = datetime.fromisoformat("2026-06-30T20:00:00-04:00")  # midnight in UTC
    before, then = case.judged(last), case.judged(after)
    assert (before.verdict, then.verdict) == ("PROMOTE_WITH_WATCH", "HOLD")
    assert before.input_hash != then.input_hash  # another verdict, another hash
    assert before.input_hash == case.judged(NOW).input_hash
    assert any("ended with 2026-06-30 and it counts again" in n for n in then.notes)
    assert any("owner the shop team" in note for note in then.notes)


def test_a_quarantined_failure_is_shown_and_proves_nothing() -> None:
    case = both(NEW_RED, spared(entry()))(green())
    verdict = case.judged()
    assert criterion(verdict, "p2/p2/shop") is Mark.FAIL
    assert any("in quarantine: t1" in reason for reason in verdict.reasons)
    told = "in quarantine until 2026-12-31: shop/t1 FAIL; owner the shop team; ticket 7"
    assert told in verdict.notes
    assert [i.evidence for i in verdict.incidents] == [("p2/shop/t1",)]
    judged = Case(case.plan, case.evidence, case.history, NOW)
    assert "by-shop" in unproven(judged, rulings_of(judged))
    turn = turn_of(case.plan, case.evidence, case.history, NOW)
    assert turn and (turn.word, turn.ids) == (VerdictWord.PROMOTE, ("p2/p2/shop",))


def test_a_pass_in_quarantine_is_no_proof_against_a_fault() -> None:
    """The audit saw t1 alone turn red; without it nothing would see the fault."""
    needs = {"capabilities": PLAN["capabilities"] | {"by-shop": {"sensitive_to": ["silent"]}}}
    case = both(planned(**needs), known(sensitivity=cells(True, "t1", where="shop")))(green())
    before, after = case.judged(), spared(entry())(case).judged()
    assert criterion(before, "capability/by-shop") is Mark.PASS
    assert (criterion(after, "capability/by-shop"), after.verdict) == (Mark.INSENSITIVE, "HOLD")


def test_a_test_in_quarantine_that_did_not_run_is_missing_from_a_declared_rule() -> None:
    case = both(planned(criteria=[P2_COUNT]), t1("NOT_RUN"), spared(entry()))(green())
    assert criterion(case.judged(), "p2-count") is Mark.NOT_RUN


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (entry(), "in quarantine until 2026-12-31: shop/t1 PASS"),
        (entry(test="t9"), "covered nothing that ended in this run"),
        (entry(until=GONE), "ended with 2025-12-31 and it counts again"),
        (entry("core"), "quarantine of core/t1 has no force"),
        (entry("nowhere"), "quarantine of nowhere/t1 has no force"),
    ],
)
def test_each_quarantine_is_told_whatever_it_did(one: dict[str, Any], told: str) -> None:
    notes = spared(one)(green()).judged().notes
    assert [note for note in notes if told in note]


# --- laws

law = settings(max_examples=40, deadline=None)

p2_and_p3 = st.sampled_from([(w, n) for w in (SHOP, LOOKS) for n in TESTS])
anywhere = st.sampled_from([(w, n) for w in SUITES for n in TESTS])
days = st.sampled_from((LATER, GONE))


@law
@given(st.lists(damages, max_size=5), st.lists(anywhere, max_size=5), anywhere, st.booleans())
def test_it_never_promotes_where_p1_evidence_is_missing(
    changes: list[Change], covers: list[Any], missing: Any, ended: bool
) -> None:
    name = missing[1]
    gone = t1("NOT_RUN", where=CORE) if ended else lose("tests", suite="core", test_id=name)
    entries = [entry(where[1], name) for where, name in (*covers, (CORE, name))]
    assert rank(both(gone, *changes, spared(*entries))(green())) == 2


@law
@given(st.lists(damages, max_size=6), p2_and_p3, days)
def test_it_is_never_better_than_the_test_absent_nor_worth_more_coverage(
    changes: list[Change], covers: Any, until: str
) -> None:
    (phase, suite), name = covers
    case = both(*changes)(green())
    quarantined = spared(entry(suite, name, until))(case)
    assert rank(quarantined) >= rank(without_test(case, phase, suite, name))
    assert quarantined.judged().coverage == case.judged().coverage
    risks = [one.judged().revenue_at_risk for one in (quarantined, case)]
    assert risks[0] and risks[1] and risks[0].amount >= risks[1].amount


def without_test(case: Input, phase: str, suite: str, name: str) -> Input:
    """The same run of a suite that never had the test, under a plan that expects one fewer."""
    written = case.plan.model_dump(mode="json", by_alias=True)
    for one in (s for p in written["phases"] if p["id"] == phase for s in p["suites"]):
        one["expect"]["at_least"] -= 1
    kept = tuple(
        c.model_copy(update={"test_ids": tuple(t for t in c.test_ids if t != name)})
        if c.suite == suite
        else c
        for c in case.evidence.collected
    )
    absent = both(lose("tests", phase=phase, suite=suite, test_id=name), seen(collected=kept))
    return replace(absent(case), plan=Plan.model_validate_json(json.dumps(written)))


@law
@given(st.lists(damages, max_size=6), st.lists(anywhere, min_size=1, max_size=4))
def test_expired_or_in_p1_it_changes_nothing(changes: list[Change], covers: list[Any]) -> None:
    case = both(*changes)(green())
    dead = [entry(w[1], n, LATER if w == CORE else GONE) for w, n in covers]
    plain, other = case.judged(), spared(*dead)(case).judged()
    kept = ("verdict", "rule", "reasons", "criteria", "coverage", "revenue_at_risk", "incidents")
    assert [getattr(plain, k) for k in kept] == [getattr(other, k) for k in kept]


@law
@given(st.lists(damages, min_size=1, max_size=8), st.lists(p2_and_p3, min_size=1, max_size=4))
def test_damage_brings_a_run_with_quarantines_no_nearer_to_approval(
    changes: list[Change], covers: list[Any]
) -> None:
    shield = spared(*(entry(w[1], n) for w, n in covers))
    case = shield(green())
    before = rank(case)
    for change in changes:
        case = change(case)
        after = rank(case)
        assert after >= before, case.judged().rule
        before = after


# --- the plan

QUARANTINE = """\
quarantine:
  - suite: {suite}
    test: test_pay
    owner: the shop team
    until: {until}
    reason: ticket 7
"""
LINE = WRITTEN.count("\n") + 2


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (QUARANTINE.format(suite="checkout", until=LATER), LINE, "a quarantine never covers P1"),
        (QUARANTINE.format(suite="chekout", until=LATER), LINE, "unknown suite 'chekout'"),
        (QUARANTINE.format(suite="checkout", until="20261231"), LINE + 3, "a day such as"),
        (QUARANTINE.format(suite="checkout", until="soon"), LINE + 3, "a day such as"),
        (QUARANTINE.format(suite="checkout", until="2026-02-30"), LINE + 3, "day value is outside expected range"),
        (QUARANTINE.format(suite="checkout", until=LATER).replace("the shop team", '" "'), LINE + 2, "owner"),
        (QUARANTINE.format(suite="checkout", until=LATER).replace("    owner: the shop team\n", ""), LINE, "owner"),
    ],
)  # fmt: skip
def test_check_tells_a_quarantine_that_could_never_have_force(
    text: str, line: int, told: str
) -> None:
    with pytest.raises(PlanError) as error:
        load(WRITTEN + text)
    found = [(f.line, f"{f.path} {f.message} {f.hint}") for f in error.value.faults]
    assert [words for at, words in found if at == line and told in words], found


def test_check_takes_one_outside_of_p1_and_tells_a_double() -> None:
    p2 = WRITTEN.replace("priority: P1", "priority: P2", 1)
    once = QUARANTINE.format(suite="checkout", until=LATER)
    assert load(p2 + once).quarantine[0].owner == "the shop team"
    twice = once + once.split("\n", 1)[1]
    with pytest.raises(PlanError, match="in quarantine already"):
        load(p2 + twice)


@pytest.mark.parametrize(("priority", "settled"), [("P1", True), ("P2", False)])
def test_fail_fast_does_not_stop_for_a_test_in_quarantine(priority: str, settled: bool) -> None:
    written = PLAN["phases"][1] | {"priority": priority}
    case = planned(phases=[written], quarantine=[entry()], criteria=[], capabilities={
        "by-shop": {}, "by-search": {}})(green())  # fmt: skip
    red = [test(SHOP, "t1", "FAIL", n) for n in (1, 2)]
    assert red[0].outcome is Outcome.FAIL
    assert bool(settled_because(case.plan.phases[0], red, [], case.plan.quarantine)) == settled
