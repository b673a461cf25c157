"""The summary cards at the head of a page: five numbers that a reader asks for first."""

from __future__ import annotations

from collections import Counter

from data.records.record import Record
from data.report.sheet import Sheet
from data.report.tones import Tone
from data.report.wording import counted, money, span


class Card(Record):
    """One number, what it is, and one line that puts it in proportion."""

    name: str
    value: str
    note: str = ""
    tone: Tone = Tone.MUTE


def cards_of(sheet: Sheet) -> tuple[Card, ...]:
    """Coverage, passes by grade, incidents, money at risk, duration."""
    return (_coverage(sheet), _passes(sheet), _incidents(sheet), _money(sheet), _duration(sheet))


def _coverage(sheet: Sheet) -> Card:
    cover = sheet.coverage
    whole = cover.seen >= cover.expected > 0
    share = f"{cover.seen / cover.expected:.0%} of what the plan expects" if cover.expected else ""
    value = f"{cover.seen} / {cover.expected}"
    tone = Tone.GOOD if whole else Tone.WARN
    return Card(name="Evidence seen", value=value, note=share or "nothing expected", tone=tone)


def _passes(sheet: Sheet) -> Card:
    totals: Counter[str] = Counter()
    for row in sheet.suites:
        totals.update(row.grades)
    parts = [f"{n} {(grade or 'unknown').lower()}" for grade, n in totals.most_common()]
    weak = totals["VACUOUS"] + totals["INSENSITIVE"] + totals[""]
    tone = Tone.WARN if weak or not totals else Tone.GOOD
    value = str(totals.total())
    return Card(name="Test passes", value=value, note=", ".join(parts) or "none", tone=tone)


def _incidents(sheet: Sheet) -> Card:
    found = sheet.view.verdict.incidents if sheet.view.verdict else ()
    by_priority = Counter(str(one.priority) for one in found)
    note = ", ".join(f"{n} × {priority}" for priority, n in sorted(by_priority.items()))
    tone = Tone.BAD if "P1" in by_priority else Tone.WARN if found else Tone.GOOD
    if sheet.view.verdict is None:
        return Card(name="Incidents", value="–", note="not judged")
    return Card(name="Incidents", value=str(len(found)), note=note or "none found", tone=tone)


def _money(sheet: Sheet) -> Card:
    risk = sheet.view.verdict.revenue_at_risk if sheet.view.verdict else None
    if risk is None:
        return Card(name="Revenue at risk", value="–", note="not stated")
    amount, period = money(risk.amount, risk.currency, risk.per).split(" a ")
    tone = Tone.BAD if risk.amount else Tone.GOOD
    return Card(name="Revenue at risk", value=amount, note=f"a {period}", tone=tone)


def _duration(sheet: Sheet) -> Card:
    ran = counted(len(sheet.suites), "suite") + ", " + counted(len(sheet.probes), "probe")
    note = ran if sheet.duration_s is not None else "has not ended"
    return Card(name="Duration", value=span(sheet.duration_s), note=note)
