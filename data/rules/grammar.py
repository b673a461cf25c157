"""The grammar of declared criteria: `p95(message) < 2 s`, `failed(critical-path) == 0`.

`function(subject) operator number unit`, joined by `and`, `or` and brackets; `and` binds closer.
Functions over a metric's samples: `pNN`, `median`, `mean`, `min`, `max`, `count`, `share` (of what
was begun, the part that went well) and `shift` (worse than the baseline by at most so much, as a
statistical test). Functions over the tests and probes of a phase, suite or probe: `failed`,
`passed`, `not_run`, `vacuous`, `flaky` and `pass_share`.

A number with a sign is relative to the baseline: `p95(message) <= +10 %`, `median(message) <= +50
ms`. The yardstick is the median of what the same function gives for each promoted run. `share(m) >=
-1 %` allows one percentage point less than in the promoted runs together, as a statistical test.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput

from data.records.record import Record

COUNTS = ("failed", "passed", "not_run", "vacuous", "flaky", "pass_share")
AVERAGES = ("median", "mean", "min", "max", "count")
_MOST = 200  # brackets in a rule
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
    start: either
    ?either: both ("or"i both)*
    ?both: term ("and"i term)*
    ?term: rule | "(" either ")"
    rule: FUNCTION "(" SUBJECT ")" OPERATOR NUMBER [UNIT]
    FUNCTION: /[a-z_]+[0-9.]*/
    SUBJECT: /[A-Za-z0-9][A-Za-z0-9_.\/-]*/
    OPERATOR: "<=" | ">=" | "==" | "<" | ">"
    NUMBER: /[+-]?\d+(\.\d+)?/
    UNIT: "ms" | "s" | "%"
    %ignore /\s+/
"""


class Rule(Record):
    """One comparison. `limit` is in ms for times, 0..1 for shares, else a plain number.

    A relative one compares with the baseline: `limit` is a share of it, or so many ms more; of
    `share`, points.
    """

    function: str
    subject: str
    operator: str
    limit: float
    unit: str
    relative: bool = False

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


class Both(Record):
    """Satisfied when each of its terms is."""

    terms: tuple[Term, ...]


class Either(Record):
    """Satisfied when one of its terms is."""

    terms: tuple[Term, ...]


Term = Rule | Both | Either


@lru_cache(4096)
def parse_rule(text: str) -> Term:
    """The rule of a criterion.

    Raises:
        ValueError: not a rule, with the column and what was expected there.
    """
    if text.count("(") > _MOST:
        raise ValueError(f"expected a rule of at most {_MOST} brackets, got {text.count('(')}")
    try:
        term: Term = _Build().transform(_parser().parse(text))
    except UnexpectedInput as error:
        raise ValueError(
            f"expected a rule such as 'p95(message) < 2 s', got {text!r}"
            f" (stopped at column {getattr(error, 'column', '?')})"
        ) from None
    for rule in comparisons(term):
        _check(rule)
    return term


def comparisons(term: Term) -> Iterator[Rule]:
    """Every comparison of a rule, from left to right."""
    if isinstance(term, Rule):
        yield term
        return
    for one in term.terms:
        yield from comparisons(one)


def rules_in(text: str) -> tuple[Rule, ...]:
    """Every comparison of a text; none where it is empty or no rule (`check` says so)."""
    try:
        return tuple(comparisons(parse_rule(text))) if text else ()
    except ValueError:
        return ()


class _Build(Transformer[Token, Term]):
    def start(self, parts: list[Any]) -> Term:
        term: Term = parts[0]
        return term

    def either(self, parts: list[Any]) -> Either:
        return Either(terms=tuple(parts))

    def both(self, parts: list[Any]) -> Both:
        return Both(terms=tuple(parts))

    def rule(self, parts: list[Any]) -> Rule:
        function, subject, sign, number, unit = (str(p) if p is not None else "" for p in parts)
        return Rule(
            function=function,
            subject=subject,
            operator=sign,
            limit=float(Decimal(number) * _FACTORS[unit]),
            unit=unit,
            relative=number[0] in "+-",
        )


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", maybe_placeholders=True)


def _check(rule: Rule) -> None:
    known = rule.function in (*COUNTS, *AVERAGES, "share", "shift") or rule.quantile
    if not known:
        raise ValueError(
            f"unknown function {rule.function!r}: expected pNN, share, shift, "
            f"{', '.join((*AVERAGES, *COUNTS))}"
        )
    if rule.function == "shift" and rule.operator not in ("<", "<="):
        raise ValueError(
            f"shift takes < or <=, got {rule.operator!r}: it is how much worse is worse"
        )
    if rule.relative and not may_be_relative(rule):
        raise ValueError(
            f"{rule.function} takes a number without a sign: with one it would be relative to the"
            " baseline, which knows times of promoted runs, and shares, only"
        )
    if rule.relative and rule.function == "share" and not _is_fall(rule):
        raise ValueError(
            "a share relative to the baseline is how much it may fall, such as"
            f" 'share({rule.subject}) >= -1 %'; got {rule.operator} {100 * rule.limit:+g} %"
        )
    wanted = ("%", "ms", "s") if rule.relative else _wanted_units(rule)
    wanted = ("%",) if rule.function == "share" else wanted
    if rule.unit not in wanted:
        raise ValueError(
            f"{rule.function} takes {' or '.join(w or 'a plain number' for w in wanted)},"
            f" got {rule.unit or 'a plain number'!r}"
        )


def _is_fall(rule: Rule) -> bool:
    return rule.operator in (">", ">=") and -1 < rule.limit <= 0


def may_be_relative(rule: Rule) -> bool:
    """Whether its function gives a time, of which the baseline has one a run, or a share."""
    return rule.quantile is not None or rule.function in ("mean", "min", "max", "share")


def _wanted_units(rule: Rule) -> tuple[str, ...]:
    if rule.function in ("share", "shift", "pass_share"):
        return ("%",)
    return ("",) if rule.function in (*COUNTS, "count") else ("ms", "s")
