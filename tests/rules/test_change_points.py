"""Change points: agreement with the published method, in any unit, and nothing in a steady row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.rules.change_points import ChangePoint, _candidate, change_points

VECTORS = Path(__file__).parents[3] / "shared" / "data" / "stats_vectors.json"


def vectors() -> dict[str, Any]:
    if not VECTORS.exists():
        return {"cases": []}
    found: dict[str, Any] = json.loads(VECTORS.read_text())["e_divisive"]
    return found


def series_of(case: dict[str, Any]) -> list[float]:
    found: list[float] = case["series"] or vectors()[f"{case['series_ref']}_series"]
    return found


def test_the_vectors_are_there() -> None:
    if not VECTORS.exists():
        pytest.skip("../shared/data/stats_vectors.json is not beside this clone")
    assert len(vectors()["cases"]) >= 10


@pytest.mark.parametrize("case", vectors()["cases"], ids=lambda case: str(case["name"]))
def test_it_agrees_with_what_the_method_is_published_to_find(case: dict[str, Any]) -> None:
    asked = case["params"]
    found = change_points(
        series_of(case), asked["window_len"], asked["max_pvalue"], asked.get("min_magnitude", 0.0)
    )
    assert [point.index for point in found] == case["expected"]


def test_the_best_candidate_is_the_published_one() -> None:
    if not VECTORS.exists():
        pytest.skip("../shared/data/stats_vectors.json is not beside this clone")
    told = vectors()
    distance, at = _candidate(told["sequence"])
    assert -at == told["expected_candidate_index"]
    assert distance == pytest.approx(told["expected_qhat"])


NOISE = (0.0, 1.0, -1.0, 0.5, -0.5, 0.2, -0.2, 0.1, -0.1, 0.0)
STEP = [level + noise for level in (100.0, 120.0) for noise in NOISE]


def test_a_step_is_dated_to_its_first_number() -> None:
    (found,) = change_points(STEP)
    assert (found.index, round(found.before), round(found.after)) == (10, 100, 120)
    assert found.p < 1e-9 and found.magnitude == pytest.approx(0.2, rel=0.01)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0], [5.0] * 100, STEP[:10]])
def test_a_short_or_steady_row_has_none(values: list[float]) -> None:
    assert change_points(values) == ()


@given(st.sampled_from([1e-6, 1e-3, 1e3, 1e6]), st.integers(0, 5))
def test_the_unit_changes_nothing(factor: float, shift: int) -> None:
    row = [value + shift * (at % 3) for at, value in enumerate(STEP)]
    plain = [point.index for point in change_points(row)]
    assert [point.index for point in change_points([v * factor for v in row])] == plain


@given(st.lists(st.floats(-1e6, 1e6), max_size=60))
def test_points_are_in_order_inside_the_row_and_strong_enough(values: list[float]) -> None:
    found = change_points(values)
    assert [p.index for p in found] == sorted({p.index for p in found})
    assert all(0 < p.index < len(values) and p.p < 0.001 for p in found)


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError):
        change_points([1.0, float("nan")])
    assert ChangePoint(1, 0.0, 0.0, 1.0).magnitude == 0.0
