"""Which issues are opened, updated, closed and commented: a pure function of what is known."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from data.records.issues import Issues
from data.records.remedy import Claim, Known, Sighting, Step
from data.records.verdict import Incident
from data.rules.issues.marks import note_mark, put_in
from data.rules.issues.texts import (
    body_of,
    claims_of,
    closed_for,
    opened_again,
    proved,
    title_of,
)


def steps(
    wanted: Issues,
    plan: str,
    environment: str,
    incidents: Sequence[Incident],
    runs: Sequence[Sighting],
    known: Sequence[Known],
) -> tuple[Step, ...]:
    """What is to be done after the newest run. Done once, the same question has the answer ().

    - An incident without an issue gets one, the gravest first, at most `most` in a run.
    - One with an issue has its text brought up to date; a closed issue is opened again,
      unless people closed it as not planned.
    - An issue whose signature is not there is closed when what failed was seen to pass in
      `close_after` deployments in a row. A test that did not run says nothing, and starts nothing
      anew: absence of evidence is no pass. A revision that ran twice counts once, and not at all
      where one of its runs failed.
    - A merged pull request that claims the fix gets one note: proved, or disproved. Forges close
      the issue when they merge it, so a closed one counts for `close_after` deployments, too.

    Args:
        incidents: of the newest run, gravest first.
        runs: judged runs of plan and environment, newest first; the first is this run.
        known: our issues, one a signature.
    """
    by_signature = {one.signature: one for one in known}
    found: list[Step] = []
    n_new = 0
    for incident in incidents:
        issue = by_signature.get(incident.signature)
        if issue is None and (incident.priority not in wanted.priorities or n_new >= wanted.most):
            continue
        n_new += issue is None
        found += _failing(wanted, plan, environment, incident, runs, issue)
    here = {incident.signature for incident in incidents}
    for issue in known:
        if issue.signature not in here and may_change(wanted, issue, here, runs):
            found += _absent(wanted, issue, runs)
    return tuple(found)


def may_change(
    wanted: Issues, issue: Known, here: Collection[str], runs: Sequence[Sighting]
) -> bool:
    """Whether anything can be due at an issue, so that who claims to have fixed it is asked for.

    An old closed one costs no question.

    Args:
        here: signatures of the newest run.
    """
    if issue.is_open or issue.signature in here:
        return True
    return 0 < len(clean_since(issue, runs)) <= wanted.close_after


def double(known: Sequence[Known]) -> tuple[tuple[Known, ...], tuple[Step, ...]]:
    """One issue a signature, and the closing of those that two runs opened at the same time.

    The one with the lowest number stays, whoever looks, so that all who look agree.
    """
    first: dict[str, Known] = {}
    closed: list[Step] = []
    for issue in sorted(known, key=lambda k: k.number):
        kept = first.setdefault(issue.signature, issue)
        if kept is not issue and issue.is_open:
            note = f"{note_mark('double', str(kept.number))}\nThe same as #{kept.number}."
            closed.append(
                Step(kind="close", signature=issue.signature, number=issue.number, note=note)
            )
    return tuple(first.values()), tuple(closed)


def clean_since(issue: Known, runs: Sequence[Sighting]) -> tuple[Sighting, ...]:
    """Deployments in a row, newest first, in which all that failed was seen to pass.

    What failed is what the newest run with the signature names. Where no run that we know has it,
    nobody knows what would have to pass: ().
    """
    last = next((n for n, run in enumerate(runs) if issue.signature in run.symptoms), None)
    if last is None:
        return ()
    failed = runs[last].symptoms[issue.signature]
    clean: dict[str, Sighting] = {}
    for run in runs[:last]:
        if failed and failed <= run.passed and run.deployment != runs[last].deployment:
            clean.setdefault(run.deployment, run)
    return tuple(clean.values())


def _failing(
    wanted: Issues,
    plan: str,
    environment: str,
    incident: Incident,
    runs: Sequence[Sighting],
    issue: Known | None,
) -> Iterator[Step]:
    seen = [run for run in reversed(runs) if incident.signature in run.symptoms]
    ours = body_of(incident, plan, environment, seen, wanted.link)
    title, signature = title_of(incident, environment), incident.signature
    if issue is None:
        yield Step(kind="open", signature=signature, title=title, body=put_in("", ours))
        return
    body = put_in(issue.body, ours + claims_of(issue.claims))
    if issue.declined and not issue.is_open:
        return
    if not issue.is_open:
        note = f"{note_mark('again', runs[0].run_id)}\n{opened_again(runs[0])}"
        yield _step("reopen", issue, body=body, note=note)
    elif body != issue.body:
        yield _step("update", issue, body=body)
    yield from _notes(issue, runs[0], holds=False)


def _absent(wanted: Issues, issue: Known, runs: Sequence[Sighting]) -> Iterator[Step]:
    clean = clean_since(issue, runs)
    if clean and runs[0].run_id == clean[0].run_id:
        yield from _notes(issue, runs[0], holds=True)
    if issue.is_open and len(clean) >= wanted.close_after:
        chosen = clean[: wanted.close_after]
        mark = note_mark("closed", chosen[-1].run_id)
        yield _step("close", issue, note=f"{mark}\n{closed_for(chosen)}")


def _notes(issue: Known, run: Sighting, holds: bool) -> Iterator[Step]:
    for claim in issue.claims:
        if _concerns(claim, run):
            mark = note_mark("fix", str(claim.number), claim.commit, str(holds))
            yield _step("note", issue, note=f"{mark}\n{proved(claim, run, holds)}")


def _concerns(claim: Claim, run: Sighting) -> bool:
    """Whether the run says something of it: merged before, and not known to be absent."""
    return claim.merged_at is not None and claim.merged_at < run.at and claim.served is not False


def _step(kind: str, issue: Known, body: str = "", note: str = "") -> Step:
    return Step.model_validate(
        {
            "kind": kind,
            "signature": issue.signature,
            "number": issue.number,
            "body": body,
            "note": note,
        }
    )
