"""Laws of the worklog: order of sections, tables that data cannot break."""

from __future__ import annotations

import re

import pytest

from data.records.evidence import Evidence, RunView
from data.report.markdown import SECTIONS, run_markdown
from data.report.marked import escaped
from tests.report import hostile, runs

ORDER = (
    "Summary",
    "Environment and revisions",
    "What ran",
    "Criteria",
    "Evidence per capability",
    "Incidents",
    "Measurements against targets",
    "Revenue at risk",
    "What was not seen",
    "Counterfactual",
    "Recommended actions",
    "Next step",
)


@pytest.mark.parametrize(
    "view", [runs.rich(), runs.green(), RunView(evidence=Evidence(run=runs.started(plan_json="")))]
)
def test_every_section_is_there_in_its_order_and_says_something(view: RunView) -> None:
    text = run_markdown(view)
    assert tuple(re.findall("^## (.*)$", text, re.MULTILINE)) == ORDER == tuple(SECTIONS)
    assert all(body.strip() for body in re.split("^## .*$", text, flags=re.MULTILINE)[1:])


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("a|b", "a\\|b"),
        ("<b>", "&lt;b&gt;"),
        ("a\nb", "a b"),
        ("[x](y)", "\\[x\\](y)"),
        ("test_two_sockets", "test_two_sockets"),
        ("_x_", "\\_x\\_"),
        ("# head", "\\# head"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("1.39 s", "1.39 s"),
        ("back\\slash", "back\\\\slash"),
    ],
)
def test_data_is_escaped(given: str, shown: str) -> None:
    assert escaped(given) == shown


def test_data_breaks_no_table_and_makes_no_markup() -> None:
    text = run_markdown(hostile.hostile())
    assert "<" not in text
    assert not re.search(r"(?<!\\)[`\[\]]", text)
    assert tuple(re.findall("^## (.*)$", text, re.MULTILINE)) == ORDER
    for block in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1


def test_each_capability_is_named_with_what_speaks_for_and_against_it() -> None:
    text = run_markdown(runs.rich())
    assert "| chat | Send a message and get an answer | NOT PROVEN |" in text
    assert run_markdown(runs.green()).count("| proven |") == 3


def test_without_a_verdict_no_capability_is_proven() -> None:
    view = runs.green().model_copy(update={"verdict": None})
    assert run_markdown(view).count("NOT PROVEN") == 3


def test_a_target_without_samples_is_shown_with_n_zero() -> None:
    evidence = runs.rich_evidence().model_copy(update={"samples": ()})
    assert "| message | 0 | – | – | – | – | p95 &lt; 2.00 s | – |" in run_markdown(
        RunView(evidence=evidence)
    )
