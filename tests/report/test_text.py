"""Laws of the terminal report."""

from __future__ import annotations

import re

import pytest

from data.records.evidence import RunView
from data.records.words import VerdictWord
from data.report.text import run_text
from tests.report import runs


@pytest.mark.parametrize("view", [runs.rich(), runs.green()], ids=["rich", "green"])
def test_no_line_is_wider_than_a_hundred_columns(view: RunView) -> None:
    assert max(map(len, run_text(view).splitlines())) <= 100


def test_long_names_are_clipped_and_not_allowed_to_widen_a_table() -> None:
    test = runs.test("s" * 150, "t" * 300, "FAIL", message="m" * 900)
    evidence = runs.rich_evidence().model_copy(update={"tests": (test,)})
    assert max(map(len, run_text(RunView(evidence=evidence)).splitlines())) <= 100


def test_a_green_run_fits_a_screen_and_the_worst_one_stays_short() -> None:
    assert run_text(runs.green()).count("\n") <= 40
    assert run_text(runs.rich()).count("\n") <= 75


def test_the_verdict_comes_first_and_passes_come_compactly() -> None:
    lines = run_text(runs.green()).splitlines()
    assert lines[0].startswith("PROMOTE: ")
    assert sum("PASS" in line for line in lines if "health/auth" in line) == 1


def test_nothing_that_is_not_satisfied_is_left_out() -> None:
    text = " ".join(run_text(runs.rich()).split())
    for criterion in runs.rich_criteria():
        assert criterion.id in text
        if criterion.outcome != "PASS":
            assert criterion.sentence in text


def test_what_does_not_fit_a_list_is_counted() -> None:
    verdict = runs.rich_verdict(not_seen=tuple(f"test {i}" for i in range(50)))
    assert "… and 44 more" in run_text(RunView(evidence=runs.rich_evidence(), verdict=verdict))


def test_colour_adds_escapes_and_nothing_else() -> None:
    painted, bare = run_text(runs.rich(), colour=True), run_text(runs.rich())
    assert "\x1b[1;31mROLL_BACK\x1b[0m" in painted
    assert re.sub("\x1b\\[[0-9;]*m", "", painted) == bare


def test_data_cannot_send_escapes_to_the_terminal() -> None:
    verdict = runs.rich_verdict(reasons=("\x1b[2J\x1b]0;owned\x07 3 failed > 0 tolerated\u202e",))
    text = run_text(RunView(evidence=runs.rich_evidence(), verdict=verdict))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)


def test_percentiles_without_enough_samples_are_a_dash() -> None:
    line = next(
        x for x in run_text(runs.rich()).splitlines() if "first_event" in x and "202 ms" in x
    )
    assert line.split()[-3:] == ["ms", "–", "9"]


def test_a_refused_rollback_is_said_once() -> None:
    why = "rollback is not armed in the plan"
    verdict = runs.rich_verdict(
        verdict=VerdictWord.HOLD,
        reasons=("1 failed > 0 tolerated", f"no rollback: {why}"),
        rollback_refusals=(why,),
    )
    assert run_text(RunView(evidence=runs.rich_evidence(), verdict=verdict)).count(why) == 1
