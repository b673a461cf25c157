"""Criteria against what other gates publish: the same answer where their rule is sound.

Of `../shared/data/judge_vectors.json`: `keptn.parse_criteria`, `keptn.compare_relative`,
`keptn.objective`, `argo.measurement`, `argo.combine` and `k6.threshold`. Where another product lets
missing evidence pass ("fails OPEN"), this gate must not, and the vector says so by its note.

Left out, since nothing here claims them: weighted scores that decide (`kayenta.score`,
`kayenta.verdict`, `keptn.total_score`, `keptn_lifecycle_toolkit.analysis`; a score here is told and
decides nothing) and `argo.assess_metric` (how a metric is asked again and again while it runs).
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from data.records.verdict import Verdict
from data.rules.grammar import Rule, parse_rule
from tests.rules.making import green
from tests.rules.test_criteria import found, judged, with_baseline, with_samples

VECTORS = Path(__file__).parents[3] / "shared" / "data" / "judge_vectors.json"


def vectors(name: str) -> list[Any]:
    """The vectors of one product; one None where the folder is absent, and the test skips."""
    if not VECTORS.exists():
        return [None]
    made: list[Any] = json.loads(VECTORS.read_text())[name]["vectors"]
    return made


def there(vector: Any) -> Any:
    if vector is None:
        pytest.skip(f"no reference vectors at {VECTORS}")
    return vector


def ours(criteria: str) -> str:
    """`<=+10.5%` of Keptn as a comparison of the median, in ms where it has no unit."""
    sign, number, percent = re.fullmatch(
        r"\s*([<>=]+)\s*([+-]?[\d.]+)\s*(%?)\s*", criteria
    ).groups()  # type: ignore[union-attr]
    return f"median(chat) {'==' if sign == '=' else sign} {number} {percent or 'ms'}"


def any_of(lists: list[list[str]]) -> str:
    """Keptn's list of OR over lists of AND."""
    return " or ".join("(" + " and ".join(map(ours, each)) + ")" for each in lists)


def value(number: float | None, previous: list[Any], rule: str, **more: Any) -> Verdict:
    """Twenty samples of one value, against promoted runs of such values."""
    known = [p if isinstance(p, int | float) else p["value"] for p in previous]
    good = [k for k, p in zip(known, previous, strict=True) if isinstance(p, int | float)]
    case = with_samples(() if number is None else (float(number),) * 20)
    return judged(rule, replace(case, history=with_baseline(*good).history), **more)


@pytest.mark.parametrize("vector", vectors("keptn.parse_criteria"))
def test_keptns_criteria_are_read_as_they_are_meant(vector: Any) -> None:
    wanted = there(vector)["expected"]
    rule = parse_rule(ours(vector["criteria"]))
    assert isinstance(rule, Rule)
    limit = wanted["value"] / (100 if wanted["percent"] else 1)
    assert (rule.operator.replace("==", "="), rule.relative) == (wanted["op"], wanted["relative"])
    assert rule.limit == pytest.approx(limit)


@pytest.mark.parametrize("vector", vectors("keptn.compare_relative"))
def test_keptns_relative_comparisons_come_out_the_same_where_there_is_something_to_compare(
    vector: Any,
) -> None:
    previous = there(vector)["previous"]
    told = found(value(vector["value"], previous, ours(vector["criteria"])))
    if any(isinstance(p, dict) for p in previous):  # unsuccessful ones: none is left
        assert told.outcome == "NOT_EVALUATED"
    else:
        assert (told.outcome == "PASS") is vector["expected"]


@pytest.mark.parametrize("vector", vectors("keptn.objective"))
def test_keptns_objectives_pass_warn_and_fail_as_published_but_never_without_evidence(
    vector: Any,
) -> None:
    there(vector)
    passes, warns = any_of(vector["pass_any_of"]), vector.get("warn_any_of")
    previous = vector.get("previous", [])
    if warns:
        verdict = value(vector["value"], previous, any_of(warns), warn=passes)
    else:
        verdict = value(vector["value"], previous, passes)
    told = {"pass": "PROMOTE", "warning": "PROMOTE_WITH_WATCH", "fail": "HOLD"}
    assert verdict.verdict == told[vector["expected"]["status"]]
    if vector["value"] is None or any(isinstance(p, dict) for p in previous):
        assert found(verdict).outcome == "NOT_EVALUATED"


@pytest.mark.parametrize("vector", vectors("argo.measurement"))
def test_argos_measurements_are_successful_or_not_and_inconclusive_is_never_a_pass(
    vector: Any,
) -> None:
    number = there(vector)["value"]
    known = number if isinstance(number, float) else None
    text = vector["success"] or vector["failure"].replace("<", ">=")
    sign, limit = re.findall(r"(>=|>|<)\s*([\d.]+)", text)[0]
    told = found(value(known, [], f"median(chat) {sign} {limit} ms"))
    if known is not None:
        assert (told.outcome == "PASS") is (vector["expected"] == "Successful")
    else:
        assert told.outcome == "NOT_EVALUATED"


ARGO = {"Successful": "p95(chat) < 2 s", "Failed(dryRun)": "p95(chat) < 1 ms",
        "Error": "p99(chat) < 2 s", "Inconclusive": "p99(chat) < 2 s", "Running": "p99(chat) < 2 s"}  # fmt: skip


@pytest.mark.parametrize("vector", vectors("argo.combine"))
def test_the_worst_metric_decides_and_a_dry_run_does_not(vector: Any) -> None:
    criteria = [
        {"id": f"c{n}", "priority": "P2", "rule": ARGO[word], "dry_run": "dryRun" in word}
        for n, word in enumerate(there(vector)["metrics"])
    ]
    verdict = green(criteria=criteria).judged()
    assert (verdict.verdict == "PROMOTE") is (vector["expected"] == "Successful")


@pytest.mark.parametrize("vector", vectors("k6.threshold"))
def test_no_sample_never_passes_a_threshold(vector: Any) -> None:
    assert there(vector)["samples"] == 0
    verdict = value(None, [], "share(chat) > 99 %", priority="P1")
    assert found(verdict).outcome == "NOT_EVALUATED"
    assert verdict.verdict == "HOLD"
