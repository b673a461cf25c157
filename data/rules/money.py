"""Money rules: parts never exceed the whole, overlaps are never summed twice."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from data.records.money import Amount, Revenue
from data.records.plan import Capability
from data.records.verdict import RevenueAtRisk

_PER_YEAR = {"day": 365.0, "week": 365.0 / 7, "month": 12.0, "year": 1.0}


def per_year(amount: Amount) -> float:
    """The amount over a year, in its own currency."""
    return amount.amount * _PER_YEAR[amount.per]


def money_faults(revenue: Revenue) -> list[tuple[str, str]]:
    """(priority, sentence with both numbers) for each part that cannot be part of the whole."""
    found = [(p, _part_fault(p, part, revenue)) for p, part in sorted(revenue.protected.items())]
    faults: list[tuple[str, str]] = [(p, text) for p, text in found if text]
    return faults or _sum_fault(revenue)


def cost_faults(revenue: Revenue) -> list[tuple[str, str]]:
    """(key, sentence) for a cost in another currency: it could not be weighed."""
    costs = (("delay", revenue.delay), ("harm", revenue.harm))
    return [
        (key, f"{key} costs {_say(cost)} but revenue is in {revenue.currency}")
        for key, cost in costs
        if cost is not None and cost.currency != revenue.currency
    ]


def _part_fault(priority: str, part: Amount, whole: Amount) -> str:
    if part.currency != whole.currency:
        return f"{priority} protects {_say(part)} but revenue is in {whole.currency}"
    if per_year(part) > per_year(whole):
        return (
            f"{priority} protects {_say(part)} = {_number(per_year(part))} {part.currency} a year,"
            f" more than the whole of {_say(whole)} = {_number(per_year(whole))} a year"
        )
    return ""


def _sum_fault(revenue: Revenue) -> list[tuple[str, str]]:
    total = sum(per_year(part) for part in revenue.protected.values())
    if total <= per_year(revenue) * (1 + 1e-9):  # 0.1 + 0.2 is 0.3
        return []
    text = (
        f"the priorities together protect {_number(total)} {revenue.currency} a year, more than"
        f" the whole of {_number(per_year(revenue))}"
    )
    return [(sorted(revenue.protected)[-1], text)]


def share_at_risk(capabilities: Mapping[str, Capability], unproven: Iterable[str]) -> float:
    """Share 0..1 of revenue that rests on unproven capabilities.

    A capability inside another one at risk adds nothing, several inside a proven one never add
    up to more than it, and the sum never exceeds the whole. Where shares are not given, those of
    the capabilities inside are taken.
    """
    at_risk = set(unproven)
    roots = [name for name in capabilities if _parent(capabilities, name) is None]
    return min(1.0, math.fsum(_share(capabilities, name, at_risk) for name in roots))


def circular(capabilities: Mapping[str, Capability], name: str) -> bool:
    """Whether a capability lies, through `within`, inside itself."""
    seen: set[str] = set()
    parent = capabilities[name].within
    while parent is not None and parent in capabilities and parent not in seen:
        seen.add(parent)
        parent = capabilities[parent].within
    return name in seen


def _parent(capabilities: Mapping[str, Capability], name: str) -> str | None:
    """The capability that contains this one, None where none does or they contain each other."""
    parent = capabilities[name].within
    return parent if parent in capabilities and not circular(capabilities, name) else None


def _share(capabilities: Mapping[str, Capability], name: str, at_risk: set[str]) -> float:
    own = capabilities[name].share
    inside = [other for other in capabilities if _parent(capabilities, other) == name]
    if own is not None and name in at_risk:
        return own
    below = math.fsum(_share(capabilities, other, at_risk) for other in inside)
    return below if own is None else min(own, below)


def revenue_at_risk(
    revenue: Revenue | None, capabilities: Mapping[str, Capability], unproven: Iterable[str]
) -> RevenueAtRisk | None:
    """Money of the unproven capabilities in the plan's own currency and period, or None."""
    if revenue is None:
        return None
    amount = round(revenue.amount * share_at_risk(capabilities, unproven), 2)
    amount = min(amount, revenue.amount)  # rounded up it would exceed the whole
    return RevenueAtRisk(amount=amount, currency=revenue.currency, per=revenue.per)


def weighing(revenue: Revenue, at_risk: float) -> str:
    """Cost of delay against cost of harm, where the plan gives the first; it decides nothing.

    Holding is the cheaper side where the chance that the release is broken, times the harm,
    exceeds the delay.

    Args:
        at_risk: in the revenue's currency and period.
    """
    if revenue.delay is None or at_risk <= 0:
        return ""
    harm = revenue.harm or Amount(amount=at_risk, currency=revenue.currency, per=revenue.per)
    delay_day, harm_day = per_year(revenue.delay) / 365, per_year(harm) / 365
    costs = (
        f"holding costs {_number(delay_day)} {revenue.currency} a day,"
        f" serving it broken {_number(harm_day)}"
    )
    if delay_day >= harm_day:
        return f"{costs}: holding is the dearer side, however likely it is broken"
    chance = delay_day / harm_day
    return f"{costs}: holding is cheaper if the chance that it is broken is above {chance:.1%}"


def _say(amount: Amount) -> str:
    return f"{_number(amount.amount)} {amount.currency} a {amount.per}"


def _number(value: float) -> str:
    return f"{value:,.0f}"
