"""The report and the judge count the same rows, so they cannot disagree."""

from __future__ import annotations

import pytest

from data.records.evidence import RunView
from data.report.document import run_document
from data.report.html import run_html
from data.report.markdown import run_markdown
from data.report.sheet import Sheet
from data.report.text import run_text
from data.rules.judge import judge
from data.rules.money import revenue_at_risk
from tests.report import parts, runs


def judged(view: RunView) -> RunView:
    verdict = judge(parts.plan(), view.evidence, view.history, parts.START)
    return view.model_copy(update={"verdict": verdict})


VIEWS = {"rich": judged(runs.rich()), "green": judged(runs.green())}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_the_money_of_unproven_capabilities_is_the_judges(view: RunView) -> None:
    plan = parts.plan()
    unproven = [c.id for c in Sheet(view).capabilities if not c.proven]
    assert view.verdict is not None
    assert view.verdict.revenue_at_risk == revenue_at_risk(
        plan.revenue, plan.capabilities, unproven
    )


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_coverage_counted_before_judging_expects_what_the_judge_expects(view: RunView) -> None:
    before = Sheet(view.model_copy(update={"verdict": None})).coverage
    assert view.verdict is not None
    assert before.expected == view.verdict.coverage.expected


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS.keys())
def test_a_judged_run_renders_in_every_form_with_its_word(view: RunView) -> None:
    assert view.verdict is not None
    word = str(view.verdict.verdict)
    assert run_document(view)["verdict"] == word
    assert run_text(view).startswith(f"{word}: ")
    assert run_markdown(view).startswith(f"# {word}: ")
    assert word.replace("_", " ") in run_html(view).split("</header>")[0]
