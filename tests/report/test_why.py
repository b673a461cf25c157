"""`show --why`: each kind of rule in a short tree, and a turn that is true."""

from __future__ import annotations

import pytest

from data.records.evidence import RunView
from data.records.words import Outcome, VerdictWord
from data.report.why import why_text
from data.rules.judge.turning import turn_of
from tests.rules.making import (
    CORE,
    LOOKS,
    NEW,
    NOW,
    OLD,
    RUN,
    SHOP,
    SUITES,
    TESTS,
    Change,
    Input,
    both,
    deployed,
    feels,
    green,
    known,
    outcome,
    probed,
    reads,
    seen,
    suite_ended,
)


def stored(case: Input) -> RunView:
    plan_json = case.plan.model_dump_json(by_alias=True)
    run = case.evidence.run.model_copy(update={"plan_json": plan_json})
    evidence = case.evidence.model_copy(update={"run": run})
    return RunView(evidence=evidence, verdict=case.judged(), history=case.history)


def why(case: Input) -> str:
    return why_text(stored(case))


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
    missing = [one for one in ("rule: ", "decision: ", "would turn: ", *said) if one not in text]
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


TURNS: list[tuple[Change, Change]] = [  # a fault that decides, and one that is still there after
    (outcome(CORE, "t1", "FAIL"), outcome(SHOP, "t1", "FAIL")),
    (outcome(SHOP, "t1", "FAIL"), outcome(LOOKS, "t1", "FAIL")),
    (outcome(CORE, "t1", "NOT_RUN"), outcome(SHOP, "t2", "FAIL", "PASS")),
    (probed(("p1", "chat"), "FAIL"), both()),
]


@pytest.mark.parametrize(("fault", "rest"), TURNS)
def test_a_turn_is_what_the_judge_says_once_the_fault_is_gone(fault: Change, rest: Change) -> None:
    case = both(rest, fault)(green())
    turn = turn_of(case.plan, case.evidence, case.history, NOW)
    without = rest(green()).judged()
    assert turn and turn.satisfied and turn.word is without.verdict is not case.judged().verdict
    assert without.verdict is VerdictWord.PROMOTE or turn.next_rule in without.rule
