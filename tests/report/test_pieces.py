"""Tables for the small pieces: how numbers are said, how targets are read, what a chart thins."""

from __future__ import annotations

import pytest

from data.records.evidence import RunView
from data.report import charts, wording
from data.report.html import run_html
from data.report.markdown import run_markdown
from data.report.sheet import Sheet
from data.report.text import run_text
from data.report.timeline import bars_of
from data.report.troubles import troubles
from tests.report import runs


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "–"),
        (0.0, "0 ms"),
        (0.085, "85 ms"),
        (0.9996, "1.0 s"),
        (42.14, "42.1 s"),
        (59.96, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3723, "1 h 02 min"),
    ],
)
def test_times_are_said_for_people(seconds: float | None, said: str) -> None:
    assert wording.span(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.424, "0.424 ms"), (9.96, "10 ms"), (85.4, "85 ms"), (999.6, "1.00 s"), (1240, "1.24 s")],
)
def test_latencies_are_said_for_people(value: float, said: str) -> None:
    assert wording.milliseconds(value) == said


@pytest.mark.parametrize(
    ("amount", "said"),
    [(10000, "10,000 USD a month"), (0, "0 USD a month"), (1.5, "1.50 USD a month")],
)
def test_money_has_currency_and_period(amount: float, said: str) -> None:
    assert wording.money(amount, "USD", "month") == said


def test_targets_are_the_percentile_criteria_of_the_plan() -> None:
    found = [(t.metric, t.function, t.limit) for t in Sheet(runs.rich()).targets]
    assert found == [
        ("sign_in", "p95", 100),
        ("message", "p95", 2000),
        ("message", "p50", 900),
        ("first_event", "p95", 500),
    ]


def test_a_bar_says_the_final_outcome_of_a_probe_at_its_last_attempt() -> None:
    words = [bar.word for bar in bars_of(Sheet(runs.rich())) if "sign-in" in bar.lane]
    assert words == ["FAIL", "FLAKY"]


def test_troubles_come_worst_first_and_tell_the_failing_attempt() -> None:
    found = troubles(Sheet(runs.rich()))
    assert [t.word for t in found] == [
        "FAIL",
        "ERROR",
        "NOT_RUN",
        "FLAKY",
        "VACUOUS",
        "INSENSITIVE",
        "SKIPPED",
    ]
    assert found[3].message == "TimeoutError: no pong in 5 s"


def test_a_plain_green_run_has_no_troubles() -> None:
    assert troubles(Sheet(runs.green())) == ()


def test_thousands_of_samples_are_thinned_but_keep_their_ends() -> None:
    values = runs.samples("golden-path", "message", runs.latencies(5000, 900))
    evidence = runs.rich_evidence().model_copy(update={"samples": values})
    row = Sheet(RunView(evidence=evidence)).metrics[0]
    spec = charts.latency(row, (), ())
    points = next(layer for layer in spec["layer"] if layer["mark"].get("type") == "circle")[
        "data"
    ]["values"]
    assert len(points) == 300
    assert {min(row.values), max(row.values)} <= {p["x"] for p in points}


def looked_at() -> RunView:
    """A green run whose tests have findings: two cases of one lie, and more than are told."""
    view = runs.green()
    first, *others = view.evidence.tests
    lie = "test_it.py:{}: swallows failures: `except Exception` passes as a success"
    said = [
        first.model_copy(
            update={"test_id": f"{first.test_id}[{n}]", "findings": (lie.format(n // 2),)}
        )
        for n in range(10)
    ]
    red = {"test_id": "red", "outcome": "FAIL", "findings": (lie.format(99),)}
    plain = {"test_id": "plain", "findings": ("started a process: contact is not seen",)}
    said += [first.model_copy(update=red), first.model_copy(update=plain)]
    evidence = view.evidence.model_copy(update={"tests": (*said, *others)})
    return view.model_copy(update={"evidence": evidence})


def test_findings_of_the_static_look_at_passes_are_told_with_the_suite_in_every_form() -> None:
    view = looked_at()
    notes = [note for row in Sheet(view).suites for note in row.notes]
    assert [note.partition(": ")[0] for note in notes if "swallows" in note] == [
        "test_it.py:0",
        "test_it.py:1",
        "test_it.py:2",
    ]
    assert "2 more findings of the static look" in notes
    assert not any("started a process" in note for note in notes)
    for form in (run_text, run_markdown, run_html):
        assert "test_it.py:2: swallows failures" in " ".join(form(view).split())
