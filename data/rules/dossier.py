"""What `goldenpath judge` reads: plan, evidence, history and now in one document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from data.errors import Fault, PlanError
from data.records.evidence import Evidence, History
from data.records.plan import Plan
from data.records.record import AwareUtc, Record
from data.rules.expected import expected_and_got
from data.rules.grammar import parse_rule
from data.rules.planning.document import dotted

_FACTS = (
    "deploy",
    "ended",
    "health",
    "revisions",
    "phases",
    "collected",
    "suites",
    "tests",
    "probes",
    "samples",
)


class Dossier(Record):
    """The judge's whole input.

    `plan` is written as in plan.yaml. In `evidence`, `run_id` may be left out of each fact: the
    run's own is meant.
    """

    about: str = ""
    plan: Plan
    evidence: Evidence
    history: History = History()
    now: AwareUtc | None = None


def read_dossier(text: str, file: str) -> Dossier:
    """The dossier of a JSON text.

    Raises:
        PlanError: all faults at once, with their places.
    """
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PlanError([Fault(f"this is not readable JSON: {error}", file)]) from None
    if not isinstance(raw, dict):
        raise PlanError([Fault(f"expected an object, got a {type(raw).__name__}", file)])
    return _validated(_completed(raw), file)


def _validated(raw: dict[str, Any], file: str) -> Dossier:
    try:
        dossier = Dossier.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        faults = [
            Fault(expected_and_got(e), file, 0, dotted(tuple(e["loc"])))
            for e in error.errors(include_url=False)
        ]
        raise PlanError(faults) from None
    if faults := list(_rule_faults(dossier.plan, file)):
        raise PlanError(faults)
    run = dossier.evidence.run
    if run.plan_json:
        return dossier
    told = run.model_copy(update={"plan_json": dossier.plan.model_dump_json(by_alias=True)})
    evidence = dossier.evidence.model_copy(update={"run": told})
    return dossier.model_copy(update={"evidence": evidence})


def _rule_faults(plan: Plan, file: str) -> Iterator[Fault]:
    for index, criterion in enumerate(plan.criteria):
        for key, text in (("rule", criterion.rule), ("warn", criterion.warn)):
            try:
                parse_rule(text) if text or key == "rule" else None
            except ValueError as error:
                yield Fault(str(error), file, 0, f"plan.criteria[{index}].{key}")


def _completed(raw: dict[str, Any]) -> dict[str, Any]:
    """The run's id on every fact that leaves it out."""
    evidence = raw.get("evidence")
    if not isinstance(evidence, dict) or not isinstance(evidence.get("run"), dict):
        return raw
    run_id = evidence["run"].get("run_id")
    for name in _FACTS:
        facts = evidence.get(name)
        for fact in facts if isinstance(facts, list) else [facts]:
            if isinstance(fact, dict):
                fact.setdefault("run_id", run_id)
    return raw
