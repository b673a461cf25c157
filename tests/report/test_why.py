"""`show --why`: each kind of rule in a short tree, and a turn that is true."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.records.evidence import BaselineRun, RunView
from data.records.words import Outcome, VerdictWord
from data.report.why import why_text
from data.rules.judge.turning import turn_of
from tests.rules.making import (
    CORE,
    LATENCIES,
    LOOKS,
    NEW,
    NOW,
    OLD,
    PLAN,
    RUN,
    SHOP,
    SUITES,
    TESTS,
    Change,
    Input,
    both,
    cells,
    deployed,
    feels,
    green,
    known,
    outcome,
    planned,
    probed,
    reads,
    samples,
    seen,
    suite_ended,
)
from tests.rules.test_judge_laws import damages


def stored(case: Input) -> RunView:
    plan_json = case.plan.model_dump_json(by_alias=True)
    run = case.evidence.run.model_copy(update={"plan_json": plan_json})
    evidence = case.evidence.model_copy(update={"run": run})
    return RunView(evidence=evidence, verdict=case.judged(), history=case.history)


def why(case: Input) -> str:
    return why_text(stored(case))


def plain(text: str) -> str:
    """The explanation without the lines of its tree."""
    return " ".join(text.translate(str.maketrans("", "", "│├└─")).split())


def everything(word: str) -> Change:
    return both(*(outcome(where, name, word) for where in SUITES for name in TESTS))


CASES: dict[str, tuple[Change, str, list[str]]] = {
    "green": (both(), "PROMOTE", ["nothing speaks against it", "failed"]),
    "P1 test": (outcome(CORE, "t1", "FAIL"), "ROLL_BACK",
        ["p1/core/t1: FAIL of t1", "likely cause", "PROMOTE if p1/p1/core"]),
    "P1 test, not safe": (both(outcome(CORE, "t1", "FAIL"), known(known_good=None)), "HOLD",
        ["no rollback: there is no promoted baseline", "which is refused → HOLD"]),
    "P2 test": (outcome(SHOP, "t1", "FAIL"), "HOLD", ["a P2 FAIL asks for HOLD"]),
    "P3 test": (outcome(LOOKS, "t1", "FAIL"), "PROMOTE_WITH_WATCH", ["a P3 FAIL asks for"]),
    "flaky": (outcome(CORE, "t1", "FAIL", "PASS"), "PROMOTE_WITH_WATCH", ["a P1 FLAKY asks for"]),
    "probe": (probed(("p1", "chat"), "FAIL"), "ROLL_BACK", ["p1/p1/chat: 1 of 4 failed"]),
    "not run": (outcome(CORE, "t2", "NOT_RUN"), "HOLD", ["p1/core/t2", "a P1 NOT_RUN asks for HOLD"]),
    "broken": (suite_ended(CORE, broken="the suite is broken: no module x", exit_code=2), "HOLD",
        ["the suite itself is broken"]),
    "deploy": (deployed(outcome=Outcome.FAIL, message="exit code 3"), "ROLL_BACK", ["deploy: exit code 3"]),
    "health": (feels("gate", "api", "down"), "ROLL_BACK", ["health/gate/api: down"]),
    "stale": (reads("start", "api", OLD), "HOLD", [f"expected {NEW}, seen {OLD}"]),
    "superseded": (reads("end", "api", "r3"), "SUPERSEDED", ["validate that one"]),
    "cut off": (seen(ended=None), "HOLD", ["cut off"]),
    "everything": (everything("FAIL"), "ROLL_BACK", ["not satisfied beside it"]),
    "many": (seen(tests=()), "HOLD", ["would turn"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_rule_is_explained_in_under_twenty_lines(name: str) -> None:
    change, word, said = CASES[name]
    text = why(change(green()))
    lines = text.splitlines()
    assert len(lines) < 20 and max(map(len, lines)) <= 100
    assert lines[0] == f"{word} · run {RUN}"
    missing = [
        one for one in ("rule:", "decision:", "would turn:", *said) if one not in plain(text)
    ]
    assert not missing, text


def test_hostile_words_stay_one_line_and_bring_no_escapes() -> None:
    case = deployed(outcome=Outcome.FAIL, message="\x1b[31m[bold]x[/bold]\n" * 50)(green())
    text = why(case)
    assert len(text.splitlines()) < 20 and "\x1b" not in text and "[bold]" in text


def test_a_run_without_a_verdict_or_a_plan_is_explained_too() -> None:
    view = stored(outcome(CORE, "t1", "FAIL")(green()))
    assert "NO VERDICT" in why_text(view.model_copy(update={"verdict": None}))
    run = view.evidence.run.model_copy(update={"plan_json": ""})
    bare = view.model_copy(update={"evidence": view.evidence.model_copy(update={"run": run})})
    assert bare.verdict and bare.verdict.counterfactual[:60] in why_text(bare)


def criteria(*rules: str, **more: Any) -> Change:
    """One P2 criterion a rule, c0, c1, …, in place of the plan's; `more` is in each."""
    written = [{"id": f"c{n}", "priority": "P2", "rule": r} | more for n, r in enumerate(rules)]
    return planned(criteria=written)


def took(*values: float, n_failed: int = 0, metric: str = "chat") -> Change:
    """Samples of a metric in place of all there are, the first `n_failed` of executions that failed."""
    made = samples(values, metric)
    return seen(
        samples=tuple(s.model_copy(update={"ok": n >= n_failed}) for n, s in enumerate(made))
    )


def counted(n_failed: int, n: int) -> Change:
    """What the three promoted runs say of failures."""
    runs = [
        run.model_copy(update={"failed": {"chat": (n_failed, n)}})
        for run in green().history.baseline
    ]
    return known(baseline=tuple(runs))


def crept(*medians: float) -> Change:
    """Promoted runs of the anchor, one a day, the last of them yesterday."""
    runs = [
        BaselineRun(
            run_id=f"day-{n}", revision=OLD, at=NOW - timedelta(days=len(medians) - n),
            samples={"chat": tuple(value + k % 10 for k in range(40))},
        )
        for n, value in enumerate(medians)
    ]  # fmt: skip
    return known(baseline=tuple(runs[-3:][::-1]), anchor=tuple(runs[:-3][::-1]))


def spared(suite: str, test: str, until: str) -> Change:
    """A plan with one quarantine."""
    told = {"suite": suite, "test": test, "owner": "ann", "reason": "noise", "until": until}
    return planned(quarantine=[told])


def sensitive_to(*faults: str) -> Change:
    told = PLAN["capabilities"] | {"by-core": {"share": "30 %", "sensitive_to": list(faults)}}
    return planned(capabilities=told)


def without(where: tuple[str, str], field: str) -> tuple[Any, ...]:
    """The green run's facts of one kind, but those of one suite."""
    facts = getattr(green().evidence, field)
    return tuple(fact for fact in facts if (fact.phase, fact.suite) != where)


NONE: Change = both()
SLOW, FAST = tuple(v * 30 for v in LATENCIES), LATENCIES
LOAD = "INVALID: the generator was too slow for 500 a second"
# what is wrong, what mends just what is named, and: verdict, verdict then, words of the explanation
TURNS: dict[str, tuple[Change, Change, str, str, list[str]]] = {
    "a P1 test, and a P2 one": (
        both(outcome(CORE, "t1", "FAIL"), outcome(SHOP, "t1", "FAIL")), outcome(CORE, "t1", "PASS"),
        "ROLL_BACK", "HOLD", ["HOLD if p1/p1/core were satisfied, because of P2 FAIL"]),
    "a P2 test, and a P3 one": (
        both(outcome(SHOP, "t1", "FAIL"), outcome(LOOKS, "t1", "FAIL")), outcome(SHOP, "t1", "PASS"),
        "HOLD", "PROMOTE_WITH_WATCH", ["WATCH if p2/p2/shop were satisfied, because of P3 FAIL"]),
    "a refused rollback, and a P2 test": (  # HOLD with the first mended: no turn yet
        both(outcome(CORE, "t1", "FAIL"), outcome(SHOP, "t1", "FAIL"), known(known_good=None)),
        both(outcome(CORE, "t1", "PASS"), outcome(SHOP, "t1", "PASS")),
        "HOLD", "PROMOTE", ["PROMOTE if p1/p1/core, p2/p2/shop were satisfied"]),
    "not run, and flaky": (
        both(outcome(CORE, "t1", "NOT_RUN"), outcome(SHOP, "t2", "FAIL", "PASS")), outcome(CORE, "t1", "PASS"),
        "HOLD", "PROMOTE_WITH_WATCH", ["1 of 3 tests did not run"]),
    "a probe": (probed(("p1", "chat"), "FAIL"), probed(("p1", "chat"), "PASS"), "ROLL_BACK", "PROMOTE", []),
    "a probe that never ran": (probed(("p1", "chat")), probed(("p1", "chat"), "PASS"), "HOLD", "PROMOTE", ["never ran"]),
    "INVALID load": (
        both(criteria("p95(chat) < 2 s"), probed(("p1", "chat"), "ERROR", message=LOAD), took()),
        both(probed(("p1", "chat"), "PASS"), took(*FAST)),
        "HOLD", "PROMOTE", [LOAD, "a P1 ERROR asks for HOLD", "p1/p1/chat, c0 were satisfied"]),
    "evidence that is missing": (
        seen(tests=(), suites=(), collected=()),
        seen(**{field: without(LOOKS, field) for field in ("tests", "suites", "collected")}),
        "HOLD", "PROMOTE_WITH_WATCH", ["never ran: 0 of 3 expected tests seen"]),
    "a criterion that counts what is named": (
        both(planned(criteria=[{"id": "all-ran", "priority": "P3", "rule": "not_run(p1) == 0"}]), outcome(CORE, "t2", "NOT_RUN")),
        outcome(CORE, "t2", "PASS"), "HOLD", "PROMOTE", ["PROMOTE if p1/p1/core were satisfied"]),
    "a limit": (
        both(criteria("p95(chat) < 2 s"), took(*SLOW)), took(*FAST),
        "HOLD", "PROMOTE", ["rule: P2 FAIL c0: p95(chat) < 2 s: 3270 ms", "of 40 above 2000 ms", "samples/chat", "PROMOTE if c0"]),
    "a limit, and a shift inside it": (
        both(criteria("p95(chat) < 2 s", "shift(chat) < 10 %"), took(*SLOW)), took(*(v * 10 for v in FAST)),
        "HOLD", "PROMOTE_WITH_WATCH", ["if c0 were satisfied, because of P2 FAIL c1"]),
    "a shift": (
        both(criteria("shift(chat) < 10 %"), took(*(v * 1.3 for v in FAST))), took(*FAST),
        "PROMOTE_WITH_WATCH", "PROMOTE", ["+30.", "worse than 3 of 3 promoted runs", "a P2 FAIL asks for PROMOTE_WITH_WATCH"]),
    "a shift that could not be seen": (
        both(criteria("shift(chat) < 1 %"), took(*(60.0, 140.0) * 5)), took(*FAST),
        "PROMOTE_WITH_WATCH", "PROMOTE", ["NOT_EVALUATED c0"]),
    "a relative limit": (
        both(criteria("median(chat) <= +10 %"), took(*(v * 2 for v in FAST))), took(*FAST),
        "HOLD", "PROMOTE", ["+100.0% against the median of 3 promoted runs, 104 ms"]),
    "slow drift": (
        both(criteria("median(chat) <= +10 %"), crept(*[100.0] * 8, *(112.0, 116.0, 120.0, 124.0)), took(*(v + 28 for v in FAST))),
        both(crept(*[100.0] * 12), took(*FAST)), "PROMOTE_WITH_WATCH", "PROMOTE", ["slow drift"]),
    "a share": (
        both(criteria("share(chat) >= 90 %", priority="P1"), took(*FAST, n_failed=8)), took(*FAST),
        "ROLL_BACK", "PROMOTE", ["32 of 40 went well", "PROMOTE if c0"]),
    "a share beside promoted runs": (
        both(criteria("share(chat) >= -1 %"), counted(2, 200), took(*FAST * 5, n_failed=20)), took(*FAST * 5),
        "PROMOTE_WITH_WATCH", "PROMOTE", ["90.00%, 180 of 200 went well", "3 promoted runs together"]),
    "no data": (
        criteria("p95(other) < 2 s"), criteria("p95(chat) < 2 s"),
        "HOLD", "PROMOTE", ["0 samples and 20 are needed", "a P2 NOT_EVALUATED asks for HOLD"]),
    "no data, watched": (
        criteria("p95(other) < 2 s", no_data="watch"), criteria("p95(chat) < 2 s", no_data="watch"),
        "PROMOTE_WITH_WATCH", "PROMOTE", ["a P2 NOT_EVALUATED asks for PROMOTE_WITH_WATCH"]),
    "P1 without data": (
        criteria("p95(other) < 2 s", priority="P1"), criteria("p95(chat) < 2 s", priority="P1"),
        "HOLD", "PROMOTE", ["a P1 NOT_EVALUATED asks for HOLD"]),
    "too few samples": (
        criteria("p95(chat) < 2 s", samples=50), criteria("p95(chat) < 2 s", samples=40),
        "HOLD", "PROMOTE", ["40 samples and 50 are needed"]),
    "too short a time": (
        criteria("p95(chat) < 2 s", window="60s"), criteria("p95(chat) < 2 s", window="30s"),
        "HOLD", "PROMOTE", ["span 39 s of 60 s that are needed"]),
    "watched by its warning": (
        criteria("p95(chat) < 2 s", warn="p95(chat) < 105 ms"), took(*(v - 20 for v in FAST)),
        "PROMOTE_WITH_WATCH", "PROMOTE", ["P3 FAIL c0/warn", "PROMOTE if c0/warn"]),
    "one of two that are joined": (
        both(criteria("p95(chat) < 2 s and median(chat) < 1 s"), took(*SLOW)), took(*FAST),
        "HOLD", "PROMOTE", ["p95(chat) 3270 ms", "median(chat) 3120 ms"]),
    "in quarantine": (
        both(spared("shop", "t1", "2026-02-01"), outcome(SHOP, "t1", "FAIL")), outcome(SHOP, "t1", "PASS"),
        "PROMOTE_WITH_WATCH", "PROMOTE", ["in quarantine: t1", "a P2 FAIL asks for PROMOTE_WITH_WATCH"]),
    "a quarantine that ended": (
        both(spared("shop", "t1", "2025-02-01"), outcome(SHOP, "t1", "FAIL")), outcome(SHOP, "t1", "PASS"),
        "HOLD", "PROMOTE", ["a P2 FAIL asks for HOLD"]),
    "vacuous": (
        outcome(CORE, "t1", "PASS", witnessed=False), outcome(CORE, "t1", "PASS"),
        "HOLD", "PROMOTE", ["1 passes never touched the target", "no contact with the target"]),
    "insensitive": (
        known(sensitivity=cells(False, *TESTS)), known(sensitivity=cells(True, *TESTS)),
        "HOLD", "PROMOTE", ["no negative control turns any of them red"]),
    "a fault that no audit tried": (
        sensitive_to("silent", "empty"), sensitive_to("silent"),
        "HOLD", "PROMOTE", ["no audit in force has tried empty", "capability/by-core"]),
    "a runner that died": (
        suite_ended(CORE, exit_code=-9), suite_ended(CORE), "HOLD", "PROMOTE", ["exit code -9 although no test failed"]),
    "unreadable": (
        reads("after:p1", "api", error="refused"), reads("after:p1", "api", NEW), "HOLD", "PROMOTE", ["not readable at after:p1"]),
    "sick at the end": (
        feels("end", "web", "degraded"), feels("end", "web", "healthy"), "HOLD", "PROMOTE", ["web is degraded at the end"]),
    "nothing": (NONE, deployed(outcome=Outcome.FAIL), "PROMOTE", "ROLL_BACK", ["HOLD or worse if deploy failed"]),
}  # fmt: skip


@pytest.mark.parametrize("name", TURNS)
def test_the_change_that_is_named_turns_the_verdict(name: str) -> None:
    fault, repair, word, then, said = TURNS[name]
    case = fault(green())
    text, turn = why(case), turn_of(case.plan, case.evidence, case.history, NOW)
    lines = text.splitlines()
    assert len(lines) < 20 and max(map(len, lines)) <= 100
    missing = [
        one for one in ("rule:", "decision:", "would turn:", *said) if one not in plain(text)
    ]
    assert lines[0] == f"{word} · run {RUN}" and not missing, text
    after = both(fault, repair)(green()).judged()
    marks = {c.id: c.outcome for c in after.criteria}
    assert turn and after.verdict == then, after.rule
    assert all((marks.get(id, "PASS") == "PASS") is turn.satisfied for id in turn.ids)
    if turn.satisfied:
        assert turn.word is after.verdict and after.rule.startswith(turn.next_rule.split(": ")[0])
    else:
        assert turn.word is VerdictWord.HOLD and not after.verdict.approves


@settings(max_examples=10)
@given(st.lists(damages, max_size=4))
def test_a_verdict_always_turns_into_another_one(changes: list[Change]) -> None:
    case = both(*changes)(green())
    verdict, turn = case.judged(), turn_of(case.plan, case.evidence, case.history, NOW)
    assert turn is None or turn.word is not verdict.verdict
    assert (turn is None) == (verdict.verdict is VerdictWord.SUPERSEDED)
    lines = why(case).splitlines()
    assert len(lines) < 20 and max(map(len, lines)) <= 100
