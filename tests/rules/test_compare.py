"""Two sets of numbers: same, worse, better, or not enough evidence.

Of `../shared/data` these keys are checked, being the ones that state what these modules claim:
stats_vectors `quantile` (p50, p95_type1: nearest rank), `mann_whitney.cases` (tie-corrected p;
fewer than 8 a side is no evidence), `mann_whitney.min_two_sided_p` (why 8); judge_vectors
`keptn.percentile` (where it agrees with nearest rank), `kayenta.classify` (effect measure
meanRatio, 8 and more a side), `kayenta.mann_whitney_ci`, `known_defects_do_not_copy`. Exact
ranks, intervals of shares and power are in test_statistics.py, change points in
test_change_points.py, other judges' rules in test_published_judges.py, which names what it leaves
out. Interpolated percentiles (type 7) and published flip rates without revisions are claimed
nowhere: percentiles are measured values, and flips are counted by revision.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.rules.compare import MIN_EACH, Word, compare
from data.rules.quantiles import percentile

VECTORS = Path(__file__).parents[3] / "shared" / "data"
MIRROR = {Word.WORSE: Word.BETTER, Word.BETTER: Word.WORSE}


def noisy(middle: float, n: int, seed: int, noise: float = 0.03) -> list[float]:
    draw = random.Random(seed)
    return [draw.gauss(middle, noise * middle) for _ in range(n)]


def vectors(file: str) -> dict[str, Any]:
    path = VECTORS / file
    if not path.exists():
        pytest.skip(f"no reference vectors at {path}")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


WORDS = [
    ([100.0] * 10, [100.0] * 10, Word.SAME),
    ([100.0] * 10, [100.001] * 10, Word.SAME),  # surely different, by nothing that matters
    (range(100, 110), range(100, 110), Word.SAME),
    (range(100, 110), range(150, 160), Word.WORSE),
    (range(150, 160), range(100, 110), Word.BETTER),
    (range(100, 108), range(150, 158), Word.WORSE),
    (range(100, 107), range(150, 158), Word.NOT_ENOUGH_EVIDENCE),
    (range(100, 108), [], Word.NOT_ENOUGH_EVIDENCE),
    ([], [], Word.NOT_ENOUGH_EVIDENCE),
    ([0.0] * 20, [5.0] * 20, Word.NOT_ENOUGH_EVIDENCE),
    ([100.0] * 8, [float("nan")] * 4 + [200.0] * 4, Word.NOT_ENOUGH_EVIDENCE),
    ([100.0] * 8 + [float("inf")], [100.0] * 8, Word.SAME),
    ([100.0] * 19 + [9999.0], [100.0] * 20, Word.SAME),  # one slow answer is no regression
    ([-100.0] * 10, [-50.0] * 10, Word.WORSE),
]


@pytest.mark.parametrize(("baseline", "candidate", "word"), WORDS)
def test_each_pair_has_its_word(baseline: list[float], candidate: list[float], word: Word) -> None:
    found = compare(baseline, candidate)
    assert found.word is word
    assert f"{found.n_baseline} and {found.n_candidate}" in found.sentence


@pytest.mark.parametrize("seed", range(40))
def test_twenty_percent_are_found_with_24_at_3_percent_noise(seed: int) -> None:
    found = compare(noisy(100, 24, seed), noisy(120, 24, seed + 1000), min_shift=0.08)
    assert found.word is Word.WORSE
    assert found.shift == pytest.approx(0.2, abs=0.04)


@pytest.mark.parametrize("seed", range(40))
def test_equal_sources_raise_no_alarm(seed: int) -> None:
    assert compare(noisy(100, 24, seed), noisy(100, 24, seed + 1000)).word is Word.SAME


def test_both_tests_are_needed_significance_and_size() -> None:
    found = compare(noisy(100, 200, 1), noisy(104, 200, 2))
    assert found.p is not None
    assert found.p < 0.001
    assert found.word is Word.SAME
    assert compare(noisy(100, 200, 1), noisy(104, 200, 2), min_shift=0.01).word is Word.WORSE


def test_the_interval_holds_the_shift() -> None:
    found = compare(noisy(100, 24, 1), noisy(120, 24, 2))
    assert found.interval is not None
    assert found.interval[0] <= (found.shift or 0.0) <= found.interval[1]


def test_what_is_worse_for_a_rate_is_better_for_a_latency() -> None:
    assert compare(range(100, 110), range(150, 160), worse="down").word is Word.BETTER


def test_thousands_of_samples_cost_no_more_than_hundreds() -> None:
    found = compare(noisy(100, 4000, 1), noisy(120, 4000, 2))
    assert (found.word, found.n_baseline) == (Word.WORSE, 4000)


numbers = st.lists(st.integers(1, 10_000).map(float), min_size=MIN_EACH, max_size=20)


@settings(max_examples=50, deadline=None)
@given(numbers, numbers, st.sampled_from([0.5, 1024.0, 2.0**-20]))
def test_the_unit_changes_nothing(base: list[float], cand: list[float], factor: float) -> None:
    """Powers of two scale without rounding, so the answers are equal to the last digit."""
    scaled = compare([v * factor for v in base], [v * factor for v in cand])
    assert scaled == compare(base, cand)


@settings(max_examples=50, deadline=None)
@given(numbers, numbers)
def test_swapping_the_sides_swaps_the_word(base: list[float], cand: list[float]) -> None:
    there, back = compare(base, cand, min_shift=0.0), compare(cand, base, min_shift=0.0)
    assert back.word is MIRROR.get(there.word, there.word)
    assert (there.shift or 0.0) * (back.shift or 0.0) <= 0


@settings(max_examples=50, deadline=None)
@given(numbers, st.randoms(use_true_random=False))
def test_the_order_says_nothing_and_a_set_equals_itself(
    values: list[float], draw: random.Random
) -> None:
    mixed = draw.sample(values, len(values))
    found = compare(values, mixed)
    assert (found.word, found.shift) == (Word.SAME, 0.0)


@settings(max_examples=50, deadline=None)
@given(numbers, numbers, st.floats(0, 0.5), st.floats(0, 0.5))
def test_a_wider_tolerance_never_finds_more(
    base: list[float], cand: list[float], one: float, other: float
) -> None:
    if compare(base, cand, min_shift=min(one, other)).word is Word.SAME:
        assert compare(base, cand, min_shift=max(one, other)).word is Word.SAME


def test_nearest_rank_agrees_with_the_published_percentiles() -> None:
    case = vectors("stats_vectors.json")["quantile"]
    assert percentile(case["x"], 0.5) == case["p50"]
    assert percentile(case["x"], 0.95) == case["p95_type1"]
    for one in vectors("judge_vectors.json")["keptn.percentile"]["vectors"]:
        assert percentile(one["values"], one["p"]) == one["expected"]


def test_the_rank_test_agrees_with_the_published_p_values() -> None:
    told = []
    for one in vectors("stats_vectors.json")["mann_whitney"]["cases"]:
        found = compare(one["y"], one["x"])
        if min(len(one["x"]), len(one["y"])) < MIN_EACH:
            assert found.word is Word.NOT_ENOUGH_EVIDENCE
            continue
        assert found.word is Word.SAME
        assert 2 * (found.p or 0.0) == pytest.approx(one["p_two_sided"])
        told.append(one["source"])
    assert told


def test_eight_a_side_can_show_what_it_says() -> None:
    """Three or four a side can never reach p < 0.01, whatever they measured."""
    for one in vectors("stats_vectors.json")["mann_whitney"]["min_two_sided_p"]:
        if one["p"] >= 0.02:
            assert min(one["n1"], one["n2"]) < MIN_EACH
    assert (compare(range(1, 9), range(101, 109)).p or 1.0) < 0.001


def test_clear_cases_of_the_canary_judge_get_its_answer() -> None:
    seen = set()
    for one in vectors("judge_vectors.json")["kayenta.classify"]["vectors"]:
        given_, expected = one["input"], one["expected"]["classification"]
        sides = given_["control"], given_["experiment"]
        if given_["effect_measure"] != "meanRatio" or min(map(len, sides)) < MIN_EACH:
            continue
        found = compare(*sides, worse="down", min_shift=given_["tolerance"]).word
        assert (found is Word.WORSE) == (expected == "Low"), one["id"]
        seen.add(expected)
    assert seen == {"Pass", "Low"}


def test_a_shift_too_small_to_matter_is_none_even_where_it_is_published() -> None:
    for one in vectors("judge_vectors.json")["kayenta.mann_whitney_ci"]["vectors"]:
        found = compare(one["y_control"], one["x_experiment"])
        enough = min(len(one["y_control"]), len(one["x_experiment"])) >= MIN_EACH
        assert found.word is (Word.SAME if enough else Word.NOT_ENOUGH_EVIDENCE)
        if enough and found.shift is not None:
            assert found.shift == pytest.approx(one["expected"]["estimate"], abs=1e-3)


def test_known_defects_of_canary_judges_are_not_copied() -> None:
    defects = {
        d["id"]: d["input"]
        for d in vectors("judge_vectors.json")["known_defects_do_not_copy"]["vectors"]
    }
    for id in ("def-1", "def-5", "def-7"):  # tiny, sparse and constant samples
        found = compare(defects[id]["control"], defects[id]["experiment"])
        assert found.word is Word.NOT_ENOUGH_EVIDENCE
    for key in ("experiment_pass", "experiment_high"):  # 7 and 8 of 10 a hundred times slower
        assert compare(defects["def-3"]["control"], defects["def-3"][key]).word is Word.WORSE
    again = [compare([10.0] * 10, [10.0001] * 10) for _ in range(3)]
    assert len({one.model_dump_json() for one in again}) == 1
