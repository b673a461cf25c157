"""What an issue says. Text of tests is shown as code: it can mention nobody and close nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from data.records.remedy import Claim, Sighting
from data.records.verdict import Incident
from data.rules.issues.marks import incident_mark

_MOST_TITLE = 120
_MOST_CODE = 1500
_MOST_EVIDENCE = 10


def title_of(incident: Incident, environment: str) -> str:
    """One line without control characters, at most 120 characters."""
    symptom = " ".join(_printable(incident.symptom or incident.signature).split())
    text = f"[{incident.priority} {environment}] {symptom}".replace("@", "@\u200b")
    return text if len(text) <= _MOST_TITLE else text[: _MOST_TITLE - 1] + "…"


def body_of(
    incident: Incident, plan: str, environment: str, seen: Sequence[Sighting], link: str
) -> str:
    """Our part of an issue's body: the same for the same runs, so that nothing is written twice.

    Args:
        seen: runs with this signature, oldest first, not empty.
    """
    first, last = seen[0], seen[-1]
    lines = [
        incident_mark(plan, environment, incident.signature),
        f"{_count(len(seen), 'run')} of plan `{plan}` on `{environment}` failed this way.",
        "",
        code(incident.symptom or incident.signature),
        f"- signature: {inline(incident.signature)}",
        f"- priority: {incident.priority}",
        f"- first seen: {_where(first)}",
        f"- last seen: {_where(last)}",
        *(f"- impact: {inline(incident.impact)}" for _ in [0] if incident.impact),
        *(f"- likely cause: {inline(incident.likely_cause)}" for _ in [0] if incident.likely_cause),
        *(f"- next: {inline(incident.action)}" for _ in [0] if incident.action),
        *(f"- report: {url}" for url in [link.replace("{{run_id}}", last.run_id)] if url),
        "",
        "What failed:",
        *_evidence(incident.evidence),
    ]
    return "\n".join(lines)


def claims_of(claims: Iterable[Claim]) -> str:
    """The pull requests that say they fix it, as lines of the body; "" where there is none."""
    lines = [
        f"- claimed by {claim.url} ({'merged' if claim.merged_at else 'open'})"
        for claim in sorted(claims, key=lambda c: c.number)
    ]
    return "\n".join(["", "Fixes:", *lines]) if lines else ""


def opened_again(sighting: Sighting) -> str:
    """Why a closed issue is open again."""
    return f"It failed this way again in {_where(sighting)}."


def closed_for(clean: Sequence[Sighting]) -> str:
    """Why an issue is closed; `clean` newest first."""
    runs = "\n".join(f"- {_where(one)}" for one in clean)
    head = f"What failed here was seen to pass in {_count(len(clean), 'deployment')} in a row:"
    return f"{head}\n{runs}"


def proved(claim: Claim, sighting: Sighting, holds: bool) -> str:
    """What the first run after a merge says of the fix."""
    said = "passes now" if holds else "still fails"
    word = "proves" if holds else "disproves"
    sure = "" if claim.served else f" {_UNSURE}"
    return f"Run {_where(sighting)} {word} {claim.url}: what failed here {said}.{sure}"


_UNSURE = "(The run began after the merge; its revision does not say whether it has the change.)"


def code(text: str) -> str:
    """A block of code that its content cannot leave."""
    told = _printable(text)[:_MOST_CODE]
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", told)), default=0))
    return f"{fence}text\n{told}\n{fence}\n"


def inline(text: str) -> str:
    """The same within a line."""
    told = " ".join(_printable(text).split())[:300].replace("`", "'")
    return f"`{told}`" if told else ""


def _evidence(ids: Sequence[str]) -> list[str]:
    more = len(ids) - _MOST_EVIDENCE
    shown = [f"- {inline(one)}" for one in ids[:_MOST_EVIDENCE]]
    return [*shown, f"- and {more} more"] if more > 0 else shown


def _where(one: Sighting) -> str:
    revision = f" of {inline(one.revision)}" if one.revision else ""
    return f"run `{one.run_id}`{revision}, {one.at:%Y-%m-%d %H:%M} UTC"


def _count(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def _printable(text: str) -> str:
    """Without control characters, and without those that turn the direction of text."""
    kept = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "", text)
    return kept.replace("<!--", "<! --")
