"""The grammar of declared criteria."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.rules.grammar import AVERAGES, COUNTS, parse_rule
from data.rules.quantiles import percentile, samples_needed

RULES = [
    ("p95(message) < 2 s", ("p95", "message", "<", 2000.0, "s"), 0.95),
    ("p99.9(api)<=500ms", ("p99.9", "api", "<=", 500.0, "ms"), 0.999),
    ("median( api ) < 0.5 s", ("median", "api", "<", 500.0, "s"), 0.5),
    ("mean(api) > 1 ms", ("mean", "api", ">", 1.0, "ms"), None),
    ("count(api) >= 20", ("count", "api", ">=", 20.0, ""), None),
    ("failed(critical-path) == 0", ("failed", "critical-path", "==", 0.0, ""), None),
    ("pass_share(p1) == 100 %", ("pass_share", "p1", "==", 1.0, "%"), None),
    ("shift(message) <= 8 %", ("shift", "message", "<=", 0.08, "%"), None),
    ("not_run(a/b.c_d) < 1", ("not_run", "a/b.c_d", "<", 1.0, ""), None),
]
REFUSED = [
    ("", "expected a rule such as"),
    ("p95(message)", "expected a rule such as"),
    ("p95(message) < fast", "stopped at column 16"),
    ("p95() < 2 s", "expected a rule such as"),
    ("p95(message) != 2 s", "expected a rule such as"),
    ("p95(message) < 2 m", "expected a rule such as"),
    ("p95(message) < 2 s and more", "expected a rule such as"),
    ("p95(message) < 2", "p95 takes ms or s, got 'a plain number'"),
    ("p95(message) < 2 %", "p95 takes ms or s, got '%'"),
    ("failed(p1) == 0 %", "failed takes a plain number, got '%'"),
    ("count(api) > 5 ms", "count takes a plain number, got 'ms'"),
    ("pass_share(p1) >= 0.95", "pass_share takes %, got 'a plain number'"),
    ("shift(message) <= 8 ms", "shift takes %"),
    ("shift(message) >= 8 %", "shift takes < or <="),
    ("shift(message) == 0 %", "shift takes < or <="),
    ("p0(message) < 2 s", "unknown function 'p0'"),
    ("p100(message) < 2 s", "unknown function 'p100'"),
    ("average(message) < 2 s", "unknown function 'average': expected pNN, share, shift, median"),
]


@pytest.mark.parametrize(("text", "parts", "quantile"), RULES)
def test_a_rule_is_read_in_milliseconds_and_shares(
    text: str, parts: tuple[object, ...], quantile: float | None
) -> None:
    rule = parse_rule(text)
    assert (
        rule.function,
        rule.subject,
        rule.operator,
        pytest.approx(rule.limit),
        rule.unit,
    ) == parts
    assert rule.quantile == pytest.approx(quantile)


@pytest.mark.parametrize(("text", "said"), REFUSED)
def test_what_is_no_rule_is_refused_with_what_was_expected(text: str, said: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_rule(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("function", "over"),
    [*((f, False) for f in COUNTS), *((f, True) for f in (*AVERAGES, "p95", "shift"))],
)
def test_a_rule_reads_either_samples_or_outcomes(function: str, over: bool) -> None:
    unit = {"pass_share": " %", "shift": " %", "count": ""}.get(function, "" if not over else " ms")
    assert parse_rule(f"{function}(x) < 5{unit}").over_samples is over


@pytest.mark.parametrize(
    ("operator", "below", "equal", "above"),
    [("<", True, False, False), ("<=", True, True, False), (">", False, False, True),
     (">=", False, True, True), ("==", False, True, False)],
)  # fmt: skip
def test_operators_mean_what_they_say(operator: str, below: bool, equal: bool, above: bool) -> None:
    rule = parse_rule(f"failed(x) {operator} 3")
    assert [rule.holds(v) for v in (2, 3, 4)] == [below, equal, above]


def test_spaces_mean_nothing() -> None:
    assert parse_rule("p95(m)<2s") == parse_rule("  p95 ( m )  <  2  s ")


@given(st.text(max_size=30))
def test_any_text_is_a_rule_or_a_refusal(text: str) -> None:
    try:
        assert parse_rule(text).subject
    except ValueError as error:
        assert "expected" in str(error) or "takes" in str(error)


@pytest.mark.parametrize(
    ("share", "n"), [(0.5, 5), (0.75, 5), (0.8, 5), (0.9, 10), (0.95, 20), (0.99, 100), (0.999, 1000), (1.0, 1)]
)  # fmt: skip
def test_a_percentile_needs_one_sample_above_it(share: float, n: int) -> None:
    assert samples_needed(share) == n


@pytest.mark.parametrize(
    ("share", "value"), [(0.05, 15), (0.2, 15), (0.21, 20), (0.4, 20), (0.5, 35), (0.6, 35), (0.95, 50), (1.0, 50)]
)  # fmt: skip
def test_percentiles_are_values_that_were_measured(share: float, value: float) -> None:
    assert percentile([50, 15, 40, 20, 35], share) == value


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.001, 1))
def test_at_least_the_share_lies_at_or_below_its_percentile(
    values: list[float], share: float
) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(v <= found for v in values) >= share * len(values) - 1e-6


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 0.0), ([1.0], 1.1)])
def test_no_percentile_of_nothing(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="at least one value"):
        percentile(values, share)
