"""The lattice of design §5: one row a case, and the verdict that it must have."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from data.records.facts import SensitivityCell
from data.records.verdict import Verdict
from data.records.words import Mark
from tests.rules.matters import (
    FAULT,
    NEW,
    OLD,
    T0,
    TESTS,
    Matter,
    all_but,
    cell,
    collected,
    deployed,
    health,
    healths,
    known_good,
    matter,
    phase,
    probe,
    probed,
    revision,
    revisions,
    samples,
    started,
    suite,
    suite_ended,
    test,
)

RED = all_but(test(outcome="FAIL"))  # one P1 test failed
FLAKY = all_but(test(outcome="FAIL"), test(attempt=2))
SLOW = {"criteria": [{"id": "speed", "priority": "P1", "rule": "p95(message) < 110 ms"}]}
SHIFT = {"criteria": [{"id": "drift", "priority": "P3", "rule": "shift(message) <= 8 %"}]}


def without(*names: str, suite: str = "auth") -> dict[str, Any]:
    """Facts of a run in which a suite left no trace, or not these tests."""
    good = matter().evidence
    gone = set(names or TESTS)
    tests = tuple(t for t in good.tests if not (t.suite == suite and t.test_id in gone))
    if names:
        return {"tests": tests}
    keep = {"suites": good.suites, "collected": good.collected}
    return {"tests": tests, **{k: tuple(f for f in v if f.suite != suite) for k, v in keep.items()}}


def all_of(outcome: str, suite: str = "auth", **more: Any) -> dict[str, Any]:
    return {"tests": all_but(*(test(suite, name, outcome, **more) for name in TESTS))}


def manifest(*names: str) -> tuple[Any, ...]:
    return (collected("auth", names), collected("search"), collected("extras"))


def one_suite(**more: Any) -> dict[str, Any]:
    """The plan with other terms for the P1 suite."""
    core = phase("core", "P1", [suite("auth", **more)], [probe("chat")])
    return {"phases": [core, phase("more", "P2", [suite("search")]), phase("rest", "P3", [suite("extras")])],
            "capabilities": {}}  # fmt: skip


def dead(*signatures: str) -> dict[str, Any]:
    return {"known_good": known_good(signatures=signatures)}


def needs(*faults: str, of: str = "sign_in") -> dict[str, Any]:
    """The plan whose capability must be proven against these faults."""
    others = {"chat": {"share": "50 %"}, "search": {"share": "30 %"}, "sign_in": {"share": "20 %"}}
    return {"capabilities": {**others, of: {**others[of], "sensitive_to": [*faults]}}}


def audited_as(*cells: SensitivityCell) -> dict[str, Any]:
    return {"sensitivity": cells}


BLIND = tuple(cell(s, t, False) for s in ("auth", "search", "extras") for t in TESTS)

TABLE: dict[str, tuple[Matter, str, str]] = {
    "everything required is present, graded and passes": (matter(), "PROMOTE", "all 8 criteria"),
    # P1 failures
    "P1 test FAIL, rollback armed and safe": (matter(tests=RED), "ROLL_BACK", "1 failed > 0 tolerated"),
    "P1 probe FAIL": (matter(probes=(probed("FAIL"),)), "ROLL_BACK", "p1/core/chat"),
    "P1 declared criterion FAIL": (matter(SLOW), "ROLL_BACK", "speed: p95(message) < 110 ms: 122 ms (n = 24)"),
    "deploy FAIL": (matter(deploy=deployed("FAIL", message="exit 1")), "ROLL_BACK", "deploy: exit 1"),
    "deploy ERROR": (matter(deploy=deployed("ERROR", message="no such file")), "HOLD", "P1 ERROR deploy"),
    "deploy never recorded": (matter(deploy=None), "HOLD", "no deploy was recorded"),
    "P1 failure that the target had already": (matter(history_=dead(FAULT), tests=RED), "HOLD", "1 failed"),
    "P1 failure that the target had, counted by a declared criterion too": (
        matter({"criteria": [{"id": "all", "priority": "P1", "rule": "failed(core) == 0"}]}, dead(FAULT), tests=RED),
        "HOLD", "1 failed"),
    "P1 failure that the target had, beside a new one": (
        matter(history_=dead(FAULT), tests=all_but(test(outcome="FAIL"), test(name="t2", outcome="FAIL", signature="new"))),
        "ROLL_BACK", "2 failed"),
    "P1 failure that the target had, whose retry did not end": (
        matter(history_=dead(FAULT), tests=all_but(test(outcome="FAIL"), test(outcome="NOT_RUN", attempt=2))),
        "HOLD", "1 failed"),
    "P1 failure that the target had, beside one of its speed": (matter(SLOW, dead(FAULT), tests=RED), "ROLL_BACK", "1 failed"),
    # P1 without a failure and without a proof
    "P1 test ERROR": (matter(tests=all_but(test(outcome="ERROR"))), "HOLD", "1 tests could not be carried out"),
    "P1 suite broken": (matter(**without() | {"suites": (suite_ended("auth", broken="ImportError: x"),)}), "HOLD", "the suite itself is broken"),
    "P1 test NOT_RUN": (matter(tests=all_but(test(outcome="NOT_RUN"))), "HOLD", "1 of 3 tests did not run, 2 ended"),
    "P1 suite never ran": (matter(**without()), "HOLD", "never ran: 0 of 3"),
    "P1 test collected and never heard of": (matter(**without("t1")), "HOLD", "1 of 3 tests were collected and never heard of: t1"),
    "P1 fewer tests than the plan's number": (
        matter(tests=without("t1")["tests"], collected=manifest("t2", "t3")), "HOLD", "2 tests ended, 3 expected"),
    "P1 a named test is missing": (matter(one_suite(expect=["t1", "t9"])), "HOLD", "1 expected tests are missing: t9"),
    "P1 all skipped": (matter(**all_of("SKIPPED")), "HOLD", "all 3 tests were skipped"),
    "P1 zero collected": (matter(**without(*TESTS) | {"collected": manifest()}), "HOLD", "0 tests collected, 3 expected"),
    "P1 vacuous": (matter(tests=all_but(test(witnessed=False))), "HOLD", "1 passes never touched the target"),
    "P1 vacuous although the plan puts up with three, and nothing else": (
        matter(one_suite(allow_vacuous=3), **all_of("PASS", witnessed=False)), "HOLD", "no pass ever touched the target"),
    "P1 vacuous that the plan puts up with": (matter(one_suite(allow_vacuous=1), tests=all_but(test(witnessed=False))), "PROMOTE", "all"),
    "P1 contact unknown": (matter(tests=all_but(test(witnessed=None))), "HOLD", "contact with the target unknown for 1"),
    "P1 insensitive only": (matter(history_={"sensitivity": BLIND}), "HOLD", "no negative control turns any of them red"),
    "P1 insensitive but for one": (
        matter({"phases": [phase("core", "P1", [suite("auth")], [probe("chat")])], "capabilities": {}},
               {"sensitivity": (*BLIND, cell("auth", "t1", True))}), "PROMOTE", "all"),
    "P1 insensitive or vacuous, all of them": (
        matter(one_suite(allow_vacuous=1), {"sensitivity": BLIND}, tests=all_but(test(witnessed=False))), "HOLD", "no negative control"),
    "P1 probe that no control turns red": (matter(history_=audited_as(cell("chat", "", False))), "HOLD", "P1 INSENSITIVE p1/core/chat"),
    "P1 insensitive in an audit that expired": (
        matter({"audit": {"max_age": "1d"}}, audited_as(*(c.model_copy(update={"at": T0 - timedelta(days=2)}) for c in BLIND))), "PROMOTE", "all"),
    # capabilities that must be proven against a fault
    "fault of a P1 capability seen by one pass": (matter(needs("closed"), audited_as(cell("auth", "t1", True, "closed"))), "PROMOTE", "all"),
    "fault of a P1 capability seen by a probe": (matter(needs("closed", of="chat"), audited_as(cell("chat", "", True, "closed"))), "PROMOTE", "all"),
    "two faults seen by two passes": (
        matter(needs("closed", "empty"), audited_as(cell("auth", "t1", True, "closed"), cell("auth", "t2", True, "empty"))), "PROMOTE", "all"),
    "fault of a P1 capability never tried": (matter(needs("closed")), "HOLD", "no audit in force has tried closed"),
    "fault of a P1 capability tried long ago": (
        matter(needs("closed"), audited_as(cell("auth", "t1", True, "closed", age_s=31 * 86400))), "HOLD", "no audit in force has tried closed"),
    "fault of a P1 capability that nobody sees": (
        matter(needs("closed"), audited_as(cell("auth", "t1", False, "closed"), cell("auth", "t1", True, "500"))),
        "HOLD", "none of 3 passes turns red under closed"),
    "fault of a P1 capability that only a vacuous pass sees": (
        matter({**one_suite(allow_vacuous=1, proves=["sign_in"]), **needs("closed")}, audited_as(cell("auth", "t1", True, "closed")),
               tests=all_but(test(witnessed=False))), "HOLD", "none of 2 passes turns red under closed"),
    "fault of a P2 capability never tried": (matter(needs("closed", of="search")), "HOLD", "P2 NOT_EVALUATED capability/search"),
    "P1 failure within the tolerance": (
        matter({"phases": [phase("core", "P1", [suite("auth")], [probe("chat")], tolerance=1)], "capabilities": {}}, tests=RED), "PROMOTE_WITH_WATCH", "1 failed, 1 tolerated"),
    "P1 nothing but failures, all within the tolerance": (
        matter({"phases": [phase("core", "P1", [suite("auth")], [probe("chat")], tolerance=3)], "capabilities": {}}, **all_of("FAIL")),
        "HOLD", "no pass is known to have touched the target"),
    "P1 probe ERROR": (matter(probes=(probed("ERROR", n=0),)), "HOLD", "P1 ERROR p1/core/chat"),
    "P1 probe NOT_RUN": (matter(probes=(probed("NOT_RUN", n=0),)), "HOLD", "P1 NOT_RUN p1/core/chat"),
    "P1 probe never ran": (matter(probes=()), "HOLD", "the probe never ran"),
    "P1 probe that checked nothing": (matter(probes=(probed(n=0),)), "HOLD", "n = 0"),
    "P1 phase that is empty": (matter({"phases": [phase("core", "P1")], "capabilities": {}}), "HOLD", "no suites and no probes"),
    "the run was cut off": (matter(ended=None), "HOLD", "the run was cut off before its end"),
    # lower priorities
    "P2 test FAIL": (matter(tests=all_but(test("search", outcome="FAIL"))), "HOLD", "P2 FAIL p2/more/search"),
    "P2 vacuous": (matter(tests=all_but(test("search", witnessed=False))), "HOLD", "P2 VACUOUS"),
    "P2 never ran": (matter(**without(suite="search")), "HOLD", "P2 NOT_RUN"),
    "P3 test FAIL": (matter(tests=all_but(test("extras", outcome="FAIL"))), "PROMOTE_WITH_WATCH", "P3 FAIL"),
    "P3 never ran": (matter(**without(suite="extras")), "PROMOTE_WITH_WATCH", "P3 NOT_RUN"),
    # flaky
    "FLAKY P1 test": (matter(tests=FLAKY), "PROMOTE_WITH_WATCH", "1 failed and passed when tried again"),
    "FLAKY P1 test, second try errors": (matter(tests=all_but(test(outcome="FAIL"), test(outcome="ERROR", attempt=2))), "HOLD", "ERROR"),
    "P1 FAIL whose retry did not end stays a FAIL": (
        matter(tests=all_but(test(outcome="FAIL"), test(outcome="NOT_RUN", attempt=2))), "ROLL_BACK", "1 failed"),
    "FLAKY P1 probe, within one attempt": (matter(probes=(probed("FLAKY"),)), "PROMOTE_WITH_WATCH", "P1 FLAKY p1/core/chat"),
    "FLAKY P1 probe, over two attempts": (matter(probes=(probed("FAIL"), probed(attempt=2))), "PROMOTE_WITH_WATCH", "P1 FLAKY p1/core/chat: attempt 1 FAIL"),
    "P1 probe FAIL whose second attempt did not end": (matter(probes=(probed("FAIL"), probed("NOT_RUN", 2, 0))), "ROLL_BACK", "P1 FAIL"),
    # the fence
    "the wrong revision serves": (matter(revisions=revisions(**dict.fromkeys(("start", "core", "more", "rest"), (OLD,)))), "HOLD", "expected rev-2, rev-1 serves at start"),
    "two revisions answer": (matter(revisions=revisions(more=(NEW, OLD))), "HOLD", "rev-2 and rev-1 answered in turn at after:more"),
    "two revisions answered for a while, and P1 failed": (matter(revisions=revisions(core=(NEW, OLD)), tests=RED), "HOLD", "1 failed"),
    "replaced mid-run": (matter(revisions=revisions(rest=("rev-3",))), "SUPERSEDED", "rev-2 at start, rev-3 at after:rest"),
    "replaced mid-run, and P1 failed": (matter(revisions=revisions(rest=("rev-3",)), tests=RED), "SUPERSEDED", "rev-3"),
    "replaced mid-run, unreadable at the end": (
        matter(revisions=(*revisions(rest=("rev-3",)), revision("end"))), "SUPERSEDED", "rev-3 at after:rest"),
    "unreadable at one stage": (matter(revisions=revisions(more=())), "HOLD", "revision not readable at after:more"),
    "never read": (matter(revisions=()), "HOLD", "its revision was never read"),
    "read once only": (matter(revisions=revisions()[:1], phases=()), "HOLD", "revision read once only, at start"),
    "not read after a phase that ran": (matter(revisions=revisions()[:3]), "HOLD", "revision never read at after:rest"),
    "not read before the phases": (matter(revisions=revisions()[1:]), "HOLD", "revision never read at start"),
    "read at the end instead of after the last phase": (matter(revisions=(*revisions()[:3], revision("end", NEW))), "PROMOTE", "all"),
    "another service's revision is nobody's business": (matter(revisions=(*revisions(), revision("end", "x", service="db"))), "PROMOTE", "all"),
    # health
    "health down on the new revision only": (matter(health=healths(gate_web="down")), "ROLL_BACK", "web is down"),
    "health down before too": (matter(health=healths(gate_web="down", before_web="down")), "HOLD", "environment down, not this deployment"),
    "health down, and nothing was deployed": (
        matter({"deploy": {"deployer": "none"}, "rollback": {}}, deploy=None, health=healths(gate_web="down")), "HOLD", "environment down"),
    "degraded": (matter(health=healths(gate_web="degraded")), "HOLD", "P2 FAIL health/web: web is degraded"),
    "healthy at the gate, down at the end": (
        matter(health=(*healths(), health("end", "web", "down"))), "HOLD", "web is down at the end"),
    "exit code against the tests": (
        matter(one_suite(), suites=(suite_ended("auth", exit_code=1),)), "HOLD", "exit code 1 although no test failed"),
    "health unknown": (matter(health=healths(gate_web="unknown")), "HOLD", "P1 NOT_RUN health/web"),
    "health never read": (matter(health=healths()[:3]), "HOLD", "web: health was never read"),
    "health down of a service that the plan does not have": (
        matter(health=(*healths(), health("gate", "other", "down")), revisions=()), "HOLD", "its revision was never read"),
    # time
    "slower than the promoted runs": (matter(SHIFT, samples=samples(125.0 + i for i in range(24))), "PROMOTE_WITH_WATCH", "worse than 1 of 1 promoted runs"),
    "slower than one of five promoted runs": (
        matter(SHIFT, {"baseline": (*matter().history.baseline, *[matter().history.baseline[0].model_copy(update={"samples": {"message": tuple(range(125, 149))}})] * 4)},
               samples=samples(125.0 + i for i in range(24))), "PROMOTE", "all"),
    "no baseline to be slower than": (matter(SHIFT, {"baseline": ()}), "PROMOTE", "8 of 9 criteria satisfied, not evaluated yet: drift"),
    "history unreadable": (matter(SHIFT, {"readable": False, "baseline": (), "known_good": None}), "PROMOTE_WITH_WATCH", "history could not be read"),
    "p95 of 19 samples": (matter(SLOW, samples=samples([100.0] * 19)), "HOLD", "P1 NOT_EVALUATED speed: p95(message) < 110 ms: not evaluated, 19 samples and 20 are needed"),
    "p95 of 20 samples": (matter(SLOW, samples=samples([100.0] * 20)), "PROMOTE", "all"),
    "samples of failed executions are none": (matter(SLOW, samples=samples([100.0] * 20, ok=False)), "HOLD", "0 samples"),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_each_case_has_its_verdict_and_says_why(case: str) -> None:
    asked, word, text = TABLE[case]
    verdict = asked.verdict()
    assert (verdict.verdict, text in verdict.rule) == (word, True), verdict.rule


REFUSALS: dict[str, tuple[Matter, str]] = {
    "not armed": (matter({"rollback": {"armed": False}}, tests=RED), "rollback is not armed in the plan"),
    "not durable": (matter({"rollback": {"armed": True, "durable": False}}, tests=RED), "durable: false"),
    "already a rollback": (matter(run=started(is_rollback=True), tests=RED), "this deployment is itself a rollback"),
    "irreversible by plan": (matter({"irreversible_migration": True}, tests=RED), "an irreversible migration"),
    "irreversible by run": (matter(run=started(irreversible_migration=True), tests=RED), "an irreversible migration"),
    "history unreadable": (matter(history_={"readable": False}, tests=RED), "history could not be read"),
    "no known good": (matter(history_={"known_good": None}, tests=RED), "no promoted baseline to roll back to"),
    "target is what was asked for": (matter(history_={"known_good": known_good(revision=NEW)}, tests=RED), "the one that was just deployed"),
    "target is what was deployed": (
        matter(history_={"known_good": known_good(revision=NEW)}, run=started(revision=None), tests=RED), "the one that was just deployed"),
    "target sick": (matter(history_={"known_good": known_good(healthy_now=False)}, tests=RED), "rev-1 was not seen healthy"),
    "target not looked at and not live before": (
        matter(history_={"known_good": known_good(healthy_now=None)}, deploy=deployed(previous=None), tests=RED), "rev-1 was not seen healthy"),
    "target looked at and sick": (
        matter(history_={"known_good": known_good(healthy_now=None)}, health=(*healths(), health("target", "api", "down")), tests=RED), "rev-1 was not seen healthy"),
    "not live any more": (matter(revisions=revisions(rest=(NEW, OLD)), tests=RED), "api serves rev-1 at after:rest: this deployment is not live"),
    "failed there before": (matter(history_=dead(FAULT), tests=RED), f"every P1 failure was already there on rev-1: {FAULT}"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_each_refusal_alone_turns_a_rollback_into_a_hold_that_names_it(case: str) -> None:
    asked, text = REFUSALS[case]
    verdict = asked.verdict()
    assert (verdict.verdict, len(verdict.rollback_refusals)) == ("HOLD", 1)
    assert text in verdict.rollback_refusals[0]
    assert any(reason.startswith("no rollback: ") and text in reason for reason in verdict.reasons)
    assert "would be ROLL_BACK but for" in verdict.counterfactual


HEALTHY_TARGETS: dict[str, Matter] = {
    "it was live and healthy before": matter(history_={"known_good": known_good(healthy_now=None)}, tests=RED),
    "it was looked at in this run": matter(
        history_={"known_good": known_good(healthy_now=None)}, deploy=deployed(previous=None),
        health=(*healths(), health("target", "api")), tests=RED),
}  # fmt: skip


@pytest.mark.parametrize("case", HEALTHY_TARGETS)
def test_a_target_seen_healthy_in_this_run_is_safe(case: str) -> None:
    verdict = HEALTHY_TARGETS[case].verdict()
    assert verdict.verdict == "ROLL_BACK"
    assert verdict.actions[0].text == f"roll back to {OLD}"


def test_refusals_are_told_only_where_a_rollback_was_wanted() -> None:
    verdict = matter({"rollback": {}}).verdict()
    assert (verdict.verdict, verdict.rollback_refusals) == ("PROMOTE", ())


def test_a_sick_foreign_dependency_decides_nothing_and_is_noted() -> None:
    sick = {"name": "users_db", "state": "down", "owned": False}
    reading = health("gate", "web", dependencies=(sick,))
    verdict = matter(health=(*healths()[:3], reading)).verdict()
    assert verdict.verdict == "PROMOTE"
    assert any("web reports users_db down: not its own dependency" in n for n in verdict.notes)


@pytest.mark.parametrize(
    ("changed", "text"),
    [({"baseline": ()}, "first deployment without a baseline"), ({"readable": False}, "history could not be read")],
)  # fmt: skip
def test_a_judgement_without_history_says_so(changed: dict[str, Any], text: str) -> None:
    verdict = matter(history_=changed).verdict()
    assert verdict.verdict == "PROMOTE"
    assert any(text in note for note in verdict.notes)


def test_a_shift_without_a_baseline_is_not_evaluated_and_not_held_against_anybody() -> None:
    verdict = matter(SHIFT, {"baseline": ()}).verdict()
    assert mark_of(verdict, "drift") is Mark.NOT_EVALUATED


def test_a_revision_that_nothing_reads_back_is_watched() -> None:
    services = {"api": {"url": "http://api"}, "web": {"url": "http://web"}}
    verdict = matter({"services": services}).verdict()
    assert verdict.verdict == "PROMOTE_WITH_WATCH"
    assert "nothing ties this to rev-2" in verdict.rule
    named = {n for n in verdict.not_seen if n.startswith("revision of")}
    assert len(named) == 2


def test_a_probe_that_did_not_end_is_not_seen() -> None:
    verdict = matter(probes=(probed("NOT_RUN", n=0),)).verdict()
    assert (verdict.coverage.expected, verdict.coverage.seen) == (10, 9)
    assert "p1/chat" in verdict.not_seen


def test_a_flaky_probe_keeps_the_failures_of_its_red_attempt() -> None:
    verdict = matter(probes=(probed("FAIL"), probed(attempt=2))).verdict()
    assert [i.signature for i in verdict.incidents] == [FAULT]


def test_two_causes_are_two_incidents_with_what_users_lose() -> None:
    spoiled = all_but(test(outcome="FAIL"), test("search", outcome="FAIL", signature="http/500"))
    verdict = matter(tests=spoiled, history_={"first_seen": {FAULT: "dep-1"}}).verdict()
    assert {i.signature: i.first_seen_deployment for i in verdict.incidents} == {FAULT: "dep-1", "http/500": "dep-2"}  # fmt: skip
    assert verdict.incidents[0].capabilities == ("sign_in",)


def test_what_is_not_proven_is_at_risk_once() -> None:
    verdict = matter(probes=(probed("FAIL"),), tests=RED).verdict()
    assert verdict.revenue_at_risk is not None
    assert verdict.revenue_at_risk.amount == 300_000  # chat lies inside sign_in
    assert "60% of 500,000 USD a year, resting on sign_in, chat" in verdict.revenue_note


@pytest.mark.parametrize(
    ("rule", "facts", "mark"),
    [
        ("failed(core) == 0", {}, "PASS"),
        ("failed(auth) == 0", {"tests": RED}, "FAIL"),
        ("failed(core) == 0", {"tests": all_but(test(outcome="NOT_RUN"))}, "NOT_RUN"),
        ("failed(core) == 0", {"tests": all_but(test(outcome="ERROR"))}, "NOT_RUN"),
        ("failed(core) <= 1", {"tests": all_but(test(outcome="NOT_RUN"))}, "PASS"),
        ("failed(chat) == 0", {"probes": ()}, "NOT_RUN"),
        ("failed(chat) == 0", {"probes": (probed("FAIL"),)}, "FAIL"),
        ("pass_share(core) == 100 %", {"tests": all_but(test(outcome="NOT_RUN"))}, "NOT_RUN"),
        ("pass_share(core) >= 75 %", {"tests": all_but(test(outcome="NOT_RUN"))}, "PASS"),
        ("pass_share(core) == 100 %", {"tests": all_but(test(outcome="SKIPPED"))}, "PASS"),
        ("pass_share(auth) >= 60 %", {"tests": RED}, "PASS"),
        ("passed(core) >= 4", {}, "PASS"),
        ("passed(core) >= 4", {"tests": FLAKY}, "PASS"),
        ("flaky(core) == 0", {"tests": FLAKY}, "FAIL"),
        ("vacuous(core) == 0", {"tests": all_but(test(witnessed=False))}, "FAIL"),
        ("not_run(core) == 0", {"tests": all_but(test(outcome="NOT_RUN"))}, "FAIL"),
        ("not_run(core) == 0", {}, "PASS"),
        ("failed(auth) == 0", {"tests": without(*TESTS)["tests"]}, "NOT_RUN"),
        ("mean(message) <= 111.5 ms", {}, "PASS"),
        ("max(message) < 123 ms", {}, "FAIL"),
        ("min(message) >= 100 ms", {}, "PASS"),
        ("count(message) >= 25", {}, "FAIL"),
        ("median(message) < 1 s", {"samples": samples([1.0] * 4)}, "NOT_EVALUATED"),
        ("p99(message) < 1 s", {}, "NOT_EVALUATED"),
    ],
)
def test_declared_criteria_judge_by_what_the_unseen_could_still_change(
    rule: str, facts: dict[str, Any], mark: str
) -> None:
    criterion = {"id": "declared", "priority": "P1", "rule": rule}
    verdict = matter({"criteria": [criterion]}, **facts).verdict()
    assert mark_of(verdict, "declared") == mark


def mark_of(verdict: Verdict, id: str) -> Mark:
    return next(c.outcome for c in verdict.criteria if c.id == id)
