"""Laws of the judge, over runs that were damaged in any way and any order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.records.evidence import Evidence
from data.records.facts import RunEnded, TestResult
from data.records.words import Outcome, VerdictWord
from data.rules.judge.standings import TEST_FIELDS
from tests.rules.making import (
    CORE,
    NOW,
    PLAN,
    PROBES,
    RUN,
    SERVICES,
    STAGES,
    SUITES,
    TESTS,
    Change,
    Input,
    all_latencies_times,
    at,
    both,
    deployed,
    feels,
    green,
    in_phase,
    known,
    outcome,
    probed,
    reads,
    seen,
    suite_ended,
)

RED = ("FAIL", "ERROR", "NOT_RUN")
law = settings(max_examples=50, deadline=None)  # the first judgement loads scipy
SEQUENCES = ("health", "revisions", "phases", "collected", "suites", "tests", "probes", "samples")


def rank(case: Input) -> int:
    """How far from an approval: 0 PROMOTE, 1 with watch, 2 none."""
    word = case.judged().verdict
    return 0 if word is VerdictWord.PROMOTE else 1 if word is VerdictWord.PROMOTE_WITH_WATCH else 2


def lose(field: str, **where: Any) -> Change:
    """Forget the facts of one kind that match."""

    def change(case: Input) -> Input:
        facts = getattr(case.evidence, field)
        left = tuple(f for f in facts if any(getattr(f, k) != v for k, v in where.items()))
        return seen(**{field: left})(case)

    return change


def worsen(where: tuple[str, str], name: str, word: str) -> Change:
    """The last attempt of a test, unless it is gone or red already, ends in `word`."""

    def change(case: Input) -> Input:
        key = (*where, name)
        mine = sorted(
            (t for t in case.evidence.tests if (t.phase, t.suite, t.test_id) == key),
            key=lambda t: t.attempt,
        )
        if not mine or mine[-1].outcome is not Outcome.PASS:
            return case
        outcomes = [*(t.outcome for t in mine[:-1]), Outcome(word)]
        return outcome(where, name, *outcomes)(case)

    return change


def untouched(where: tuple[str, str], name: str, witnessed: bool | None) -> Change:
    """Passes of a test lose their contact."""

    def bare(fact: TestResult) -> TestResult:
        mine = (fact.phase, fact.suite, fact.test_id) == (*where, name)
        worse = fact.witnessed or (fact.witnessed is None and witnessed is False)
        return fact.model_copy(update={"witnessed": witnessed}) if mine and worse else fact

    return lambda case: seen(tests=tuple(map(bare, case.evidence.tests)))(case)


def probe_worsens(where: tuple[str, str], word: str) -> Change:
    """A probe that still passes ends in `word` instead."""

    def change(case: Input) -> Input:
        mine = [p.outcome for p in case.evidence.probes if (p.phase, p.probe) == where]
        return probed(where, word)(case) if mine == [Outcome.PASS] else case

    return change


def only_healthy(stage: str, service: str, state: str) -> Change:
    """A service that still reads healthy reads `state` instead."""

    def change(case: Input) -> Input:
        here = [h.state for h in case.evidence.health if (h.stage, h.service) == (stage, service)]
        return feels(stage, service, state)(case) if here == ["healthy"] else case

    return change


def flaky(where: tuple[str, str], name: str) -> Change:
    """A test that passed at once passes on its second attempt only."""

    def change(case: Input) -> Input:
        key = (*where, name)
        mine = [t for t in case.evidence.tests if (t.phase, t.suite, t.test_id) == key]
        passed = [t.outcome for t in mine] == [Outcome.PASS] and mine[0].witnessed is True
        return outcome(where, name, "FAIL", "PASS")(case) if passed else case

    return change


def deployed_if_there(word: str) -> Change:
    """The deploy, where one is recorded, ended in `word`."""
    change = deployed(outcome=Outcome(word))
    return lambda case: change(case) if case.evidence.deploy else case


suites, names, probes = st.sampled_from(SUITES), st.sampled_from(TESTS), st.sampled_from(PROBES)
services, stages = st.sampled_from(SERVICES), st.sampled_from(STAGES)
lasting_damages = st.one_of(
    st.builds(worsen, suites, names, st.sampled_from(RED)),
    st.builds(untouched, suites, names, st.sampled_from((False, None))),
    st.builds(
        lambda where, name: lose("tests", phase=where[0], suite=where[1], test_id=name),
        suites,
        names,
    ),
)
test_damages = st.one_of(lasting_damages, st.builds(flaky, suites, names))
other_damages = st.one_of(
    st.builds(probe_worsens, probes, st.sampled_from((*RED, "FLAKY"))),
    st.builds(lambda where: lose("probes", phase=where[0], probe=where[1]), probes),
    st.builds(only_healthy, st.just("gate"), services, st.sampled_from(("degraded", "down"))),
    st.builds(lambda service: lose("health", stage="gate", service=service), services),
    st.builds(
        lambda stage, service: lose("revisions", stage=stage, service=service), stages, services
    ),
    st.builds(lambda stage, service: reads(stage, service, error="404"), stages, services),
    st.builds(lambda stage, service: reads(stage, service, "r3"), stages, services),
    st.builds(lambda where: lose("suites", phase=where[0], suite=where[1]), suites),
    st.builds(lambda where: lose("collected", phase=where[0], suite=where[1]), suites),
    st.builds(lambda where: suite_ended(where, exit_code=None, timed_out=True), suites),
    st.just(seen(ended=None)),
    st.just(seen(deploy=None)),
    st.just(seen(samples=())),
    st.just(all_latencies_times(1.5)),
    st.builds(deployed_if_there, st.sampled_from(("FAIL", "ERROR"))),
    st.just(known(sensitivity=())),
)
damages = st.one_of(test_damages, other_damages)


@law
@given(st.lists(damages, min_size=1, max_size=8))
def test_damage_never_brings_a_deployment_nearer_to_approval(changes: list[Change]) -> None:
    case, before = green(), 0
    for change in changes:
        case = change(case)
        after = rank(case)
        assert after >= before, case.judged().rule
        before = after


@law
@given(
    st.lists(lasting_damages, min_size=1, max_size=8),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(0, 2),
)
def test_nor_does_it_where_the_plan_tolerates_failures(
    changes: list[Change], tolerance: int, allow_vacuous: int, ordinal: int
) -> None:
    given = PLAN["phases"][ordinal]["suites"][0] | {"allow_vacuous": allow_vacuous}
    plan = in_phase(ordinal, tolerance=tolerance, suites=[given])
    case = both(plan, lambda c: Input(without_criteria(c), c.evidence, c.history))(green())
    before = rank(case)
    assert before == 0
    for change in changes:
        case = change(case)
        after = rank(case)
        assert after >= before, case.judged().rule
        before = after


def test_a_retry_that_fails_too_is_no_better_than_one_that_passes() -> None:
    tolerant = both(
        in_phase(0, tolerance=1), lambda c: Input(without_criteria(c), c.evidence, c.history)
    )
    flaked, failed = (
        both(tolerant, outcome(CORE, "t1", "FAIL", last))(green()) for last in ("PASS", "FAIL")
    )
    assert rank(failed) >= rank(flaked)


def without_criteria(case: Input) -> Any:
    return case.plan.model_copy(update={"criteria": ()})


@pytest.mark.parametrize("where", SUITES, ids="/".join)
@pytest.mark.parametrize("word", RED)
def test_any_test_that_does_not_pass_forbids_a_plain_promote(
    where: tuple[str, str], word: str
) -> None:
    for name in TESTS:
        assert rank(worsen(where, name, word)(green())) == (1 if where[0] == "p3" else 2)


LOSSES = {
    "the end of the run": seen(ended=None),
    "the rest of it": seen(
        ended=RunEnded(run_id=RUN, finished_at=at(60), reason="its process is gone")
    ),
    "the deploy": seen(deploy=None),
    "the samples": seen(samples=()),
    "health": lose("health", stage="gate", service="web"),
    "healthy": only_healthy("gate", "web", "down"),
    "the first revision": lose("revisions", stage="start", service="web"),
    "a revision between": lose("revisions", stage="after:p1", service="web"),
    "the last revision": lose("revisions", stage="end", service="web"),
    "a P1 test": lose("tests", phase="p1", suite="core", test_id="t1"),
    "a P2 probe": lose("probes", phase="p2", probe="search"),
    "contact": untouched(CORE, "t1", False),
    "knowledge of contact": untouched(CORE, "t1", None),
}


@pytest.mark.parametrize("what", LOSSES)
def test_no_approval_without(what: str) -> None:
    assert rank(LOSSES[what](green())) == 2


def test_the_order_of_readings_is_that_of_their_times() -> None:
    case = reads("end", "api", "r3")(green())
    backwards = seen(revisions=case.evidence.revisions[::-1])(case)
    assert case.judged().verdict is backwards.judged().verdict is VerdictWord.SUPERSEDED


@law
@given(st.lists(damages, max_size=5))
def test_the_same_input_gives_the_same_verdict_and_hash(changes: list[Change]) -> None:
    one, two = both(*changes)(green()), both(*changes)(green())
    copy = Evidence.model_validate_json(two.evidence.model_dump_json(by_alias=True))
    assert one.judged() == Input(two.plan, copy, two.history).judged()
    later = one.judged(NOW + timedelta(days=400))
    assert later.model_copy(update={"at": NOW}) == one.judged()


@law
@given(st.lists(damages, max_size=5), st.data())
def test_the_order_of_facts_decides_nothing(changes: list[Change], data: st.DataObject) -> None:
    case = both(*changes)(green())
    shuffled: dict[str, Sequence[Any]] = {
        field: tuple(data.draw(st.permutations(getattr(case.evidence, field))))
        for field in SEQUENCES
    }
    baseline = tuple(data.draw(st.permutations(case.history.baseline)))
    other = both(seen(**shuffled), known(baseline=baseline))(case).judged()
    verdict = case.judged()
    assert other.verdict is verdict.verdict
    assert [(c.id, c.outcome) for c in other.criteria] == [
        (c.id, c.outcome) for c in verdict.criteria
    ]
    assert (other.coverage, other.revenue_at_risk) == (verdict.coverage, verdict.revenue_at_risk)


@law
@given(st.lists(damages, max_size=8))
def test_every_verdict_says_why_and_counts_within_bounds(changes: list[Change]) -> None:
    case = both(*changes)(green())
    verdict = case.judged()
    assert verdict.rule.strip() and verdict.reasons and all(r.strip() for r in verdict.reasons)
    assert verdict.counterfactual and verdict.actions
    assert 0 <= verdict.coverage.seen <= verdict.coverage.expected
    assert verdict.coverage.expected == len(SUITES) * len(TESTS) + len(PROBES)
    assert case.plan.revenue is not None and verdict.revenue_at_risk is not None
    assert 0 <= verdict.revenue_at_risk.amount <= case.plan.revenue.amount
    assert verdict.coverage.seen == verdict.coverage.expected or verdict.not_seen


@law
@given(suites, names, st.sampled_from(list(Outcome)))
def test_another_outcome_is_another_hash(where: tuple[str, str], name: str, word: Outcome) -> None:
    same = outcome(where, name, "PASS")(green()).judged()
    other = outcome(where, name, word)(green()).judged()
    assert (other.input_hash == same.input_hash) == (word is Outcome.PASS)


def test_whatever_the_judge_read_is_in_the_hash() -> None:
    changes = (
        in_phase(0, tolerance=1),
        known(readable=False),
        seen(ended=None),
        outcome(CORE, "t1", "PASS", witnessed=None),
    )
    hashes = {change(green()).judged().input_hash for change in changes}
    assert len(hashes | {green().judged().input_hash}) == len(changes) + 1


def test_what_is_not_in_the_hash_of_a_test_decides_nothing() -> None:
    others = {
        "duration_ms": 1e6, "n_connections": 9, "sent_bytes": 9, "received_bytes": 9, "detail": "x",
        "findings": ("xpass",), "at": at(-999), "run_id": green().evidence.run.run_id,
    }  # fmt: skip
    assert TestResult.model_fields.keys() == {*TEST_FIELDS, *others}
    for case in (
        green(),
        outcome(CORE, "a", "FAIL")(green()),
        outcome(CORE, "a", "FAIL", "PASS")(green()),
    ):
        tests = tuple(one.model_copy(update=others) for one in case.evidence.tests)
        evidence = case.evidence.model_copy(update={"tests": tests})
        assert replace(case, evidence=evidence).judged() == case.judged()


@pytest.mark.parametrize("field", TEST_FIELDS)
def test_what_is_in_the_hash_of_a_test_tells_two_runs_apart(field: str) -> None:
    case = green()
    first, *rest = case.evidence.tests
    values: dict[str, Any] = {"attempt": 2, "outcome": Outcome.FAIL, "witnessed": None}
    other = first.model_copy(update={field: values.get(field, "other")})
    evidence = case.evidence.model_copy(update={"tests": (other, *rest)})
    assert replace(case, evidence=evidence).judged().input_hash != case.judged().input_hash
