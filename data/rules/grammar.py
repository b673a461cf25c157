"""The grammar of declared criteria: `p95(message) < 2 s`, `failed(critical-path) == 0`.

`function(subject) operator number unit`. Functions over a metric's samples: `pNN`, `median`,
`mean`, `min`, `max`, `count`, and `shift` (worse than the baseline by at most so much). Functions
over the tests and probes of a phase, suite or probe: `failed`, `passed`, `not_run`, `vacuous`,
`flaky` and `pass_share`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput

from data.records.record import Record

COUNTS = ("failed", "passed", "not_run", "vacuous", "flaky", "pass_share")
AVERAGES = ("median", "mean", "min", "max", "count")
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}
# Decimal, so that 95 % is 0.95 and 19 of 20 reach it; 95 * 0.01 is a little more.
_FACTORS = {"ms": Decimal(1), "s": Decimal(1000), "%": Decimal("0.01"), "": Decimal(1)}
_GRAMMAR = r"""
    start: FUNCTION "(" SUBJECT ")" OPERATOR NUMBER [UNIT]
    FUNCTION: /[a-z_]+[0-9.]*/
    SUBJECT: /[A-Za-z0-9][A-Za-z0-9_.\/-]*/
    OPERATOR: "<=" | ">=" | "==" | "<" | ">"
    NUMBER: /-?\d+(\.\d+)?/
    UNIT: "ms" | "s" | "%"
    %ignore /\s+/
"""


class Rule(Record):
    """A parsed criterion. `limit` is in ms for times, 0..1 for shares, else a plain number."""

    function: str
    subject: str
    operator: str
    limit: float
    unit: str

    @property
    def over_samples(self) -> bool:
        """Whether the rule reads a metric's samples (else outcomes)."""
        return self.function not in COUNTS

    @property
    def quantile(self) -> float | None:
        """The share of a percentile function, such as 0.95 for p95 and 0.5 for median."""
        if self.function == "median":
            return 0.5
        match = re.fullmatch(r"p(\d{1,2}(?:\.\d+)?)", self.function)
        return float(match[1]) / 100 if match else None

    def holds(self, value: float) -> bool:
        """Whether a value (ms, share or count) satisfies the rule."""
        return _OPERATORS[self.operator](value, self.limit)


def parse_rule(text: str) -> Rule:
    """The rule of a criterion.

    Raises:
        ValueError: not a rule, with the column and what was expected there.
    """
    try:
        rule: Rule = _Build().transform(_parser().parse(text))
    except UnexpectedInput as error:
        raise ValueError(
            f"expected a rule such as 'p95(message) < 2 s', got {text!r}"
            f" (stopped at column {getattr(error, 'column', '?')})"
        ) from None
    return _sensible(rule)


class _Build(Transformer[Token, Rule]):
    def start(self, parts: list[Any]) -> Rule:
        function, subject, sign, number, unit = (str(p) if p is not None else "" for p in parts)
        limit = float(Decimal(number) * _FACTORS[unit])
        return Rule(function=function, subject=subject, operator=sign, limit=limit, unit=unit)


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", maybe_placeholders=True)


def _sensible(rule: Rule) -> Rule:
    known = rule.function in (*COUNTS, *AVERAGES, "shift") or rule.quantile
    if not known:
        raise ValueError(
            f"unknown function {rule.function!r}: expected pNN, shift, "
            f"{', '.join((*AVERAGES, *COUNTS))}"
        )
    if rule.function == "shift" and rule.operator not in ("<", "<="):
        raise ValueError(
            f"shift takes < or <=, got {rule.operator!r}: it is how much worse is worse"
        )
    wanted = _wanted_units(rule)
    if rule.unit not in wanted:
        raise ValueError(
            f"{rule.function} takes {' or '.join(w or 'a plain number' for w in wanted)},"
            f" got {rule.unit or 'a plain number'!r}"
        )
    return rule


def _wanted_units(rule: Rule) -> tuple[str, ...]:
    if rule.function in ("shift", "pass_share"):
        return ("%",)
    return ("",) if rule.function in (*COUNTS, "count") else ("ms", "s")
