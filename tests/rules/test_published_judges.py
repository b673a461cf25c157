"""Published vectors of other judges: what is sound in them holds here, what is not is refused.

`../shared/data/judge_vectors.json` is read in place. Every key of it is either in a test of this
file or of test_compare.py, or named with a reason in LEFT_OUT.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from data.records.evidence import BaselineRun
from data.records.words import Mark, VerdictWord
from data.rules.compare import Word, compare, compare_shares
from data.rules.grammar import Rule, parse_rule
from data.rules.statistics.location import rank_tails, shift_of
from tests.rules.making import Input, both, green, known, planned, samples, seen

VECTORS = Path(__file__).parents[3] / "shared" / "data" / "judge_vectors.json"
ELSEWHERE = {"keptn.percentile": "test_compare.py"}
LEFT_OUT = {
    "kayenta.score": "a weighted score never decides here; ADR 0025",
    "kayenta.verdict": "thresholds on that score",
    "keptn.total_score": "the same; 'only info objectives' passing is a judge that fails open",
    "argo.assess_metric": "counts of repeated measurements over time; a run here is judged once, by all"
    " its samples; argo-07 (three failures of three are Successful) fails open",
    "webhook_signatures": "signatures are no judging; tested where hooks are",
}
HERE = {
    "kayenta.mann_whitney_ci", "kayenta.classify", "kayenta.stats", "known_defects_do_not_copy",
    "keptn.parse_criteria", "keptn.compare_relative", "keptn.objective", "argo.combine",
    "argo.measurement", "k6.threshold", "keptn_lifecycle_toolkit.analysis",
}  # fmt: skip
STATS_LEFT_OUT = {
    "pct-1": "interpolated percentile (type 7); here a percentile is a value that was measured",
    "pct-3": "the same",
    "iqr-1": "no sample is thrown away as an outlier",
    "ksig-1": "the same",
    "nan-2": "a number that is none is never replaced by 0",
}


def every() -> dict[str, Any]:
    if not VECTORS.exists():
        pytest.skip("../shared/data/judge_vectors.json is not beside this clone")
    found: dict[str, Any] = json.loads(VECTORS.read_text())
    return found


def vectors(key: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = every()[key]["vectors"]
    return found


def test_every_published_key_is_tested_or_left_out_for_a_reason() -> None:
    keys = {key for key in every() if not key.startswith("_")}
    assert keys == HERE | LEFT_OUT.keys() | ELSEWHERE.keys()


def mark(text: str, values: tuple[float, ...], *earlier: float, **more: Any) -> Mark:
    """What the judge says of a rule over these samples; `earlier`: levels of promoted runs."""
    return judged(text, values, *earlier, **more)[0]


def judged(
    text: str, values: tuple[float, ...], *earlier: float, **more: Any
) -> tuple[Mark, VerdictWord]:
    runs = tuple(
        BaselineRun(run_id=f"old-{n}", revision="r", samples={"chat": (level,) * 20})
        for n, level in enumerate(earlier)
    )
    criterion = {"id": "it", "priority": "P2", "rule": text} | more
    change = both(
        planned(criteria=[criterion]), seen(samples=samples(values)), known(baseline=runs)
    )
    case: Input = change(green())
    verdict = case.judged()
    word: dict[str, Mark] = {c.id: c.outcome for c in verdict.criteria}
    if word["it"] is Mark.PASS and word.get("it/warn") is Mark.FAIL:
        return Mark.FLAKY, verdict.verdict  # neither: satisfied, with a warning
    return word["it"], verdict.verdict


def test_the_shift_and_its_interval_are_the_published_ones() -> None:
    for one in vectors("kayenta.mann_whitney_ci"):
        found = shift_of(one["y_control"], one["x_experiment"], 1 - one["conf_level"])
        assert found.estimate == pytest.approx(one["expected"]["estimate"], abs=1e-3)
        assert found.interval is not None
        assert found.interval == pytest.approx(one["expected"]["ci"], abs=1e-2), one["id"]


# Fewer than eight a side: that judge answers, an exact rank test at its level mostly cannot.
def test_a_clear_change_is_found_on_the_side_where_it_is_published() -> None:
    words = {"Low": Word.BETTER, "High": Word.WORSE}
    for one in vectors("kayenta.classify"):
        given = one["input"]
        base, cand = given["control"], given["experiment"]
        found = compare(base, cand, min_shift=given["tolerance"])
        expected = one["expected"]["classification"]
        if min(len(base), len(cand)) < 8:
            assert found.word is Word.NOT_ENOUGH_EVIDENCE, one["id"]
        elif given["effect_measure"] == "meanRatio":
            high = expected == "Pass" and given["direction"] == "decrease"  # a rise not asked for
            allowed = (Word.SAME, Word.WORSE) if high else (words.get(expected, Word.SAME),)
            assert found.word in allowed, one["id"]
        else:  # cles: the share of pairs in which the candidate is larger, which ranks tell
            tails = rank_tails(base, cand)
            assert (tails.less < 0.01) == (expected == "Low"), one["id"]


def test_the_pairs_that_are_larger_are_the_published_share() -> None:
    for one in vectors("kayenta.stats"):
        if one["id"] in STATS_LEFT_OUT:
            continue
        base, cand = one["control"], one["experiment"]
        if one["fn"].startswith("cles"):
            told = sum((c > b) + (c == b) / 2 for c in cand for b in base) / len(base) / len(cand)
            tails = rank_tails(base, cand)
            assert told == pytest.approx(one["expected"], abs=1e-6)
            assert (tails.greater < tails.less) == (told > 0.5)
        else:  # a ratio to a mean of 0 is no number: no answer
            assert one["expected"] == "NaN"
            assert compare(base * 2, cand * 2).word is Word.NOT_ENOUGH_EVIDENCE


def test_known_defects_get_the_right_answer() -> None:
    defects = {one["id"]: one["input"] for one in vectors("known_defects_do_not_copy")}
    assert defects.keys() == {"def-1", "def-3", "def-5", "def-7"}
    tiny, sparse = defects["def-1"], defects["def-5"]
    exact = rank_tails(tiny["control"], tiny["experiment"]).two_sided
    assert exact == pytest.approx(1 / 3)
    assert compare(tiny["control"], tiny["experiment"]).word is Word.NOT_ENOUGH_EVIDENCE
    assert shift_of(tiny["control"], tiny["experiment"], 0.02).interval is None
    for key in ("experiment_pass", "experiment_high"):
        assert compare(defects["def-3"]["control"], defects["def-3"][key]).word is Word.WORSE
    bad = [sum(v > 0 for v in sparse[side]) for side in ("control", "experiment")]
    found = compare_shares((bad[0], 6), (bad[1], 6))  # 0 and 3 of 6: p = 0.05, and never a pass
    assert found.word is Word.NOT_ENOUGH_EVIDENCE
    again = {rank_tails([10.0] * 3, [10.0001] * 3) for _ in range(50)}
    assert len(again) == 1
    assert compare_shares((0, 30), (15, 30)).word is Word.WORSE  # the issue's own example


def test_criteria_of_keptn_are_rules_here_when_named() -> None:
    for one in vectors("keptn.parse_criteria"):
        wanted = one["expected"]
        text = (
            one["criteria"].strip().replace("=1", "==1") if wanted["op"] == "=" else one["criteria"]
        )
        unit = "" if wanted["percent"] else " ms"
        rule = parse_rule(f"p95(chat) {text}{unit}")
        assert isinstance(rule, Rule)
        assert rule.operator.replace("==", "=") == wanted["op"]
        assert rule.limit == pytest.approx(wanted["value"] / (100 if wanted["percent"] else 1))
        assert rule.relative is wanted["relative"]
        assert (rule.unit == "%") is wanted["percent"]


def test_limits_against_earlier_runs_hold_where_it_is_published() -> None:
    for one in vectors("keptn.compare_relative"):
        levels = [v for v in one["previous"] if not isinstance(v, dict)]
        text = (
            one["criteria"].replace("=+1", "==+1") if one["criteria"][0] == "=" else one["criteria"]
        )
        unit = "" if "%" in text else " ms"
        found = mark(f"median(chat) {text}{unit}", (float(one["value"]),) * 20, *levels)
        if not levels:  # they pass where nothing is left to compare with; that is no evidence
            assert found is Mark.NOT_EVALUATED
        else:
            assert (found is Mark.PASS) is one["expected"], one["criteria"]


def test_objectives_with_a_warning_are_pass_warn_or_fail_where_published() -> None:
    expected = {"pass": Mark.PASS, "warning": Mark.FLAKY, "fail": Mark.FAIL}
    for one in vectors("keptn.objective"):
        levels = [v for v in one.get("previous", ()) if not isinstance(v, dict)]
        strict, loose = rule_of(one["pass_any_of"]), rule_of(one.get("warn_any_of", ()))
        value = one["value"]
        values = () if value is None else (float(value),) * 20
        more = {"warn": strict} if loose else {}
        found, word = judged(loose or strict, values, *levels, **more)
        if value is None:  # the measuring failed: never a pass
            assert (found, word) == (Mark.NOT_EVALUATED, VerdictWord.HOLD)
        elif not levels:
            assert found is Mark.NOT_EVALUATED, one["name"]
        else:
            assert found is expected[one["expected"]["status"]], one["name"]


def rule_of(any_of: list[list[str]]) -> str:
    """[[a, b], [c]] as the grammar writes it: all of a list, or all of another."""
    lists = [
        " and ".join(f"median(chat) {c}{'' if '%' in c else ' ms'}" for c in all_of)
        for all_of in any_of
    ]
    return " or ".join(f"({text})" for text in lists)


def test_no_objective_and_no_sample_fail_closed() -> None:
    """Both are published to pass; `check` and the judge refuse."""
    (k6,) = vectors("k6.threshold")
    assert (k6["samples"], k6["expected"]) == (0, "pass")
    assert mark("share(chat) >= 99 %", ()) is Mark.NOT_EVALUATED
    for one in vectors("keptn_lifecycle_toolkit.analysis"):
        assert one["name"] in ("no objectives", "warning", "key objective failed")
    # "key objective failed": one that fails decides, whatever weight the others have
    slow, word = judged("p95(chat) < 1 ms", (100.0,) * 20, weight=0.01)
    assert (slow, word) == (Mark.FAIL, VerdictWord.HOLD)


WORST = {"Failed": "FAIL", "Error": "NOT", "Inconclusive": "NOT", "Running": "NOT"}


def test_the_worst_of_several_decides_and_a_dry_run_does_not() -> None:
    rules = {"Successful": "p95(chat) < 1 s", "Failed": "p95(chat) < 1 ms"}
    for one in vectors("argo.combine"):
        texts = [rules.get(m.removesuffix("(dryRun)"), "p95(gone) < 1 s") for m in one["metrics"]]
        dry = any("dryRun" in m for m in one["metrics"])
        found, word = judged(" and ".join(texts), (100.0,) * 20, dry_run=dry)
        if dry:
            assert (one["expected"], word) == ("Successful", VerdictWord.PROMOTE)
        else:
            assert str(found).startswith(WORST[one["expected"]]), one


def test_one_measurement_is_judged_as_published_and_none_is_never_a_success() -> None:
    good, torn, unsure, nothing = vectors("argo.measurement")
    values = samples((1.0,) * 200)
    share = [v.model_copy(update={"ok": n >= 10}) for n, v in enumerate(values)]
    case = planned(criteria=[{"id": "it", "priority": "P2", "rule": "share(chat) > 90 %"}])(green())
    (found,) = (c for c in seen(samples=tuple(share))(case).judged().criteria if c.id == "it")
    assert (good["value"], good["expected"], found.outcome) == (0.95, "Successful", Mark.PASS)
    for one in (torn, unsure, nothing):  # NaN and nothing: the second is published to succeed
        assert one["value"] in ("NaN", [])
        assert mark("share(chat) >= 95 %", ()) is Mark.NOT_EVALUATED
    assert compare([1.0] * 8, [float("nan")] * 8).word is Word.NOT_ENOUGH_EVIDENCE
