"""Laws that hold for all renderings: sentence beside verdict, no crash, no drift, same numbers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.records.evidence import Evidence, History, RunView
from data.records.words import VerdictWord
from data.report.document import run_document
from data.report.html import run_html
from data.report.markdown import run_markdown
from data.report.text import run_text
from tests.report import runs

Render = Callable[[RunView], str]
FAST: dict[str, Render] = {
    "text": run_text,
    "markdown": run_markdown,
    "json": lambda view: json.dumps(run_document(view), allow_nan=False),
}
ALL: dict[str, Render] = {**FAST, "html": run_html}
OPTIONAL = (
    "ended",
    "deploy",
    "health",
    "revisions",
    "phases",
    "collected",
    "suites",
    "tests",
    "probes",
    "samples",
)


def without(view: RunView, *names: str) -> RunView:
    """The view without these parts of its evidence, its plan, verdict or history."""
    emptied: dict[str, Any] = {
        n: None if n in ("ended", "deploy") else () for n in names if n in OPTIONAL
    }
    if "plan" in names:
        emptied["run"] = runs.started(plan_json="")
    view = view.model_copy(update={"evidence": view.evidence.model_copy(update=emptied)})
    if "verdict" in names:
        view = view.model_copy(update={"verdict": None})
    return view.model_copy(update={"history": History()}) if "history" in names else view


@pytest.mark.parametrize("render", ALL.values(), ids=ALL.keys())
@pytest.mark.parametrize("part", [*OPTIONAL, "plan", "verdict", "history"])
def test_any_absent_part_is_coped_with(render: Render, part: str) -> None:
    assert render(without(runs.rich(), part))


@settings(max_examples=60, deadline=None)
@given(st.sets(st.sampled_from([*OPTIONAL, "plan", "verdict", "history"])))
def test_any_absent_parts_together_are_coped_with(parts: set[str]) -> None:
    view = without(runs.rich(), *parts)
    assert all(render(view) for render in FAST.values())


@pytest.mark.parametrize("render", ALL.values(), ids=ALL.keys())
def test_a_run_that_only_started_can_be_shown(render: Render) -> None:
    for run in (runs.started(), runs.started(plan_json="", revision=None, gate_version="")):
        assert render(RunView(evidence=Evidence(run=run)))


@pytest.mark.parametrize("render", ALL.values(), ids=ALL.keys())
def test_equal_input_gives_equal_output(render: Render) -> None:
    assert render(runs.rich()) == render(runs.rich())


@pytest.mark.parametrize("word", list(VerdictWord))
@pytest.mark.parametrize(
    "reasons", [("2 failed > 0 tolerated",), (), ("",)], ids=["reason", "no reason", "empty reason"]
)
def test_a_verdict_is_never_shown_without_its_sentence(
    word: VerdictWord, reasons: tuple[str, ...]
) -> None:
    verdict = runs.rich_verdict(verdict=word, reasons=reasons)
    view = runs.rich().model_copy(update={"verdict": verdict})
    sentence = "2 failed &gt; 0 tolerated" if reasons and reasons[0] else "answered in turn at end"
    assert run_text(view).startswith(f"{word}: ")
    summary = run_markdown(view).split("## Environment")[0]
    assert sentence.replace("answered in turn at end", "dependency backend") in summary
    head = run_html(view).split("</header>")[0]
    assert sentence.replace("answered in turn at end", "dependency backend") in head


def test_without_reasons_and_criteria_the_rule_and_the_coverage_speak() -> None:
    verdict = runs.rich_verdict(reasons=(), criteria=(), rule="nothing to judge")
    text = run_text(RunView(evidence=runs.rich_evidence(), verdict=verdict))
    assert text.startswith("ROLL_BACK: nothing to judge: 29 of 45 expected pieces of evidence seen")


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        (("verdict", "ended"), "the run has not ended or was killed"),
        (("verdict",), "was not judged"),
    ],
)
def test_no_verdict_is_said_with_its_reason(parts: tuple[str, ...], sentence: str) -> None:
    view = without(runs.rich(), *parts)
    for render in (run_text, run_markdown, run_html):
        shown = render(view)
        assert sentence in shown
        assert "NO VERDICT" in shown
        assert "xit code 1" in shown
