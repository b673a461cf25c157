"""May the gate promote, and did the promotion reach users? Every refusal in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from data.records.approval import Decision
from data.records.facts import DeployResult, RevisionReading
from data.records.plan import Promotion
from data.records.verdict import Verdict
from data.records.words import Outcome, VerdictWord
from data.rules.after_rollback import read_back
from data.rules.deciding import sentence, settled

Tested = Mapping[str, set[str]]


def promotion_refusals(
    promotion: Promotion,
    verdict: Verdict,
    deploy: DeployResult,
    readings: Sequence[RevisionReading],
    tested: Tested,
    decision: Decision | None = None,
) -> tuple[str, ...]:
    """Why promoting is not safe; empty when nothing speaks against it.

    `readings` are from just before acting, `tested` is service -> revisions that answered while
    evidence was gathered. What is not known is a refusal. Drift is asked for only where the
    verdict approves: else nobody has read anything.
    """
    approved = settled(verdict, decision).approves
    said = () if approved and decision else tuple(_spoken(promotion, verdict, decision))
    judged = (*said, *_deployed(deploy))
    return judged if not approved else (*judged, *_drifted(readings, tested))


def _spoken(promotion: Promotion, verdict: Verdict, decision: Decision | None) -> Iterator[str]:
    """What verdict and decision have against it. Where a person says promote, that is enough."""
    if not verdict.verdict.approves:
        yield f"the verdict is {verdict.verdict}"
    if decision is not None:
        yield sentence(decision)
    elif verdict.verdict is VerdictWord.PROMOTE_WITH_WATCH and not promotion.with_watch:
        yield "the verdict is PROMOTE_WITH_WATCH (promotion.with_watch: false)"


def _deployed(deploy: DeployResult) -> Iterator[str]:
    if deploy.outcome is not Outcome.PASS:
        yield f"this run deployed nothing: its deploy is {deploy.outcome}"
    if deploy.revision is None:
        yield "nobody named the deployed revision"


def _drifted(readings: Sequence[RevisionReading], tested: Tested) -> Iterator[str]:
    if not any(reading.expected for reading in readings):
        yield "no service is known to serve the deployed revision"
    for reading in readings:
        wanted = {reading.expected} if reading.expected else tested.get(reading.service, set())
        serves = ", ".join(reading.seen) or reading.error or "nothing that tells"
        if set(reading.seen) != wanted or len(wanted) != 1:
            was = ", ".join(sorted(wanted)) or "nothing that tells"
            yield f"{reading.service} serves {serves} now, tested was {was}"


def confirmed(readings: Sequence[RevisionReading]) -> tuple[bool, str]:
    """Whether users are served what was promoted. Nobody of whom it is expected is no proof."""
    if readings and not any(reading.expected for reading in readings):
        return False, "no service is known to serve the promoted revision"
    return read_back(readings)
