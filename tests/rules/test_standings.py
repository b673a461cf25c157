"""How tests stand is what their attempts settle to, whatever the order, and the hash stays."""

from __future__ import annotations

import hashlib
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from data.records.facts import TestResult
from data.records.words import Outcome
from data.rules.judge.standings import TEST_FIELDS, rows_of, standings_of
from data.rules.outcomes import final_outcomes
from tests.rules.making import CORE, SHOP, Input, green, outcome, seen
from tests.rules.making import test as made

SUITES, NAMES = st.sampled_from((CORE, SHOP)), st.sampled_from("abc")
ATTEMPTS = st.builds(
    lambda where, name, word, attempt, seen, stage: made(
        where, name, word, attempt, witnessed=seen, stage=stage
    ),
    SUITES,
    NAMES,
    st.sampled_from([*map(str, Outcome), *["PASS"] * 6]),
    st.integers(1, 3),
    st.sampled_from((True, False, None)),
    st.sampled_from(("call", "collect")),
)
AUDITED = st.dictionaries(st.tuples(st.sampled_from(("core", "shop")), NAMES), st.booleans())


@settings(deadline=None)
@given(st.lists(ATTEMPTS, max_size=12), AUDITED)
def test_a_test_stands_as_its_attempts_settle(
    tests: list[TestResult], known: dict[tuple[str, str], bool]
) -> None:
    found = standings_of(tests, rows_of(tests), known)
    finals = final_outcomes(tests, known)
    stand = {(*where, name): one for where, each in found.all.items() for name, one in each.items()}
    assert list(stand.items()) == [(key, (f.outcome, f.grade)) for key, f in finals.items()]
    apart = {(*where, n): one for where, each in found.apart.items() for n, one in each.items()}
    odd = {k: f for k, f in finals.items() if f.outcome is not Outcome.PASS or f.attempts > 1}
    assert list(apart.items()) == list(odd.items())
    assert found.unread == [t.test_id for t in tests if t.stage == "collect"]


def test_the_hash_is_that_of_the_documented_text() -> None:
    case = outcome(CORE, "tést\n", "FAIL", "PASS")(green())
    verdict = case.judged()
    assert verdict.input_hash == _documented(case)
    other = seen(tests=case.evidence.tests[::-1])(case)
    assert other.judged().input_hash == _documented(other) != verdict.input_hash


def _documented(case: Input) -> str:
    """Canonical JSON of plan, evidence and history; then the tests as rows, then the samples."""
    few = case.evidence.model_copy(update={"tests": (), "samples": ()})
    dumped = [p.model_dump(mode="json", by_alias=True) for p in (case.plan, few, case.history)]
    tests = [[getattr(one, name) for name in TEST_FIELDS] for one in case.evidence.tests]
    samples = [one.model_dump(mode="json", exclude_defaults=True) for one in case.evidence.samples]
    texts = [json.dumps(dumped, sort_keys=True, separators=(",", ":"))]
    texts += [json.dumps(t, separators=(",", ":"), ensure_ascii=False) for t in (tests, samples)]
    return hashlib.sha256("".join(texts).encode()).hexdigest()
