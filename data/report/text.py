"""The terminal report: what to do and why first, then what was seen. At most 100 columns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from data.records.evidence import RunView
from data.records.verdict import CriterionResult, Incident, RevenueAtRisk
from data.report import wording
from data.report.columns import grid, listed, paragraph
from data.report.probes import ProbeRow
from data.report.sheet import Sheet
from data.report.suites import SuiteRow
from data.rules.look.looking import is_static

_ANSI = {
    "32": "PROMOTE|PASS|PROVEN",
    "33": "PROMOTE_WITH_WATCH|SUPERSEDED|FLAKY|NOT_RUN|VACUOUS|INSENSITIVE|NOT_EVALUATED|SKIPPED",
    "31": "ROLL_BACK|HOLD|NO VERDICT|FAIL|ERROR",
}
_CODES = {word: code for code, words in _ANSI.items() for word in words.split("|")}
_WORDS = re.compile(rf"(?<!\w)({'|'.join(sorted(_CODES, key=len, reverse=True))})(?!\w)")


def run_text(view: RunView, colour: bool = False) -> str:
    """One run for a terminal: verdict with its sentence first, satisfied things compactly.

    Args:
        view: evidence, verdict, what was acted and history.
        colour: paint verdicts and outcomes with ANSI colours.
    """
    sheet = Sheet(view)
    blocks = [lines for section in _SECTIONS if (lines := section(sheet))]
    text = "\n\n".join("\n".join(lines) for lines in blocks) + "\n"
    return _WORDS.sub(_paint, text) if colour else text


def _paint(match: re.Match[str]) -> str:
    return f"\x1b[1;{_CODES[match[1]]}m{match[1]}\x1b[0m"


def _headline(sheet: Sheet) -> list[str]:
    view, run = sheet.view, sheet.evidence.run
    sentence = wording.deciding_sentence(view)
    rule = f"rule {view.verdict.rule} · " if view.verdict else ""
    rule = "" if sentence in rule else rule  # the same sentence once is enough
    facts = [f"plan {run.plan}", f"environment {run.environment}"]
    facts += [f"revision {sheet.revision}"] if sheet.revision else []
    return [
        *paragraph(f"{wording.verdict_word(view)}: {sentence}", "", "  "),
        *paragraph(f"{rule}exit code {wording.exit_code(view)} · {wording.meaning(view)}"),
        *paragraph(" · ".join((*facts, f"run {run.run_id}"))),
        *paragraph(_when(sheet)),
    ]


def _when(sheet: Sheet) -> str:
    took = f"took {wording.span(sheet.duration_s)}" if sheet.duration_s is not None else "not ended"
    cover = f"coverage {sheet.coverage.seen} of {sheet.coverage.expected}"
    return f"{wording.moment(sheet.evidence.run.started_at)} · {took} · {cover}"


def _reasons(sheet: Sheet) -> list[str]:
    """Reasons beside the one in the headline that nothing below says as well."""
    verdict = sheet.view.verdict
    if verdict is None:
        return []
    refused = verdict.rollback_refusals
    below = {_said(c) for c in sheet.unmet} | {f"no rollback: {text}" for text in refused}
    more = (reason for reason in verdict.reasons[1:] if reason not in below)
    return [*_section("Also", more, 5), *_section("No rollback, because", refused, 4)]


def _deploy(sheet: Sheet) -> list[str]:
    deploy = sheet.evidence.deploy
    if deploy is None or deploy.outcome == "PASS":
        return []
    attempts = wording.counted(deploy.attempts, "attempt")
    return ["Deploy", *paragraph(f"{deploy.outcome} after {attempts}: {deploy.message}")]


def _health(sheet: Sheet) -> list[str]:
    """Sick services; those that a criterion below speaks of are left to it."""
    below = {c.id for c in sheet.unmet}
    sick = [h for h in sheet.evidence.health if h.state != "healthy"]
    untold = (h for h in sick if h.stage != "gate" or f"health/{h.service}" not in below)
    return _section(
        "Health", (f"{h.service} {h.state} at {h.stage}: {h.message}" for h in untold), 6
    )


def _criteria(sheet: Sheet) -> list[str]:
    verdict = sheet.view.verdict
    if verdict is None or not verdict.criteria:
        return []
    passed = [c.id for c in verdict.criteria if c.outcome == "PASS"]
    head = f"Criteria: {len(passed)} of {len(verdict.criteria)} satisfied"
    lines = [head, *listed(map(_said, sheet.unmet), 10, "  - ")]
    return [*lines, *paragraph(f"PASS {', '.join(passed)}")[:4]] if passed else lines


def _said(criterion: CriterionResult) -> str:
    return f"{criterion.priority} {criterion.outcome} {criterion.id}: {criterion.sentence}"


def _suites(sheet: Sheet) -> list[str]:
    if not sheet.suites:
        return []
    head = ("Suites", "phase", "want", "found", "pass", "fail", "error", "skip", "flaky", "not run")
    rows = [_suite(row) for row in sheet.suites]
    notes = sorted((note for row in sheet.suites for note in _suite_notes(row)), key=is_static)
    return [*grid((*head, "took"), rows, left=(0, 1)), *listed(notes, 6, "  ")]


def _suite(row: SuiteRow) -> tuple[str, ...]:
    counts = (
        row.collected,
        row.passed,
        row.failed,
        row.errors,
        row.skipped,
        row.flaky,
        row.not_run,
    )
    want = "–" if row.expected is None else str(row.expected)
    return (row.id, row.phase, want, *map(str, counts), wording.span(row.duration_s))


def _suite_notes(row: SuiteRow) -> Iterable[str]:
    return (f"{row.id}: {note}" for note in row.notes)


def _probes(sheet: Sheet) -> list[str]:
    if not sheet.probes:
        return []
    head = ("Probes", "phase", "outcome", "n", "failed", "metric", "p50", "p95", "samples")
    rows = [cells for row in sheet.probes for cells in _probe(row)]
    bad = (f"{p.id}: {p.message}" for p in sheet.probes if p.outcome != "PASS" and p.message)
    return [*grid(head, rows, left=(0, 1, 2, 5)), *listed(bad, 6, "  ")]


def _probe(row: ProbeRow) -> list[tuple[str, ...]]:
    first = (row.id, row.phase, str(row.outcome), str(row.n), str(row.n_failed))
    metrics = [
        (m.name, wording.measured(m.p50, m.unit), wording.measured(m.p95, m.unit), str(m.n))
        for m in row.metrics
    ] or [("", "", "", "")]
    blank = ("", "", "", "", "")
    return [((blank if i else first) + cells) for i, cells in enumerate(metrics)]


def _incidents(sheet: Sheet) -> list[str]:
    verdict = sheet.view.verdict
    return _section("Incidents", map(_incident, verdict.incidents), 5) if verdict else []


def _incident(incident: Incident) -> str:
    parts = (
        f"{incident.priority} {incident.symptom} ({incident.n}×)",
        f"impact: {incident.impact}" if incident.impact else "",
        f"likely cause: {incident.likely_cause}" if incident.likely_cause else "",
        "failed on the rollback target too" if incident.seen_on_rollback_target else "",
        f"first seen in {incident.first_seen_deployment}" if incident.first_seen_deployment else "",
        f"signature {incident.signature}",
    )
    return "; ".join(part for part in parts if part)


def _unseen(sheet: Sheet) -> list[str]:
    verdict = sheet.view.verdict
    lines = _section("Not seen", verdict.not_seen, 6) if verdict else []
    if verdict and verdict.counterfactual:
        lines += paragraph(verdict.counterfactual, "Counterfactual: ", "  ")
    return lines


def _money(sheet: Sheet) -> list[str]:
    verdict = sheet.view.verdict
    risk = said_risk(verdict.revenue_at_risk) if verdict else ""
    note = verdict.revenue_note if verdict else ""
    said = "; ".join(part for part in (risk, note) if part)
    return paragraph(said, "Money at risk: ", "  ") if said else []


def said_risk(risk: RevenueAtRisk | None) -> str:
    """The amount with currency and period, empty when there is none to tell."""
    return wording.money(risk.amount, risk.currency, risk.per) if risk else ""


def _actions(sheet: Sheet) -> list[str]:
    verdict = sheet.view.verdict
    wanted = (f"{a.priority} {a.text}" for a in verdict.actions) if verdict else ()
    done = (f"{a.action}: {a.outcome} {a.message}" for a in sheet.view.acted)
    notes = verdict.notes if verdict else ()
    lines = [*_section("Do next", wanted, 6), *_section("Done by the gate", done, 6)]
    return [*lines, *_section("Notes", notes, 4)]


def _paths(sheet: Sheet) -> list[str]:
    """Logs of suites that have something to explain, and where to read more."""
    logs = [path for row in sheet.suites if not row.clean for path in row.paths]
    return _section("Logs", dict.fromkeys(logs), 6)


def _section(title: str, texts: Iterable[str], limit: int) -> list[str]:
    items = list(texts)
    return [title, *listed(items, limit)] if items else []


_SECTIONS: tuple[Callable[[Sheet], list[str]], ...] = (
    _headline,
    _reasons,
    _deploy,
    _health,
    _criteria,
    _suites,
    _probes,
    _incidents,
    _unseen,
    _money,
    _actions,
    _paths,
)
