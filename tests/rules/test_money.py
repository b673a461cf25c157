"""Parts never exceed the whole, and what overlaps is never summed twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records.money import Amount, Revenue
from data.records.plan import Capability
from data.records.units import parse_duration, parse_money, parse_share
from data.rules.money import (
    circular,
    cost_faults,
    money_faults,
    per_year,
    revenue_at_risk,
    share_at_risk,
    weighing,
)
from tests.rules.making import TESTS, Input, green, outcome


def capabilities(**written: tuple[float | None, str | None]) -> dict[str, Capability]:
    return {
        name: Capability.model_construct(title="", share=share, within=within)
        for name, (share, within) in written.items()
    }


def revenue(
    amount: float | str = "500K", per: str = "year", **protected: tuple[str, str, str]
) -> Revenue:
    parts = {p: {"amount": a, "currency": c, "per": e} for p, (a, c, e) in protected.items()}
    return Revenue.model_validate(
        {"amount": amount, "currency": "USD", "per": per, "protected": parts}
    )


SHOP = capabilities(
    sign_in=(0.6, None), chat=(0.5, "sign_in"), live=(0.3, "chat"), search=(0.3, None)
)
SHARES = [
    (SHOP, [], 0.0),
    (SHOP, ["search"], 0.3),
    (SHOP, ["chat"], 0.5),
    (SHOP, ["chat", "live"], 0.5),
    (SHOP, ["sign_in", "live"], 0.6),
    (SHOP, ["sign_in", "chat", "live", "search"], 0.9),
    (SHOP, ["unknown"], 0.0),
    (capabilities(a=(0.7, None), b=(0.8, None)), ["a", "b"], 1.0),
    (capabilities(a=(None, None), b=(0.2, "a")), ["a", "b"], 0.2),
    (capabilities(a=(None, None)), ["a"], 0.0),
    (capabilities(a=(0.5, None), b=(0.4, "a"), c=(0.4, "a")), ["b", "c"], 0.5),  # not 80 %
    (capabilities(a=(0.5, "gone")), ["a"], 0.5),
    (capabilities(a=(0.5, "a")), ["a"], 0.5),
    (capabilities(a=(0.5, "b"), b=(0.4, "a")), ["a", "b"], 0.9),  # a circle hides nothing
]  # fmt: skip
FAULTS: list[tuple[Revenue, str, str]] = [
    (revenue(P1=("120K", "USD", "month")), "P1", "P1 protects 120,000 USD a month = 1,440,000 USD a year, more than the whole of 500,000 USD a year = 500,000 a year"),
    (revenue(P2=("2K", "USD", "day")), "P2", "730,000 USD a year"),
    (revenue(P1=("10K", "USD", "week")), "P1", "521,429 USD a year"),
    (revenue(P1=("10K", "EUR", "month")), "P1", "P1 protects 10,000 EUR a month but revenue is in USD"),
    (revenue(P1=("300K", "USD", "year"), P2=("20K", "USD", "month")), "P2", "together protect 540,000 USD a year, more than the whole of 500,000"),
    (revenue(0, P1=("1", "USD", "year")), "P1", "more than the whole of 0 USD"),
]  # fmt: skip
SOUND = [
    revenue(),
    revenue(P1=("500K", "USD", "year")),
    revenue(P1=("24K", "USD", "month"), P2=("10K", "USD", "month")),
    revenue("10K", "month", P1=("120K", "USD", "year")),
    revenue(0),
]


@pytest.mark.parametrize(("plan", "unproven", "share"), SHARES)
def test_the_share_at_risk_counts_what_overlaps_once(
    plan: dict[str, Capability], unproven: list[str], share: float
) -> None:
    assert share_at_risk(plan, unproven) == pytest.approx(share)


@pytest.mark.parametrize(("stated", "priority", "text"), FAULTS)
def test_a_part_that_exceeds_its_whole_is_refused_with_both_numbers(
    stated: Revenue, priority: str, text: str
) -> None:
    faults = dict(money_faults(stated))
    assert text in faults[priority]


@pytest.mark.parametrize("stated", SOUND)
def test_parts_that_fit_are_no_fault(stated: Revenue) -> None:
    assert money_faults(stated) == []


def test_every_faulty_part_is_told() -> None:
    stated = revenue(P1=("1M", "USD", "year"), P2=("1M", "USD", "year"))
    assert [priority for priority, _ in money_faults(stated)] == ["P1", "P2"]


@pytest.mark.parametrize(
    ("per", "times"), [("day", 365), ("week", 365 / 7), ("month", 12), ("year", 1)]
)
def test_periods_are_compared_over_a_year(per: str, times: float) -> None:
    amount = Amount.model_validate({"amount": 2, "currency": "USD", "per": per})
    assert per_year(amount) == pytest.approx(2 * times)


def test_without_revenue_nothing_is_at_risk() -> None:
    assert revenue_at_risk(None, SHOP, ["chat"]) is None


def test_what_is_at_risk_is_said_in_the_plans_own_terms() -> None:
    found = revenue_at_risk(revenue("40K", "month"), SHOP, ["chat"])
    assert found is not None
    assert (found.amount, found.currency, found.per) == (20_000, "USD", "month")


names = st.sampled_from("abcde")
trees = st.dictionaries(
    names, st.tuples(st.none() | st.floats(0, 1), st.none() | names), max_size=5
).map(lambda written: capabilities(**written))


@given(trees, st.sets(names), st.sets(names), st.floats(0, 1e12))
def test_risk_grows_with_what_is_unproven_and_never_exceeds_the_whole(
    plan: dict[str, Capability], unproven: set[str], more: set[str], amount: float
) -> None:
    less, all_of_it = share_at_risk(plan, unproven), share_at_risk(plan, unproven | more)
    fits = all(_fits(plan, name) for name in plan)
    assert 0.0 <= less <= 1.0
    assert not fits or less <= all_of_it + 1e-12
    at_risk = revenue_at_risk(revenue(amount), plan, unproven)
    assert at_risk is not None
    assert 0.0 <= at_risk.amount <= amount


def _fits(plan: dict[str, Capability], name: str) -> bool:
    """Whether a capability's share fits into that of the one around it, as `check` demands."""
    outer = plan.get(plan[name].within or "")
    return outer is None or (plan[name].share or 0.0) <= (outer.share or 0.0)


@pytest.mark.parametrize(
    ("plan", "found"),
    [
        (capabilities(a=(None, None)), ""),
        (capabilities(a=(None, "b"), b=(None, None)), ""),
        (capabilities(a=(None, "a")), "a"),
        (capabilities(a=(None, "b"), b=(None, "c"), c=(None, "a"), d=(None, "a")), "abc"),
        (capabilities(a=(None, "gone")), ""),
    ],
)
def test_a_capability_inside_itself_is_found(plan: dict[str, Capability], found: str) -> None:
    assert "".join(name for name in plan if circular(plan, name)) == found


@pytest.mark.parametrize(
    ("text", "value"),
    [("120000", 120_000), ("120K", 120_000), ("$1.5M", 1_500_000), ("€ 2b", 2e9), ("1_000", 1000),
     ("1,000.50", 1000.5), (12, 12), (0, 0), (2.5, 2.5)],
)  # fmt: skip
def test_amounts_are_read(text: object, value: float) -> None:
    assert parse_money(text) == value


@pytest.mark.parametrize("text", ["", "K", "-5", -5, "5 %", "5 USD", "1.2.3", True, None, [], "5T"])
def test_what_is_no_amount_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected an amount"):
        parse_money(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("500ms", 0.5), ("2 s", 2), ("5m", 300), ("5min", 300), ("1h", 3600), ("1d", 86400), ("0s", 0), (" 1.5s ", 1.5)],
)  # fmt: skip
def test_durations_are_read(text: str, value: float) -> None:
    assert parse_duration(text) == value


@pytest.mark.parametrize("text", ["5", 5, "-5s", "5 years", "", None, "1h30m", "s"])
def test_a_duration_without_a_unit_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected a duration with a unit"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "value"), [("95 %", 0.95), ("100%", 1), ("0 %", 0), ("12.5 %", 0.125)]
)
def test_shares_are_read(text: str, value: float) -> None:
    assert parse_share(text) == value


@pytest.mark.parametrize("text", ["95", 0.95, 95, "101 %", "-1 %", "", None])
def test_a_share_without_a_percent_sign_or_above_the_whole_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected a share"):
        parse_share(text)


def costs(**written: tuple[str, str, str]) -> Revenue:
    made = {k: {"amount": a, "currency": c, "per": p} for k, (a, c, p) in written.items()}
    return Revenue.model_validate({"amount": "365K", "currency": "USD", "per": "year", **made})


DAY, YEAR = ("100", "USD", "day"), ("73K", "USD", "year")


@pytest.mark.parametrize(
    ("stated", "at_risk", "said"),
    [
        ({}, 36_500, ""),
        ({"delay": DAY}, 0, ""),
        ({"delay": DAY}, 73_000, "holding costs 100 USD a day, serving it broken 200: holding is cheaper if the chance that it is broken is above 50.0%"),
        ({"delay": DAY}, 36_500, "holding is the dearer side, however likely it is broken"),
        ({"delay": DAY, "harm": ("1K", "USD", "day")}, 36_500, "serving it broken 1,000: holding is cheaper if the chance that it is broken is above 10.0%"),
        ({"delay": ("0", "USD", "day")}, 36_500, "above 0.0%"),
    ],
)  # fmt: skip
def test_delay_is_weighed_against_harm_where_the_plan_gives_it(
    stated: dict[str, tuple[str, str, str]], at_risk: float, said: str
) -> None:
    told = weighing(costs(**stated), at_risk)
    assert told.endswith(said) and bool(told) == bool(said)


def test_costs_in_another_currency_cannot_be_weighed() -> None:
    assert cost_faults(costs(delay=DAY, harm=YEAR)) == []
    faults = cost_faults(costs(delay=("100", "EUR", "day")))
    assert faults == [("delay", "delay costs 100 EUR a day but revenue is in USD")]


def core(word: str) -> Input:
    return outcome(("p1", "core"), TESTS[0], word)(green())


def test_what_failed_is_the_least_at_risk_and_what_is_not_proven_the_most() -> None:
    """`by-core` is 30 % of 500,000; P2's shop never ran, another 30 %."""
    verdict = outcome(("p2", "shop"), TESTS[0], "NOT_RUN")(core("FAIL")).judged()
    assert verdict.revenue_at_risk is not None
    assert verdict.revenue_at_risk.amount == 300_000
    assert "150,000 USD rest on what failed, the rest was not proven" in verdict.revenue_note
    assert "nothing failed" in core("NOT_RUN").judged().revenue_note
    assert "rest" not in core("FAIL").judged().revenue_note.replace("resting", "")
