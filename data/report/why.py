"""`show --why`: rule → evidence → decision as a short tree, and what would turn the verdict."""

from __future__ import annotations

import io
from collections.abc import Iterator
from textwrap import wrap

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from data.records.evidence import Evidence, RunView
from data.records.plan import Plan
from data.records.verdict import CriterionResult, Incident, Verdict
from data.records.words import Mark, VerdictWord
from data.report import wording
from data.report.columns import WIDTH
from data.report.wording import clip
from data.rules.judge.turning import Turn, turn_of
from data.rules.outcomes import RED

_N_EVIDENCE = 4
_N_NAMES = 3
_N_REFUSALS = 2
_N_RULE_LINES = 3


def why_text(view: RunView) -> str:
    """At most 19 lines of at most 100 columns, the rule that decided first."""
    tree = Tree(_line(f"{wording.verdict_word(view)} · run {view.evidence.run.run_id}"))
    verdict = view.verdict
    if verdict is None:
        tree.add(_line(wording.deciding_sentence(view)))
        return _drawn(tree)
    decisive = deciding(verdict)
    rule = tree.add(_lines(f"rule: {verdict.rule.rsplit(' → ', 1)[0]}", _N_RULE_LINES))
    for text in _evidence(view, decisive):
        rule.add(_line(text))
    for text in (*_others(verdict, decisive), *_refusals(verdict)):
        tree.add(_line(text))
    tree.add(_lines(f"decision: {_decision(verdict, decisive)}", 2))
    tree.add(_lines(f"would turn: {_turn(view, verdict)}", 2))
    return _drawn(tree)


def deciding(verdict: Verdict) -> CriterionResult | None:
    """The criterion that the rule names; None where nothing spoke against promoting."""
    names = ((c, f"{c.priority} {c.outcome} {c.id}: ") for c in verdict.criteria)
    return next((c for c, name in names if verdict.rule.startswith(name)), None)


def _line(text: str) -> Text:
    return _lines(text, 1)


def _lines(text: str, most: int) -> Text:
    """The text in so many lines at most, those after the first a little to the right."""
    told = clip(text, most * (WIDTH - 12)) if most > 1 else clip(text, WIDTH - 8)
    wrapped = wrap(
        told,
        WIDTH - 8,
        subsequent_indent="  ",
        max_lines=most,
        placeholder=" …",
        break_on_hyphens=False,
    )
    return Text("\n".join(wrapped), no_wrap=True)


def _drawn(tree: Tree) -> str:
    out = io.StringIO()
    Console(file=out, width=WIDTH, color_system=None, legacy_windows=False).print(tree)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _evidence(view: RunView, decisive: CriterionResult | None) -> Iterator[str]:
    if decisive is None:
        verdict = view.verdict
        cover = verdict.coverage if verdict else None
        yield f"seen {cover.seen} of {cover.expected} expected tests and probes" if cover else ""
        return
    told = dict(_told(view.evidence))
    for id in decisive.evidence[:_N_EVIDENCE]:
        yield f"{id}: {told[id]}" if told.get(id) else id
    rest = len(decisive.evidence) - _N_EVIDENCE
    if rest > 0:
        yield f"and {rest} more"
    if view.verdict and (incident := _incident(view.verdict.incidents, decisive)):
        yield f"likely cause: {incident.likely_cause or 'not in the catalogue'}"
        yield _since(view, incident)


def _told(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Evidence id -> what it said; a later attempt's words replace an earlier one's."""
    priorities = {p.phase: p.priority.lower() for p in evidence.phases}
    for test in evidence.tests:
        if test.outcome in RED or not test.witnessed:
            said = test.message or ("" if test.witnessed else "no contact with the target")
            yield f"{priorities.get(test.phase, 'p1')}/{test.suite}/{test.test_id}", said
    for probe in evidence.probes:
        yield f"{priorities.get(probe.phase, 'p1')}/{probe.phase}/{probe.probe}", probe.message
    for health in evidence.health:
        yield f"health/{health.stage}/{health.service}", f"{health.state} {health.message}"
    for one in evidence.revisions:
        seen = ", ".join(one.seen) or one.error or "nothing"
        yield f"revision/{one.stage}/{one.service}", f"expected {one.expected}, seen {seen}"
    if evidence.deploy:
        yield "deploy", evidence.deploy.message


def _incident(incidents: tuple[Incident, ...], decisive: CriterionResult) -> Incident | None:
    """The incident that shares evidence with the criterion; a probe is `p1/probe` there."""
    mine = {*decisive.evidence, decisive.id}
    mine |= {f"{id.split('/')[0]}/{id.split('/')[-1]}" for id in mine if id.count("/") == 2}
    return next((i for i in incidents if mine & set(i.evidence)), None)


def _since(view: RunView, incident: Incident) -> str:
    deployment_id, first = view.evidence.run.deployment_id, incident.first_seen_deployment
    last = view.history.last_seen.get(incident.signature, first)
    if incident.seen_on_rollback_target:
        return "was it there before? yes, on the known good revision too"
    if first and first != deployment_id:
        times = f"first seen in deployment {first}" + (f", last in {last}" if last != first else "")
        return f"was it there before? {times}, not on the known good one"
    return "was it there before? no: this deployment is the first that shows it"


def _others(verdict: Verdict, decisive: CriterionResult | None) -> Iterator[str]:
    others = [c.id for c in verdict.criteria if c.outcome is not Mark.PASS and c is not decisive]
    if others:
        yield f"not satisfied beside it: {_named(others)}"


def _refusals(verdict: Verdict) -> Iterator[str]:
    for text in verdict.rollback_refusals[:_N_REFUSALS]:
        yield f"no rollback: {text}"
    rest = len(verdict.rollback_refusals) - _N_REFUSALS
    if rest > 0:
        yield f"and {rest} more {'reason' if rest == 1 else 'reasons'} against a rollback"


def _decision(verdict: Verdict, decisive: CriterionResult | None) -> str:
    word = verdict.verdict
    if decisive is None:
        return f"nothing speaks against it → {word}: {wording.MEANINGS[word]}"
    asked = f"a {decisive.priority} {decisive.outcome} asks for"
    if word is VerdictWord.HOLD and verdict.rollback_refusals:
        return f"{asked} ROLL_BACK, which is refused → HOLD"
    return f"{asked} {word}: {wording.MEANINGS[word]}"


def _turn(view: RunView, verdict: Verdict) -> str:
    """By judging again, but only while plan and history still give the stored verdict's input."""
    try:
        plan = Plan.model_validate_json(view.evidence.run.plan_json)
    except ValueError:  # an import has no plan, a newer gate another one
        return verdict.counterfactual
    turn = turn_of(plan, view.evidence, view.history, verdict.at)
    return _say(turn) if turn else verdict.counterfactual


def _say(turn: Turn) -> str:
    if not turn.satisfied:
        return f"{turn.word} or worse if {turn.ids[0]} failed"
    then = f", because of {turn.next_rule}" if turn.next_rule else ""
    return f"{turn.word} if {_named(turn.ids)} were satisfied{then}"


def _named(ids: tuple[str, ...] | list[str]) -> str:
    rest = len(ids) - _N_NAMES
    return ", ".join(ids[:_N_NAMES]) + (f" and {rest} more" if rest > 0 else "")
