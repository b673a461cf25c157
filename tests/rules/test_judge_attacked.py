"""Whoever means harm, or measures badly: no traceback, and never a better verdict."""

from __future__ import annotations

import copy
import json
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import PlanError
from data.records.evidence import BaselineRun
from data.records.facts import Sample
from data.records.verdict import Verdict
from data.records.words import VerdictWord
from data.rules.dossier import read_dossier
from data.rules.grammar import AVERAGES, COUNTS
from data.rules.judge import judge
from data.rules.judge.levels import LONGEST_MS, is_time
from tests.rules.making import (
    CORE,
    LATENCIES,
    NOW,
    OLD,
    PLAN,
    SHOP,
    Change,
    Input,
    at,
    both,
    green,
    known,
    outcome,
    planned,
    probed,
    samples,
    seen,
)

NO_TIMES = (math.nan, math.inf, -math.inf, -1.0, -1e-300, 1e16, 1.7e308)
RULES = (
    "p95(chat) < 2 s", "p95(chat) > 2 s", "p99(chat) <= 1 ms", "median(chat) <= +10 %", "median(chat) >= -10 %",
    "mean(chat) < 1 s", "mean(chat) <= +0 %", "max(chat) == 0 ms", "min(chat) > 0 ms", "count(chat) >= 1",
    "share(chat) >= 99 %", "share(chat) >= -1 %", "shift(chat) < 10 %", "shift(chat) < 0 %", "shift(none) < 10 %",
    "p95(none) < 1 s", "failed(none) == 0", "failed(p1) == 0", "failed(p1) > 3", "pass_share(p2) < 1 %",
    "p95(chat) < 1 ms and p95(chat) > 2 s", "p95(none) < 1 s or failed(p1) == 0", "share(none) >= -1 %",
)  # fmt: skip
FEW = st.sampled_from((0, 1, 2, 7, 8, 20, 40))
ONE = st.one_of(st.sampled_from((*NO_TIMES, 0.0, 1e-320, 100.0, LONGEST_MS)), st.floats())


@st.composite
def numbers(draw: st.DrawFn) -> tuple[float, ...]:
    """None, one or many; all equal, good ones with a few others among them, or anything."""
    n, few = draw(FEW), draw(st.lists(ONE, max_size=3))
    kind = draw(st.sampled_from(("equal", "good", "any")))
    if kind == "equal":
        return (draw(ONE),) * n
    return (*few, *LATENCIES[:n]) if kind == "good" else tuple(draw(st.lists(ONE, max_size=9)))


@st.composite
def declared(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Criteria, some of them twice and some against each other, under any policy."""
    found = []
    for n, rule in enumerate(draw(st.lists(st.sampled_from(RULES), max_size=4))):
        priority = draw(st.sampled_from(("P1", "P2", "P3")))
        one = {"id": f"c{n}", "priority": priority, "rule": rule}
        if priority != "P1":
            one["no_data"] = draw(st.sampled_from((None, "hold", "watch")))
        found.append(one)
    return [*found, *found[:1]]


@st.composite
def baselines(draw: st.DrawFn) -> tuple[BaselineRun, ...]:
    return tuple(
        BaselineRun(
            run_id=f"old-{n}", revision=OLD, at=at(-86400.0 * n), samples={"chat": draw(numbers())},
            failed={"chat": draw(st.sampled_from(((0, 0), (0, 40), (40, 40), (3, 1000))))},
        )
        for n in range(draw(st.sampled_from((0, 1, 2, 6))))
    )  # fmt: skip


def took(values: Sequence[float], n_failed: int = 0) -> tuple[Sample, ...]:
    made = samples(tuple(values))
    return tuple(s.model_copy(update={"ok": n >= n_failed}) for n, s in enumerate(made))


def rank(verdict: Verdict) -> int:
    """How far from an approval: 0 PROMOTE, 1 with watch, 2 none."""
    return {VerdictWord.PROMOTE: 0, VerdictWord.PROMOTE_WITH_WATCH: 1}.get(verdict.verdict, 2)


@settings(max_examples=30)
@given(declared(), numbers(), st.integers(0, 3), baselines(), baselines())
def test_whatever_was_measured_there_is_a_verdict_that_says_why(
    criteria: list[dict[str, Any]],
    values: tuple[float, ...],
    n_failed: int,
    baseline: tuple[BaselineRun, ...],
    anchor: tuple[BaselineRun, ...],
) -> None:
    change = both(
        planned(criteria=criteria),
        seen(samples=took(values, n_failed)),
        known(baseline=baseline, anchor=anchor),
    )
    with warnings.catch_warnings(action="error"):
        verdict = change(green()).judged()
    assert verdict.rule and all(c.sentence for c in verdict.criteria)


@settings(max_examples=15)
@given(declared(), st.sets(st.integers(0, 39), min_size=1, max_size=40), st.sampled_from(NO_TIMES))
def test_values_that_are_no_times_never_make_a_verdict_better(
    criteria: list[dict[str, Any]], places: set[int], bad: float
) -> None:
    for factor in (1.0, 40.0):
        values = [value * factor for value in LATENCIES]
        case = both(planned(criteria=criteria), seen(samples=took(values)))(green())
        spoiled = [bad if n in places else value for n, value in enumerate(values)]
        assert rank(seen(samples=took(spoiled))(case).judged()) >= rank(case.judged())


@pytest.mark.parametrize("rule", ["p95(chat) < 2 s", "shift(chat) < 10 %", "mean(chat) <= +10 %"])
@pytest.mark.parametrize("bad", NO_TIMES)
def test_one_value_that_is_no_time_holds_whatever_the_policy(rule: str, bad: float) -> None:
    criterion = {"id": "c", "priority": "P2", "rule": rule, "no_data": "watch"}
    case = both(planned(criteria=[criterion]), seen(samples=took([*LATENCIES, bad])))(green())
    assert not is_time(bad)
    assert (case.judged().verdict, "are no times" in case.judged().rule) == ("HOLD", True)


@pytest.mark.parametrize("bad", NO_TIMES)
def test_what_fails_whatever_a_bad_value_was_fails_still(bad: float) -> None:
    criterion = {"id": "c", "priority": "P1", "rule": "median(chat) < 50 ms"}
    case = both(planned(criteria=[criterion]), seen(samples=took([*LATENCIES, bad])))(green())
    assert case.judged().verdict == "ROLL_BACK"


@pytest.mark.parametrize("rule", ["shift(chat) < 10 %", "median(chat) <= +10 %"])
@pytest.mark.parametrize("field", ["baseline", "anchor"])
def test_a_promoted_run_with_a_value_that_is_no_time_is_no_yardstick(rule: str, field: str) -> None:
    bad = BaselineRun(run_id="odd", revision=OLD, at=at(-9), samples={"chat": (*LATENCIES, -1.0)})
    criterion = {"id": "c", "priority": "P2", "rule": rule, "no_data": "watch"}
    case = planned(criteria=[criterion])(green())
    runs = (*getattr(case.history, field), bad)
    told = known(**{field: runs})(case).judged()
    assert (told.verdict, "values of odd are no times" in told.rule) == ("HOLD", True)


@pytest.mark.parametrize("power", [-9, -3, 3, 9])
@pytest.mark.parametrize("factor", [1.0, 1.05, 1.3, 3.0])
def test_the_unit_decides_nothing_where_no_limit_has_one(power: int, factor: float) -> None:
    rules = [r for r in RULES if "(chat)" in r and (" %" in r or "count" in r) and "and" not in r]
    criteria = [{"id": f"c{n}", "priority": "P2", "rule": rule} for n, rule in enumerate(rules)]

    def marks(unit: float) -> list[str]:
        now = took([value * unit * factor for value in LATENCIES])
        old = tuple(value * unit for value in LATENCIES)
        runs = [r.model_copy(update={"samples": {"chat": old}}) for r in green().history.baseline]
        change = both(planned(criteria=criteria), seen(samples=now), known(baseline=tuple(runs)))
        return [c.outcome for c in change(green()).judged().criteria]

    assert marks(10.0**power) == marks(1.0)


@settings(max_examples=15)
@given(declared())
def test_criteria_that_are_there_twice_decide_as_once(criteria: list[dict[str, Any]]) -> None:
    twice = [*criteria, *({**one, "id": f"{one['id']}-too"} for one in criteria)]
    once, again = (planned(criteria=c)(green()).judged() for c in (criteria, twice))
    assert (once.verdict, rank(once)) == (again.verdict, rank(again))


@pytest.mark.parametrize("priority", ["P1", "P2"])
@pytest.mark.parametrize("value", [0.0, 1.0, 100.0, 5000.0])
def test_of_two_that_contradict_each_other_one_always_holds(priority: str, value: float) -> None:
    rules = ("median(chat) < 100 ms", "median(chat) >= 100 ms")
    criteria = [{"id": f"c{n}", "priority": priority, "rule": r} for n, r in enumerate(rules)]
    case = both(planned(criteria=criteria), seen(samples=took([value] * 40)))(green())
    assert rank(case.judged()) == 2


LIMITS = {"share": "1 %", "shift": "10 %", "pass_share": "1 %"}
ASKING = [
    f"{function}(none) {sign} {LIMITS.get(function, '5' if function in (*COUNTS, 'count') else '5 ms')}"
    for function in (*COUNTS, *AVERAGES, "p95", "share", "shift")
    for sign in (("<",) if function == "shift" else ("<", "<=", ">", ">=", "=="))
]


@pytest.mark.parametrize("policy", [None, "hold", "watch"])
def test_p1_is_never_satisfied_by_what_nobody_measured(policy: str | None) -> None:
    for rule in ASKING:
        criterion = {"id": "c", "priority": "P1", "rule": rule, "no_data": policy}
        verdict = planned(criteria=[criterion])(green()).judged()
        assert rank(verdict) == 2, rule


def test_a_rule_that_cannot_be_read_holds() -> None:
    criterion = green().plan.criteria[0].model_copy(update={"rule": "newer(chat) < 1"})
    case = green()
    plan = case.plan.model_copy(update={"criteria": (criterion,)})
    verdict = replace(case, plan=plan).judged()
    assert (verdict.verdict, "unknown function" in verdict.rule) == ("HOLD", True)


@pytest.mark.parametrize(("n", "n_failed"), [(4, 4), (4, 5), (1, 1)])
def test_a_probe_that_passed_and_failed_every_time_holds(n: int, n_failed: int) -> None:
    verdict = probed(("p1", "chat"), "PASS", n=n, n_failed=n_failed)(green()).judged()
    assert verdict.verdict == "HOLD"


def test_a_criterion_that_is_there_twice_proves_nothing_by_its_better_half() -> None:
    rules = ("failed(p2) == 9", "failed(p2) == 0")
    proves = {"priority": "P3", "proves": ["by-shop"]}
    twice = tuple({"id": "c", "rule": rule} | proves for rule in rules)
    for criteria in (twice, twice[::-1]):
        verdict = planned(criteria=list(criteria))(green()).judged()
        assert "resting on by-shop" in verdict.revenue_note


def test_text_that_is_no_unicode_is_judged_and_in_the_hash() -> None:
    texts = ("\ud800", "\udfff", "?")
    hashes = {
        outcome(CORE, "t1", "FAIL", message=text)(green()).judged().input_hash for text in texts
    }
    assert len(hashes) == len(texts)


HOSTILE = (
    None, "", -1, 0, 1, True, 1e308, math.nan, math.inf, 10**30, [], {}, "x" * 3000, "\x00\n\x1b[31m", "p1", "PASS",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "1d", "999999999d", "50 %", "[bold]x", "../x", "%s{0}", "\ud800",
)  # fmt: skip


def dossier() -> dict[str, Any]:
    change: Change = both(
        outcome(CORE, "t1", "FAIL", "PASS"), outcome(SHOP, "t1", "FAIL"), probed(("p2", "search"), "FAIL")
    )  # fmt: skip
    case: Input = change(green())
    criteria = [
        {"id": f"c{n}", "priority": "P2", "rule": rule} for n, rule in enumerate(RULES[:14])
    ]
    spared = {"suite": "shop", "test": "t2", "owner": "ann", "until": "2026-06-01", "reason": "r"}
    found = {
        "plan": PLAN | {"criteria": criteria, "quarantine": [spared]},
        "evidence": case.evidence.model_dump(mode="json"),
        "history": case.history.model_dump(mode="json"),
        "now": NOW.isoformat(),
    }
    found["evidence"]["samples"] = found["evidence"]["samples"][:25]
    return found


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*at, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*at, key))


DOSSIER = dossier()
PLACES = list(places(DOSSIER))


def hit(place: tuple[Any, ...], value: Any) -> None:
    """One leaf or branch of the dossier is another: every fault is told, or there is a verdict."""
    document = copy.deepcopy(DOSSIER)
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    try:
        found = read_dossier(json.dumps(document), "dossier.json")
    except PlanError as error:
        assert error.faults
        return
    verdict = judge(found.plan, found.evidence, found.history, found.now or NOW)
    assert verdict.rule and verdict.input_hash


@settings(max_examples=40)
@given(st.sampled_from(PLACES), st.sampled_from(HOSTILE))
def test_a_dossier_with_anything_anywhere_is_judged_or_refused(
    place: tuple[Any, ...], value: Any
) -> None:
    hit(place, value)


@pytest.mark.soak
def test_every_place_of_a_dossier_was_tried() -> None:
    for n, place in enumerate(PLACES):
        for value in (HOSTILE[n % len(HOSTILE)], HOSTILE[(7 * n + 3) % len(HOSTILE)]):
            hit(place, value)
