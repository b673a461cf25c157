"""`make bench`: how often the judge alarms for nothing, and how often it sees what is there.

Simulated with fixed seeds, side by side on the same numbers with a plain two-sided Mann-Whitney test
at 0.98 and with Kayenta's published rule, computed again from its description: an interval of the
shift at 0.98 whose lower end lies above a quarter of the estimated shift. Both know one earlier run,
as they are used; the judge knows twenty promoted runs, its default. Deployments of the same code differ: `between`.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from statistics import NormalDist

import numpy as np

from data.records.evidence import BaselineRun, Evidence, History
from data.records.plan import Plan
from data.records.words import Mark
from data.rules.grammar import Rule, parse_rule
from data.rules.judge.falls import falls, judged_fall
from data.rules.judge.shifts import Level, drift, judged, shifts
from data.rules.statistics.location import rank_tails, shift_of
from flows.at_rest import judge_at_rest
from tests.rules.making import NOW, PLAN, green
from tests.rules.making import test as making_test

N_TRIALS = 200  # where nothing changed, and of errors
N_CHANGED = 60
N_BASELINE = 20
N_METRICS = 10
N_RESULTS = 100_000
WITHIN = 0.15  # noise of one sample, log-normal
SIZES = (30, 100, 300)
LIMIT = 0.05
GOAL = 0.02
LEVELS: dict[str, Callable[[random.Random], float]] = {
    "Student's t of 3": lambda d: (
        100 * math.exp(0.03 * d.gauss(0, 1) / math.sqrt(d.gammavariate(1.5, 2) / 3))
    ),
    "two machines 8 % apart": lambda d: d.choice((100, 108)) * d.lognormvariate(0, 0.01),
    "exponential": lambda d: 100 + d.expovariate(1 / 4),
}


def main() -> None:
    """Simulate and print tables."""
    began = time.perf_counter()
    print(
        f"{N_TRIALS} trials a row, {N_CHANGED} where it is slower; alarms, and in brackets 'not enough evidence'"
    )
    print(f"latency, shift <= {LIMIT:.0%}; goal: at most {GOAL:.0%} where nothing changed")
    _head()
    for between, change in ((0.0, 0.0), (0.03, 0.0), (0.03, 0.2)):
        trials = N_CHANGED if change else N_TRIALS
        for n in SIZES:
            found = _latency(n, change, between, trials)
            _row(f"{change:+.0%}, n = {n}, between {between:.0%}", found, trials)
    many = _any_of_many()
    print(f"{N_METRICS} metrics, no change, n = 30, between 3%: any alarm {many:.1%}")
    print("no change, between 3 %, samples without doubt, by number of promoted runs:", end=" ")
    print(", ".join(f"{k}: {_by_runs(k):.1%}" for k in (3, 5, 10, 20)))
    print("level of a deployment otherwise spread, n = 300, no change:", end=" ")
    print(", ".join(f"{name}: {_alarms(one):.1%}" for name, one in LEVELS.items()))
    print(f"errors, baseline 1 %, share >= -1 %; the judge knows {N_BASELINE} promoted runs")
    _head()
    for after in (0.01, 0.05):
        for n in SIZES:
            _row(f"1% -> {after:.0%}, n = {n}", _errors(n, after), N_TRIALS)
    print("drift over ten releases, limit 10 %, alarm at the tenth")
    for noise, step in ((0.03, 0.0), (0.05, 0.0), (0.01, 0.03), (0.03, 0.03)):
        print(f"  {step:+.0%} a release, noise {noise:.0%}: {_drifts(noise, step):.1%}")
    _speed()
    print(f"took {time.perf_counter() - began:.0f} s")


def _speed() -> None:
    """The judge as the flow calls it, on 100,000 results of 20 suites under 200 criteria."""
    suites = [{"id": f"s{n}", "command": ["x"], "expect": N_RESULTS // 20} for n in range(20)]
    rules = ("failed({}) == 0", "pass_share({}) >= 99 %", "vacuous({}) <= {n}", "p95(chat) < {n} s")
    criteria = [
        {"id": f"c{n}", "priority": "P2", "rule": rules[n % 4].format(f"s{n % 20}", n=n + 1)}
        for n in range(200)
    ]
    one = green()
    spared = {"suite": "s1", "test": "test_1", "owner": "ann", "until": "2027-01-01", "reason": "r"}
    phase = PLAN["phases"][0] | {"suites": suites, "priority": "P2"}
    written = {k: v for k, v in PLAN.items() if k != "revenue"}
    written |= {"phases": [phase], "capabilities": {}, "criteria": criteria}
    plan = Plan.model_validate(written)
    tests = tuple(
        making_test((phase["id"], f"s{n % 20}"), f"tests/test_it.py::test_{n}", duration_ms=n % 97)
        for n in range(N_RESULTS)
    )
    evidence = one.evidence.model_copy(update={"tests": tests})
    _timed("", plan, evidence, one.history)
    quarantined = Plan.model_validate(written | {"quarantine": [spared]})
    _timed(", one test in quarantine", quarantined, evidence, one.history)


def _timed(what: str, plan: Plan, evidence: Evidence, history: History) -> None:
    times = []
    for _ in range(7):
        wall, cpu = time.perf_counter(), time.process_time()
        judge_at_rest(plan, evidence, history, NOW)
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    wall, cpu = (1000 * statistics.median(side) for side in zip(*times, strict=True))
    told = f"{wall:.0f} ms, CPU {cpu:.0f} ms (goal: 200 ms)"
    print(f"{N_RESULTS:,} results, 200 criteria{what}: {told}")


def _head() -> None:
    print(f"  {'':34}{'golden path':>18}{'Mann-Whitney':>15}{'Kayenta':>10}")


def _row(label: str, found: Counter[str], trials: int) -> None:
    share = {key: n / trials for key, n in found.items()}
    ours = f"{share.get('ours', 0):.1%} ({share.get('unknown', 0):.0%})"
    plain, kayenta = share.get("plain", 0), share.get("kayenta", 0)
    print(f"  {label:34}{ours:>18}{plain:>15.1%}{kayenta:>10.1%}")


def _samples(draw: random.Random, n: int, between: float, change: float = 0.0) -> list[float]:
    level = 100 * draw.lognormvariate(0, between) * (1 + change)
    return [level * draw.lognormvariate(0, WITHIN) for _ in range(n)]


def _plan(n_metrics: int) -> Plan:
    names = [f"m{n}" for n in range(n_metrics)]
    rules = [{"id": m, "priority": "P2", "rule": f"shift({m}) <= {LIMIT:%}"} for m in names]
    return Plan.model_validate(PLAN | {"criteria": rules})


def _marks(draw: random.Random, n: int, between: float, change: float, plan: Plan) -> list[Mark]:
    names = [c.id for c in plan.criteria]
    runs = [
        BaselineRun(
            run_id=f"r{i}",
            revision=None,
            samples={m: tuple(_samples(draw, n, between)) for m in names},
        )
        for i in range(N_BASELINE)
    ]
    now = {m: _samples(draw, n, between, change) for m in names}
    found = shifts(plan, runs, lambda metric: now[metric])
    _last[:] = [list(runs[0].samples[names[0]]), now[names[0]]]
    return [judged(one)[0] for one in found.values()]


_last: list[list[float]] = [[], []]  # what the other two judges are given: the newest run and this


def _latency(n: int, change: float, between: float, trials: int) -> Counter[str]:
    found: Counter[str] = Counter()
    plan = _plan(1)
    for seed in range(trials):
        (mark,) = _marks(random.Random(seed), n, between, change, plan)
        _others(found, *_last)
        found["ours"] += mark is Mark.FAIL
        found["unknown"] += mark is Mark.NOT_EVALUATED
    return found


def _any_of_many() -> float:
    plan, trials = _plan(N_METRICS), N_TRIALS // 5
    marks = (_marks(random.Random(seed), 30, 0.03, 0.0, plan) for seed in range(trials))
    return sum(Mark.FAIL in one for one in marks) / trials


def _errors(n: int, after: float) -> Counter[str]:
    found: Counter[str] = Counter()
    rule = {"id": "m", "priority": "P2", "rule": "share(m) >= -1 %"}
    plan = Plan.model_validate(PLAN | {"criteria": [rule]})
    for seed in range(N_TRIALS):
        draw = random.Random(seed)
        runs = [[float(draw.random() < 0.01) for _ in range(n)] for _ in range(N_BASELINE)]
        cand = [float(draw.random() < after) for _ in range(n)]
        _others(found, runs[0], cand)
        now = round(sum(cand)), n
        earlier = [
            BaselineRun(run_id=f"r{i}", revision=None, failed={"m": (round(sum(one)), n)})
            for i, one in enumerate(runs)
        ]
        (fall,) = falls(plan, earlier, lambda _, now=now: now).values()
        mark, _ = judged_fall(fall, now, -0.01)
        found["ours"] += mark is Mark.FAIL
        found["unknown"] += mark is Mark.NOT_EVALUATED
    return found


def _alarms(level: Callable[[random.Random], float]) -> float:
    """Where deployments differ in other ways than the normal one that the judge reckons with."""
    plan, n_alarms = _plan(1), 0
    for seed in range(N_TRIALS):
        draw = random.Random(seed)
        made = [
            [by * draw.lognormvariate(0, WITHIN) for _ in range(300)]
            for by in (level(draw) for _ in range(N_BASELINE + 1))
        ]
        runs = [
            BaselineRun(run_id=f"r{i}", revision=None, samples={"m0": tuple(one)})
            for i, one in enumerate(made[1:])
        ]
        (found,) = shifts(plan, runs, lambda _, now=made[0]: now).values()
        n_alarms += judged(found)[0] is Mark.FAIL
    return n_alarms / N_TRIALS


def _others(found: Counter[str], base: Sequence[float], cand: Sequence[float]) -> None:
    found["plain"] += rank_tails(base, cand).two_sided < 0.02
    found["kayenta"] += _kayenta(base, cand)


def _kayenta(base: Sequence[float], cand: Sequence[float]) -> bool:
    """High or Low. Its defaults: tolerance 0.25, level 0.98, any direction."""
    gaps = np.sort(np.subtract.outer(np.array(cand), np.array(base)), axis=None)
    estimate = shift_of(base, cand, 0.02).estimate
    m, n = len(base), len(cand)
    ties = sum(k**3 - k for k in Counter([*base, *cand]).values())
    spread = math.sqrt(m * n / 12 * ((m + n + 1) - ties / ((m + n) * (m + n - 1))))
    reach = NormalDist().inv_cdf(0.99) * spread + 0.5
    low = gaps[max(0, math.floor(m * n / 2 - reach))]
    high = gaps[min(m * n - 1, math.ceil(m * n / 2 + reach))]
    bound = 0.25 * abs(estimate)
    return bool(low > bound or high < -bound)


def _by_runs(k: int) -> float:
    """How often the judge accuses one more of as many levels; samples leave next to no doubt."""
    plan, trials, n_alarms = _plan(1), 5 * N_TRIALS, 0
    for seed in range(trials):
        draw = random.Random(seed)
        now, *before = (
            [level * draw.lognormvariate(0, 0.001) for _ in range(30)]
            for level in (draw.lognormvariate(4.6, 0.03) for _ in range(k + 1))
        )
        runs = [
            BaselineRun(run_id=f"r{i}", revision=None, samples={"m0": tuple(one)})
            for i, one in enumerate(before)
        ]
        (found,) = shifts(plan, runs, lambda _, now=now: now).values()
        n_alarms += judged(found)[0] is Mark.FAIL
    return n_alarms / trials


def _drifts(noise: float, step: float) -> float:
    rule = parse_rule("shift(m) <= 10 %")
    assert isinstance(rule, Rule)
    began, n = datetime(2026, 1, 1, tzinfo=UTC), 0
    for seed in range(N_TRIALS):
        draw = random.Random(seed)
        values = [100 * (1 + step) ** k * draw.lognormvariate(0, noise) for k in range(11)]
        levels = [Level(began + timedelta(k), f"r{k}", v) for k, v in enumerate(values[:-1])]
        n += drift(rule, values[-1], levels) != ""
    return n / N_TRIALS


if __name__ == "__main__":
    main()
