"""The statistics: what is published of them, and the laws that they keep."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from data.rules.compare import Word, compare, compare_shares
from data.rules.statistics.location import careful_tails, rank_tails, shift_of
from data.rules.statistics.multiplicity import holm
from data.rules.statistics.power import rank_power, share_power
from data.rules.statistics.proportions import (
    exact_interval,
    jeffreys_interval,
    more_bad,
    wilson_interval,
)
from data.rules.statistics.spread import wider
from data.rules.statistics.tail import exceedance, quantile_interval, quantile_shift

VECTORS = Path(__file__).parents[3] / "shared" / "data" / "stats_vectors.json"


def vectors(key: str) -> dict[str, Any]:
    if not VECTORS.exists():
        pytest.skip("../shared/data/stats_vectors.json is not beside this clone")
    found: dict[str, Any] = json.loads(VECTORS.read_text())[key]
    return found


def test_the_exact_tails_are_the_published_ones() -> None:
    for one in vectors("mann_whitney")["cases"]:
        tails = rank_tails(one["y"], one["x"])
        two_sided = one.get("p_two_sided", one.get("p_exact_two_sided"))
        assert tails.two_sided == pytest.approx(two_sided), one["source"]
        if "p_less" in one:
            assert tails == pytest.approx((one["p_less"], one["p_greater"])), one["source"]


def test_so_few_numbers_never_show_more_than_is_published() -> None:
    for one in vectors("mann_whitney")["min_two_sided_p"]:
        sides = range(one["n1"]), range(100, 100 + one["n2"])
        assert rank_tails(*sides).two_sided == pytest.approx(one["p"])


def test_the_intervals_of_shares_are_the_published_ones() -> None:
    for one in vectors("binomial_interval")["cases"]:
        k, n = one["k"], one["n"]
        assert wilson_interval(k, n) == pytest.approx(one["wilson95"], abs=1e-9)
        assert exact_interval(k, n) == pytest.approx(one["clopper_pearson95"], abs=1e-9)
        assert jeffreys_interval(k, n) == pytest.approx(one["jeffreys95"], abs=1e-9)


def test_the_exact_interval_of_a_shift_is_where_it_can_be() -> None:
    """R's wilcox.test gives 6 to 39 at 95 % for these; at 99 % four a side can say nothing."""
    found = shift_of([1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0], 0.05)
    assert (found.estimate, found.interval) == (22.5, (6.0, 39.0))
    assert shift_of([1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0], 0.01).interval is None


SHARES = [
    ((0, 30), (15, 30), Word.WORSE),  # a known canary judge lets this pass
    ((15, 30), (0, 30), Word.BETTER),
    ((0, 30), (0, 30), Word.NOT_ENOUGH_EVIDENCE),
    ((0, 5), (2, 5), Word.NOT_ENOUGH_EVIDENCE),
    ((0, 300), (0, 300), Word.SAME),
    ((3, 300), (15, 300), Word.WORSE),
    ((0, 0), (5, 5), Word.NOT_ENOUGH_EVIDENCE),
    ((1000, 1000), (1000, 1000), Word.NOT_ENOUGH_EVIDENCE),  # it cannot get worse: nothing is shown
]


@pytest.mark.parametrize(("base", "cand", "word"), SHARES)
def test_each_pair_of_shares_has_its_word(
    base: tuple[int, int], cand: tuple[int, int], word: Word
) -> None:
    found = compare_shares(base, cand)
    assert found.word is word, found.sentence


def test_too_little_to_see_it_is_told_and_never_the_same() -> None:
    draw = random.Random(5)
    base = [draw.gauss(100, 25) for _ in range(40)]
    cand = [draw.gauss(100, 25) for _ in range(12)]
    found = compare(base, cand, min_shift=0.1, min_power=0.8)
    assert found.word is Word.NOT_ENOUGH_EVIDENCE
    assert "with n = 12 a 20% shift would be seen " in found.sentence
    assert compare(base, base * 10, min_shift=0.1, min_power=0.8).word is Word.SAME
    assert compare(base, [v * 3 for v in cand], min_shift=0.1, min_power=0.8).word is Word.WORSE


POWERS = [
    (12, 20),
    *(pytest.param(*p, marks=pytest.mark.soak) for p in [(30, 15), (30, 25), (100, 20)]),
]


@pytest.mark.parametrize(("n", "shift"), POWERS)
def test_the_stated_power_is_what_happens(n: int, shift: float) -> None:
    """400 trials of known noise: within what so many trials scatter, and the model's own error."""
    told = happened = 0.0
    for seed in range(400):
        draw = random.Random(seed)
        base = [draw.gauss(100, 20) for _ in range(60)]
        cand = [draw.gauss(100 + shift, 20) for _ in range(n)]
        told += rank_power(base, n, shift, 10, 0.01)
        happened += rank_tails(base, cand).greater < 0.01 and shift_of(base, cand, 0.01)[0] > 10
    assert told / 400 == pytest.approx(happened / 400, abs=0.07)


def test_the_power_of_shares_is_exact() -> None:
    """Two a side can never be told apart; of 3 and 3 only all against none, p = 1/20."""
    assert share_power(0.0, 1.0, 2, 2, 0.05) == 0.0
    assert share_power(0.5, 0.5, 3, 3, 0.051) == pytest.approx(0.5**6)
    assert share_power(0.0, 0.5, 30, 30, 0.01) == pytest.approx(1.0, abs=0.01)


HOLM = [
    ([], ()),
    ([0.01], (0.01,)),
    ([0.01, 0.04, 0.03], (0.03, 0.06, 0.06)),
    ([0.5, 0.6], (1.0, 1.0)),
    ([0.0, 1.0], (0.0, 1.0)),
]


@pytest.mark.parametrize(("given_", "adjusted"), HOLM)
def test_each_family_has_its_adjusted_p(given_: list[float], adjusted: tuple[float, ...]) -> None:
    assert holm(given_) == pytest.approx(adjusted)


@given(st.lists(st.floats(0, 1), max_size=12), st.randoms(use_true_random=False))
def test_adjusting_neither_lowers_nor_reorders_nor_asks_for_the_order(
    values: list[float], draw: random.Random
) -> None:
    adjusted = holm(values)
    assert all(a >= p for a, p in zip(adjusted, values, strict=True))
    assert all(a <= b or p >= q for p, a in zip(values, adjusted, strict=True)
               for q, b in zip(values, adjusted, strict=True))  # fmt: skip
    mixed = draw.sample(range(len(values)), len(values))
    assert holm([values[i] for i in mixed]) == tuple(adjusted[i] for i in mixed)


def test_a_quantile_that_moved_is_found_with_bounds_that_hold() -> None:
    base, cand = [float(n) for n in range(300)], [float(n) for n in range(500, 800)]
    found = quantile_shift(base, cand, 0.95)
    assert found.estimate == 500
    assert 0 < found.interval[0] <= 500 <= found.interval[1]
    assert quantile_interval(base[:10], 0.99)[1] == math.inf  # ten say nothing of the slowest 1 %


def test_the_target_itself_is_not_above_it() -> None:
    assert exceedance([1.0, 2.0, 3.0, 3.0], 3.0)[:2] == (0, 4)
    assert exceedance([1.0, 2.0, 3.0, 4.0], 2.0).interval == exact_interval(2, 4)


def test_more_scatter_is_told_and_less_or_the_same_is_not() -> None:
    narrow, wide = [100.0 + n % 5 for n in range(40)], [100.0 + 10 * (n % 5) for n in range(40)]
    assert wider(narrow, wide) == "it scatters 10.0 times as much as the baseline"
    assert (wider(wide, narrow), wider(wide, wide), wider(narrow, wide[:7])) == ("", "", "")
    assert wider([v * 1000 for v in narrow], [v * 1000 for v in wide]) == wider(narrow, wide)
    assert wider([100.0] * 40, wide) == "it scatters unlike the baseline"


VALUES = st.integers(1, 500).map(float)
sides = st.lists(VALUES, min_size=1, max_size=14)
counts = st.tuples(st.integers(0, 25), st.integers(1, 25)).map(lambda t: (min(t), max(t)))


@settings(max_examples=60, deadline=None)
@given(sides, sides, st.integers(0, 9), st.randoms(use_true_random=False))
def test_ranks_know_no_unit_no_order_and_no_side(
    base: list[float], cand: list[float], power: int, draw: random.Random
) -> None:
    tails = rank_tails(base, cand)
    shuffled = draw.sample(base, len(base)), draw.sample(cand, len(cand))
    assert rank_tails(*shuffled) == tails
    assert rank_tails([v * 10**power for v in base], [v * 10**power for v in cand]) == tails
    back = rank_tails(cand, base)
    assert (back.greater, back.less) == pytest.approx(tails)
    there, gone = shift_of(base, cand, 0.05), shift_of(cand, base, 0.05)
    assert there.estimate == -gone.estimate
    assert there.interval is None or gone.interval == (-there.interval[1], -there.interval[0])


slowed = st.integers(1, 14).flatmap(
    lambda n: st.tuples(
        *(st.lists(one, min_size=n, max_size=n) for one in (VALUES, st.integers(0, 300)))
    )
)


@settings(max_examples=60, deadline=None)
@given(sides, slowed)
@example(
    [1, 1, 3, 3], ([2, 4, 4, 5], [0, 1, 0, 0])
)  # where the null made of ties says 0.043, 0.057
@example([2, 5], ([1, 1, 3, 4, 3], [0, 0, 0, 0, 1]))
@example([float(n // 3) for n in range(40)], ([float(n // 2) for n in range(40)], [3] * 40))
@example([float(n // 3) for n in range(40)], ([9.0, 9.0, 8.0], [0, 1, 0]))
def test_a_slower_number_never_looks_better(
    base: list[float], changed: tuple[list[float], list[int]]
) -> None:
    cand, more = changed
    slower = [value + by for value, by in zip(cand, more, strict=True)]
    assert careful_tails(base, slower).greater <= careful_tails(base, cand).greater + 1e-12
    assert careful_tails(base, slower).less >= careful_tails(base, cand).less - 1e-12
    assert shift_of(base, slower, 0.05).estimate >= shift_of(base, cand, 0.05).estimate


@settings(max_examples=60, deadline=None)
@given(st.lists(VALUES, min_size=2, max_size=28, unique=True), st.integers(1, 27))
def test_without_ties_the_careful_test_is_the_published_one(all_: list[float], cut: int) -> None:
    base, cand = all_[: min(cut, len(all_) - 1)], all_[min(cut, len(all_) - 1) :]
    assert careful_tails(base, cand) == pytest.approx(rank_tails(base, cand))


@settings(max_examples=60, deadline=None)
@given(sides, sides, st.randoms(use_true_random=False))
def test_the_careful_test_holds_in_whatever_order_tied_numbers_truly_were(
    base: list[float], cand: list[float], draw: random.Random
) -> None:
    coarse = [[value // 100 for value in side] for side in (base, cand)]
    true = [[value + draw.random() / 2 for value in side] for side in coarse]
    assert careful_tails(*coarse).greater >= careful_tails(*true).greater - 1e-12
    assert careful_tails(*coarse).less >= careful_tails(*true).less - 1e-12


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 500).map(float), min_size=4, max_size=7), st.integers(-200, 200))
def test_saying_it_twice_makes_no_less_of_it(base: list[float], by: int) -> None:
    cand = [value + by for value in base]
    assume(by)
    once, twice = rank_tails(base, cand), rank_tails(base * 2, cand * 2)
    assert min(twice) <= min(once) + 1e-12
    assert shift_of(base * 2, cand * 2, 0.05).estimate == shift_of(base, cand, 0.05).estimate


@settings(max_examples=25, deadline=None)
@given(counts, counts)
def test_one_more_bad_never_looks_better(base: tuple[int, int], cand: tuple[int, int]) -> None:
    if cand[0] < cand[1]:
        worse = more_bad(*base, cand[0] + 1, cand[1])
        assert worse <= more_bad(*base, *cand) + 1e-6  # boschloo's search ends at 1e-6 or so
    for interval in (exact_interval, wilson_interval, jeffreys_interval):
        low, high = interval(*cand)
        assert 0 <= low <= cand[0] / cand[1] <= high <= 1
        assert interval(cand[1] - cand[0], cand[1]) == pytest.approx((1 - high, 1 - low))


@settings(max_examples=40, deadline=None)
@given(sides, st.integers(8, 60), st.integers(0, 100), st.integers(0, 100))
def test_power_grows_with_the_change_and_lies_between_0_and_1(
    base: list[float], n: int, one: int, other: int
) -> None:
    small, large = sorted((one, other))
    there = rank_power(base, n, float(large), 0.0, 0.01)
    assert 0 <= there <= 1
    assert rank_power([v * 1000 for v in base], n, 1000.0 * large, 0.0, 0.01) == pytest.approx(
        there
    )
    assert (
        share_power(0.01, large / 100, 40, n, 0.01)
        >= share_power(0.01, small / 100, 40, n, 0.01) - 1e-9
    )
