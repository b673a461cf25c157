"""How numbers, times and verdicts are said, in one place for all renderings."""

from __future__ import annotations

import re
from datetime import datetime

from data.records.evidence import RunView
from data.records.words import VerdictWord
from data.rules.deciding import sentence, settled
from data.rules.ending import PROMOTION_FAILED, ending_of, exit_code_of

NO_VERDICT = "NO VERDICT"

MEANINGS = {
    VerdictWord.PROMOTE: "approved: everything required is present and passed",
    VerdictWord.PROMOTE_WITH_WATCH: "approved, but keep watching what is named below",
    VerdictWord.HOLD: "not approved: leave it where it is until the reasons below are gone",
    VerdictWord.ROLL_BACK: "not approved: bring the known good revision back",
    VerdictWord.SUPERSEDED: "not approved: another deployment landed while this one was judged",
}
# C0 and C1 controls, and the marks that turn the direction of text around.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+")


def plain(text: str) -> str:
    """One printable line: control characters (terminal escapes too) become spaces."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())


def clip(text: str, width: int) -> str:
    """At most so many characters; what is left out shows as an ellipsis."""
    text = plain(text)
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def verdict_word(view: RunView) -> str:
    """The verdict, or NO VERDICT while there is none."""
    return str(view.verdict.verdict) if view.verdict else NO_VERDICT


def exit_code(view: RunView) -> int:
    """The exit code that this run stands for; 1 without a verdict."""
    return exit_code_of(ending_of(view))


def meaning(view: RunView) -> str:
    """What the verdict asks for, in one clause; where a person was asked, what came of it."""
    if view.verdict is None:
        return "not approved: nobody has judged it"
    if ending_of(view) == PROMOTION_FAILED:
        return "approved, but its promotion failed: users are not known to get it"
    if view.decision is None:
        return MEANINGS[view.verdict.verdict]
    approves = settled(view.verdict, view.decision).approves
    return plain(f"{'approved' if approves else 'not approved'}: {sentence(view.decision)}")


def deciding_sentence(view: RunView) -> str:
    """The sentence of numbers that decided: first reason, else an unmet criterion's, else a count.

    Never empty: a verdict is not shown without one.
    """
    verdict = view.verdict
    if verdict is None:
        return _unjudged(view)
    unmet = (f"{c.id}: {c.sentence}" for c in verdict.criteria if c.outcome != "PASS")
    said = (plain(text) for text in (*verdict.reasons, *unmet))
    seen = f"{verdict.coverage.seen} of {verdict.coverage.expected} expected pieces of evidence"
    return next((text for text in said if text), f"{plain(verdict.rule) or 'no rule'}: {seen} seen")


def _unjudged(view: RunView) -> str:
    ended = view.evidence.ended
    if ended is None:
        return "the run has not ended or was killed, so nothing is approved"
    if ended.reason:
        return f"the run ended early ({plain(ended.reason)}) and was not judged"
    return "the evidence is there but was not judged, so nothing is approved"


def span(seconds: float | None) -> str:
    """A time for people: `85 ms`, `4.2 s`, `3 min 05 s`, `1 h 02 min`; a dash for none."""
    if seconds is None:
        return "–"
    if seconds < 0.9995:
        return milliseconds(seconds * 1000)
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else _hours(minutes)


def _hours(minutes: int) -> str:
    return f"{minutes // 60} h {minutes % 60:02d} min"


def milliseconds(value: float) -> str:
    """A latency for people: `0.42 ms`, `85 ms`, `1.24 s`."""
    if abs(value) >= 999.5:
        return f"{value / 1000:.2f} s"
    return f"{value:.0f} ms" if abs(value) >= 9.95 else f"{value:.3g} ms"


def measured(value: float | None, unit: str) -> str:
    """A measurement with its unit; a dash for none."""
    if value is None:
        return "–"
    return milliseconds(value) if unit == "ms" else plain(f"{value:.4g} {unit}")


def money(amount: float, currency: str, per: str) -> str:
    """`10,000 USD a month`; cents only where there are any."""
    number = f"{amount:,.0f}" if amount == round(amount) else f"{amount:,.2f}"
    return f"{number} {currency} a {per}"


def moment(at: datetime | None) -> str:
    """`2026-01-31 12:00:00 UTC`; a dash for none."""
    return at.strftime("%Y-%m-%d %H:%M:%S UTC") if at else "–"


def counted(n: int, one: str, many: str = "") -> str:
    """`1 test`, `2 tests`, `0 tests`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"
