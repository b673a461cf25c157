"""Laws of the pictures of probes: what failed is said in words, and names cannot become markup."""

from __future__ import annotations

import re

from data.records.facts import ProbeResult
from data.records.load_figures import LoadFigures, Spread, StageFigures
from data.records.trace import Span
from data.records.words import Outcome
from data.report.html import run_html
from data.report.probe_charts import curve, ladder, over_time, waterfall
from data.report.probe_figures import probe_figures
from data.report.sheet import Sheet
from data.rules.load.histogram import Histogram
from tests.report import runs

EVIL = "<script>alert(1)</script>"
TRACE = (
    Span(step="1 open ws://x", name="open", start_s=0.0, end_s=0.02),
    Span(step="3 expect", name=EVIL, start_s=0.02, end_s=0.05),
    Span(step="3 expect", name="silence", start_s=0.05, end_s=1.5, ok=False),
)


def spread(*values_ms: float) -> Spread:
    histogram = Histogram()
    for value_ms in values_ms:
        histogram.add(value_ms)
    return histogram.spread()


def stage(label: str, n: int, slow: float, n_failed: int = 0) -> StageFigures:
    spreads = {"whole": spread(*(slow + at / 10 for at in range(n))), "connect": spread(1.0)}
    spreads["whole.actual"] = spread(9999.0)
    return StageFigures(
        label=label, duration_s=2.0, n=n, n_failed=n_failed, spreads=spreads,
        outcome="FAIL" if n_failed else "PASS",
    )  # fmt: skip


LOAD = LoadFigures(
    model="closed", stages=(stage("5 users", 400, 10), stage("50 users", 40, 300, 7)),
    knee="5 users", first_failing="50 users",
    timeline={"whole": ((0.0, 200, 11.0, 20.0), (1.0, 240, 12.0, 330.0))},
)  # fmt: skip


def probe(name: str, **more: object) -> ProbeResult:
    about = {"outcome": Outcome.PASS, "n": 1, "duration_s": 1.0, "started_at": runs.at(20)}
    return ProbeResult.model_validate(
        {"run_id": runs.RUN, "phase": "golden", "probe": name, "kind": "journey", **about, **more}
    )


def sheet(*probes: ProbeResult) -> Sheet:
    view = runs.rich()
    evidence = view.evidence.model_copy(update={"probes": probes})
    return Sheet(view.model_copy(update={"evidence": evidence}))


def test_a_failed_execution_comes_first_and_says_where_it_failed() -> None:
    fine = TRACE[:2]
    found = probe_figures(sheet(probe("fine", trace=fine), probe("sick", trace=TRACE)), 14)
    assert [one.title.split(":")[0] for one in found] == ["sick", "fine"]
    assert "failed at step 3 expect: silence" in found[0].caption
    assert "3 waits in 1.50 s" in found[0].caption and "✕" in found[0].svg


def test_only_the_last_attempt_is_drawn() -> None:
    first, last = probe("p", trace=TRACE), probe("p", trace=TRACE[:2], attempt=2)
    assert [one.title for one in probe_figures(sheet(last, first), 14)] == [
        "p: one execution, the one that passed first"
    ]


def test_a_load_shows_time_percentiles_and_its_ladder_in_words_too() -> None:
    found = probe_figures(sheet(probe("load", load=LOAD)), 14)
    assert [one.title.split(": ")[1] for one in found] == [
        "latency over time", "latency by percentile", "stage by stage",
    ]  # fmt: skip
    said = " ".join(one.caption for one in found)
    assert "The slowest second is 1, with p99 330 ms." in said
    assert "The knee is at 5 users. The first stage that fails is 50 users." in said


def test_figures_of_a_generator_that_was_too_slow_say_so_under_each_picture() -> None:
    sick = LOAD.model_copy(update={"invalid": "the generator was the bottleneck"})
    found = probe_figures(sheet(probe("load", load=sick)), 14)
    assert len(found) == 3 and all("INVALID: the generator" in one.caption for one in found)


def test_no_line_goes_further_than_its_samples() -> None:
    def furthest(label: str) -> float:
        points = curve(LOAD.stages, "whole")["data"]["values"]
        return max(1 - 1 / one["x"] for one in points if label in one["what"])

    assert 0.99 <= furthest("1. 5 users") < 0.999 and furthest("2. 50 users") < 0.99
    names = {(one["what"], one["x"].split(" |")[0]) for one in ladder(LOAD, "whole")["data"]["values"]}  # fmt: skip
    assert ("p99", "1. 5 users") in names and ("p99", "2. 50 users") not in names


def test_bars_and_points_are_the_numbers_that_were_measured() -> None:
    bars = waterfall(TRACE)["data"]["values"]
    assert [(one["a"], one["b"]) for one in bars] == [(0.0, 20.0), (20.0, 50.0), (50.0, 1500.0)]
    points = over_time(LOAD.timeline["whole"])["data"]["values"]
    assert [(one["x"], one["y"]) for one in points if one["what"] == "p99"] == [(0, 20), (1, 330)]


def test_each_picture_has_words_for_those_who_cannot_see_it_and_no_markup_of_names() -> None:
    view = runs.rich()
    probes = (probe(EVIL, trace=TRACE), probe("load", load=LOAD))
    evidence = view.evidence.model_copy(update={"probes": probes})
    page = run_html(view.model_copy(update={"evidence": evidence}))
    part = page[page.index("How probes went") : page.index("<h2>Measurements")]
    labels = re.findall(r'<svg role="img" aria-label="([^"]+)"', part)
    assert len(labels) == 4 and all(len(label) > 40 for label in labels)
    assert EVIL not in part
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_a_page_without_traces_has_no_such_section() -> None:
    assert "How probes went" not in run_html(runs.green())
