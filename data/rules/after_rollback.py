"""What is expected after a rollback, and what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from data.records.facts import DeployResult, ProbeResult, RevisionReading
from data.records.words import Outcome


def expected_after(deploy: DeployResult, bad: str | None, target: str) -> dict[str, str]:
    """Service -> revision: those that the deployment moved are back, the others as they were."""
    moved = {bad, deploy.revision}
    known: Mapping[str, str] = deploy.revisions
    return {name: target if revision in moved else revision for name, revision in known.items()}


def read_back(readings: Sequence[RevisionReading]) -> tuple[bool, str]:
    """Whether every service that tells its revision serves the one expected, and what serves.

    Nobody who tells is no proof: not done.
    """
    wrong = [r for r in readings if not r.seen or set(r.seen) - {r.expected or r.seen[0]}]
    if not readings:
        return False, "no service tells its revision"
    told = "; ".join(
        f"{r.service} serves {', '.join(r.seen) or r.error or 'nothing that tells'}"
        + (f" and not {r.expected}" if r in wrong and r.expected else "")
        for r in readings
    )
    return not wrong, told


def tried(results: Sequence[ProbeResult]) -> tuple[bool, str]:
    """Whether every P1 probe passed on what is live after the rollback. None is no proof."""
    if not results:
        return False, "the plan has no P1 probe: look yourself"
    good = [r for r in results if r.outcome in (Outcome.PASS, Outcome.FLAKY)]
    bad = [f"{r.probe}: {r.message}" for r in results if r not in good]
    return not bad, f"{len(good)} of {len(results)} passed" + "".join(f"; {text}" for text in bad)
