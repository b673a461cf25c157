"""What a run did when: bars for the deploy, the health gate, phases, suites and probes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from data.records.facts import ProbeResult
from data.records.record import Record
from data.records.words import Mark
from data.report.sheet import Sheet
from data.report.tones import Tone, tone_of


class Bar(Record):
    """One bar from `start_s` to `end_s` after the start of the run, in the lane of that name."""

    lane: str
    kind: str
    word: str
    tone: Tone
    start_s: float
    end_s: float


def bars_of(sheet: Sheet) -> tuple[Bar, ...]:
    """Bars in the order of their lanes. What was not started has no bar."""
    found = [*_before(sheet), *(bar for phase in _phases(sheet) for bar in _phase(phase, sheet))]
    return tuple(bar for bar in found if bar.end_s > bar.start_s)


def _before(sheet: Sheet) -> Iterator[Bar]:
    deploy = sheet.evidence.deploy
    if deploy:
        began = deploy.at - timedelta(seconds=deploy.duration_s)
        yield _bar(sheet, "deploy", "deploy", str(deploy.outcome), began, deploy.at)
    gate = [h for h in sheet.evidence.health if h.stage == "gate"]
    if gate and deploy:
        worst = next((h for h in gate if h.state != "healthy"), gate[0])
        last = max(h.at for h in gate)
        yield _bar(sheet, "health gate", "health", str(worst.state), deploy.at, last)


def _phases(sheet: Sheet) -> list[str]:
    """Phases in order of the plan or, without one, as facts name them."""
    ranked = sorted(sheet.evidence.phases, key=lambda p: p.ordinal)
    names = [p.phase for p in ranked] + [row.phase for row in sheet.suites]
    return list(dict.fromkeys((*names, *(row.phase for row in sheet.probes))))


def _phase(phase: str, sheet: Sheet) -> Iterator[Bar]:
    for one in sheet.evidence.phases:
        if one.phase == phase and one.started_at and one.finished_at:
            yield _bar(sheet, phase, "phase", "", one.started_at, one.finished_at)
    for suite in sheet.evidence.suites:
        if suite.phase == phase:
            end = suite.started_at + timedelta(seconds=suite.duration_s)
            word = _suite_word(phase, suite.suite, sheet)
            shard = f" {suite.shard}/{suite.n_shards}" if suite.n_shards > 1 else ""
            yield _bar(sheet, f"  {suite.suite}{shard}", "suite", word, suite.started_at, end)
    for probe in sheet.evidence.probes:
        if probe.phase == phase:
            yield _probe_bar(probe, sheet)


def _probe_bar(probe: ProbeResult, sheet: Sheet) -> Bar:
    """The last attempt carries the probe's final outcome, earlier ones their own."""
    row = next(r for r in sheet.probes if (r.phase, r.id) == (probe.phase, probe.probe))
    later = (p for p in sheet.evidence.probes if (p.phase, p.probe) == (row.phase, row.id))
    is_last = all(p.attempt <= probe.attempt for p in later)
    word = str(row.outcome if is_last else probe.outcome)
    end = probe.started_at + timedelta(seconds=probe.duration_s)
    return _bar(sheet, f"  {probe.probe} ◇", "probe", word, probe.started_at, end)


def _suite_word(phase: str, suite: str, sheet: Sheet) -> str:
    """What the judge made of it, else what its tests say."""
    criteria = sheet.view.verdict.criteria if sheet.view.verdict else ()
    judged = (str(c.outcome) for c in criteria if c.id.endswith(f"/{phase}/{suite}"))
    row = next(r for r in sheet.suites if (r.phase, r.id) == (phase, suite))
    return next(judged, str(Mark.PASS if row.clean else Mark.FAIL))


def _bar(sheet: Sheet, lane: str, kind: str, word: str, start: datetime, end: datetime) -> Bar:
    zero = sheet.evidence.run.started_at
    return Bar(
        lane=lane,
        kind=kind,
        word=word,
        tone=tone_of(word),
        start_s=round((start - zero).total_seconds(), 3),
        end_s=round((end - zero).total_seconds(), 3),
    )
