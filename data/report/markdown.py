"""The release worklog of one run, in Markdown (GFM)."""

from __future__ import annotations

from collections.abc import Callable

from data.records.evidence import RunView
from data.records.verdict import Incident, Verdict
from data.report import wording
from data.report.marked import bullets, escaped, table
from data.report.measurements import measurements
from data.report.sheet import Sheet
from data.report.suites import SuiteRow


def run_markdown(view: RunView) -> str:
    """One run as a worklog; every section is there, and says so when it has nothing to tell.

    Args:
        view: evidence, verdict, what was acted and history.
    """
    sheet = Sheet(view)
    run = view.evidence.run
    title = f"{wording.verdict_word(view)}: {run.plan} on {run.environment}"
    parts = [f"# {escaped(title)}"]
    for name, (section, absent) in SECTIONS.items():
        parts.append("\n".join([f"## {name}", "", *(section(sheet) or [absent])]))
    return "\n\n".join(parts) + "\n"


def _summary(sheet: Sheet) -> list[str]:
    view, run = sheet.view, sheet.evidence.run
    took = wording.span(sheet.duration_s)
    word, sentence = wording.verdict_word(view), wording.deciding_sentence(view)
    verdict = view.verdict
    lines = [f"**{escaped(word)}**: {escaped(sentence)}", ""]
    facts = [
        f"Exit code {wording.exit_code(view)}: {wording.meaning(view)}",
        f"Coverage: {sheet.coverage.seen} of {sheet.coverage.expected} pieces of evidence seen",
        f"Run {run.run_id}, {wording.moment(run.started_at)}, took {took}",
    ]
    facts += [f"Rule: {verdict.rule}", f"Input hash {verdict.input_hash}"] if verdict else []
    return [*lines, *bullets((*facts, *(_more(verdict) if verdict else ())))]


def _more(verdict: Verdict) -> tuple[str, ...]:
    """What else was said, each thing once."""
    refused = (f"no rollback: {text}" for text in verdict.rollback_refusals)
    return tuple(dict.fromkeys((*verdict.reasons[1:], *refused, *verdict.notes)))


def _environment(sheet: Sheet) -> list[str]:
    run, deploy = sheet.evidence.run, sheet.evidence.deploy
    facts = [f"Environment {run.environment}, deployment {run.deployment_id}"]
    facts += [f"Revision under judgement: {sheet.revision}"] if sheet.revision else []
    if deploy:
        took = wording.span(deploy.duration_s)
        said = f"Deploy by {deploy.deployer}: {deploy.outcome} in {took}. {deploy.message}"
        facts += [said, f"Live before: {deploy.previous or 'unknown'}"]
    health = (
        f"Health of {h.service} at {h.stage}: {h.state}. {h.message}" for h in sheet.evidence.health
    )
    rows = [
        (name, r.expected or "–", r.before or "–", r.after or "–")
        for name, r in sheet.revisions.items()
    ]
    read = table(("service", "expected", "before", "after"), rows)
    return [*bullets((*facts, *health)), *(["", *read] if read else [])]


def _ran(sheet: Sheet) -> list[str]:
    phases = [
        f"Phase {p.phase} ({p.priority}): {_phase_said(p.started_at is not None, p.reason)}"
        for p in sheet.evidence.phases
    ]
    parts = [bullets(phases), _suite_table(sheet), _probe_table(sheet)]
    return "\n\n".join("\n".join(part) for part in parts if part).splitlines()


def _phase_said(started: bool, reason: str) -> str:
    return reason or ("ran" if started else "was not started")


def _suite_table(sheet: Sheet) -> list[str]:
    head = ("suite", "phase", "expected", "collected", "passed", "failed", "errors", "skipped")
    more = ("flaky", "not run", "vacuous", "insensitive", "took", "notes")
    return table((*head, *more), [_suite(row) for row in sheet.suites])


def _suite(row: SuiteRow) -> tuple[str, ...]:
    counts = (row.collected, row.passed, row.failed, row.errors, row.skipped, row.flaky)
    more = (row.not_run, row.vacuous, row.insensitive)
    want = "–" if row.expected is None else str(row.expected)
    took = wording.span(row.duration_s)
    return (row.id, row.phase, want, *map(str, (*counts, *more)), took, "; ".join(row.notes))


def _probe_table(sheet: Sheet) -> list[str]:
    rows = [
        (p.id, p.phase, p.kind, str(p.outcome), str(p.n), str(p.n_failed), p.message)
        for p in sheet.probes
    ]
    return table(("probe", "phase", "kind", "outcome", "n", "failed", "message"), rows)


def _criteria(sheet: Sheet) -> list[str]:
    verdict = sheet.view.verdict
    rows = (
        [(str(c.priority), c.id, str(c.outcome), c.sentence) for c in verdict.criteria]
        if verdict
        else []
    )
    return table(("priority", "criterion", "outcome", "the sentence that decided it"), rows)


def _capabilities(sheet: Sheet) -> list[str]:
    rows = [
        (
            c.id,
            c.title,
            "proven" if c.proven else "NOT PROVEN",
            "; ".join(c.by),
            "; ".join(c.against),
        )
        for c in sheet.capabilities
    ]
    return table(
        ("capability", "what users do", "state", "spoken for by", "spoken against by"), rows
    )


def _incidents(sheet: Sheet) -> list[str]:
    head = ("priority", "symptom", "n", "impact", "likely cause", "signature", "seen before")
    found = sheet.view.verdict.incidents if sheet.view.verdict else ()
    return table(head, [_incident(one) for one in found])


def _incident(one: Incident) -> tuple[str, ...]:
    return (
        str(one.priority),
        one.symptom,
        str(one.n),
        one.impact or "–",
        one.likely_cause or "not known",
        one.signature,
        seen_before(one),
    )


def seen_before(one: Incident) -> str:
    """Whether history knows the signature, and from where."""
    if one.seen_on_rollback_target:
        return "failed on the rollback target too"
    first = one.first_seen_deployment
    return f"first seen in {first}" if first else "no earlier run is known to have it"


def _measured(sheet: Sheet) -> list[str]:
    head = ("metric", "n", "p50", "p95", "max", "baseline p50", "target", "measured", "outcome")
    rows = [
        (m.metric, m.n, m.p50, m.p95, m.max, m.baseline_p50, m.target, m.value, m.mark)
        for m in measurements(sheet)
    ]
    return table(head, rows)


def _revenue(sheet: Sheet) -> list[str]:
    verdict = sheet.view.verdict
    if verdict is None:
        return []
    risk = verdict.revenue_at_risk
    said = wording.money(risk.amount, risk.currency, risk.per) if risk else ""
    return bullets(text for text in (said, verdict.revenue_note) if text)


def _not_seen(sheet: Sheet) -> list[str]:
    return bullets(sheet.view.verdict.not_seen) if sheet.view.verdict else []


def _counterfactual(sheet: Sheet) -> list[str]:
    verdict = sheet.view.verdict
    return [escaped(verdict.counterfactual)] if verdict and verdict.counterfactual else []


def _actions(sheet: Sheet) -> list[str]:
    verdict = sheet.view.verdict
    wanted = [f"{a.priority}: {a.text}" for a in verdict.actions] if verdict else []
    done = [f"Done by the gate: {a.action}, {a.outcome}. {a.message}" for a in sheet.view.acted]
    return bullets((*wanted, *done))


def _next(sheet: Sheet) -> list[str]:
    verdict = sheet.view.verdict
    first = verdict.actions[0].text if verdict and verdict.actions else wording.meaning(sheet.view)
    return [escaped(first)]


# Name of each section -> how it is written, and what it says when there is nothing to tell.
SECTIONS: dict[str, tuple[Callable[[Sheet], list[str]], str]] = {
    "Summary": (_summary, "Nothing is known."),
    "Environment and revisions": (_environment, "Nothing is known."),
    "What ran": (_ran, "Nothing ran, and no plan says what should have."),
    "Criteria": (_criteria, "No criterion was judged."),
    "Evidence per capability": (_capabilities, "The plan names no capability."),
    "Incidents": (_incidents, "No incident."),
    "Measurements against targets": (_measured, "Nothing was measured."),
    "Revenue at risk": (_revenue, "Not stated."),
    "What was not seen": (_not_seen, "Nothing that the judge names."),
    "Counterfactual": (_counterfactual, "None was computed."),
    "Recommended actions": (_actions, "None."),
    "Next step": (_next, "None."),
}
