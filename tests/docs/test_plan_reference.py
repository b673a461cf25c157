"""The plan's reference is what the records say, and says something about every key."""

from __future__ import annotations

from data.records.plan import Plan
from data.rules.grammar import AVERAGES, COUNTS, parse_rule
from data.rules.quantiles import MIN_SAMPLES, samples_needed
from tests.docs.meanings import MEANINGS, PLACES
from tests.docs.reference import MARKER, PAGE, generated, meaning, models

PROSE, _, KEYS = PAGE.read_text().partition(MARKER)


def test_the_keys_are_generated_from_the_records() -> None:
    assert KEYS.strip() == generated().strip(), "run: python -m tests.docs.reference"


def test_every_key_has_a_meaning_and_every_record_a_place() -> None:
    fields = [(m, name, info) for m in models() for name, info in m.model_fields.items()]
    assert [f"{m.__name__}.{name}" for m, name, info in fields if not meaning(m, name, info)] == []
    assert set(PLACES) == {m.__name__ for m in models()}


def test_no_meaning_is_given_for_a_key_that_is_gone() -> None:
    owners = {c.__name__: c for m in models() for c in m.__mro__ if hasattr(c, "model_fields")}
    known = {
        f"{owner}.{info.alias or name}"
        for owner, record in owners.items()
        for name, info in record.model_fields.items()
    }
    assert sorted(set(MEANINGS) - known) == []


def test_every_section_of_a_plan_is_told_in_the_prose() -> None:
    words = ("deploy", "suite", "probe", "criteria", "capabilities", "revenue", "rollback")
    assert [w for w in words if w not in PROSE] == []
    assert [name for name in Plan.model_fields if f"`{name}`" not in KEYS] == []


def test_every_function_of_the_grammar_is_told_with_its_samples() -> None:
    assert [f for f in (*COUNTS, *AVERAGES, "shift") if f"`{f}`" not in PROSE] == []
    for function in ("p50", "p90", "p95", "p99", "p99.9"):
        quantile = parse_rule(f"{function}(m) < 1 s").quantile
        assert quantile is not None
        row = next(
            line
            for line in PROSE.splitlines()
            if line.startswith("|")
            and f"`{function}`" in line
            and "|" in line
            and line.rstrip(" |")[-1].isdigit()
        )
        assert row.endswith(f"| {samples_needed(quantile)} |")
    assert f"| `median`, `p50`, `mean`, `min`, `max` | {MIN_SAMPLES} |" in PROSE
