"""The parts of several processes as one load."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import reduce

from data.records.facts import Failure
from data.records.load import LoadTerms
from data.records.load_figures import GeneratorWatch, LoadFigures, SoakFigures, Spread, StageFigures
from data.records.load_order import LoadEnd, StageTold
from data.records.words import Outcome
from data.rules.journey.summary import Conclusion
from data.rules.load.findings import first_failing, invalid, judge_stage, knee
from data.rules.load.histogram import merged, percentile
from data.rules.load.schedule import label_of
from data.rules.load.soak import soak_sentence

MOST_FAILURES = 20


def figures(terms: LoadTerms, ends: Sequence[LoadEnd], main: str | None) -> LoadFigures:
    """One load of all its processes: counts added, distributions merged exactly.

    Args:
        main: the metric that stands for the whole, for the knee and the generator's limits.
    """
    watch = _watch(ends)
    stages = [
        _stage(terms, number, [e.stages[number] for e in ends])
        for number in range(len(terms.stages))
    ]
    mains = [s.spreads[main] for s in stages if main in s.spreads]
    why = invalid(watch, [merged(mains)] if mains else [])
    judged = tuple(judge_stage(stage, terms.fails_at, why) for stage in stages)
    return LoadFigures(
        model="open" if terms.is_open else "closed",
        processes=len(ends),
        duration_s=sum(stage.duration_s for stage in judged),
        stages=judged,
        watch=watch,
        invalid=why,
        knee=knee(judged, main or ""),
        first_failing=first_failing(judged),
        timeline=_timeline(ends),
        soak=_soak(ends),
    )


def _stage(terms: LoadTerms, number: int, told: Sequence[StageTold]) -> StageFigures:
    stage = terms.stages[number]
    metrics = dict.fromkeys(metric for one in told for metric in one.spreads)
    return StageFigures(
        label=label_of(stage),
        duration_s=max(one.duration_s for one in told),
        n_intended=sum(one.n_intended for one in told) if terms.is_open else None,
        n=sum(one.n for one in told),
        n_failed=sum(one.n_failed for one in told),
        in_flight=sum(one.in_flight for one in told),
        spreads={m: merged(one.spreads.get(m, Spread()) for one in told) for m in metrics},
    )


def _watch(ends: Iterable[LoadEnd]) -> GeneratorWatch:
    watches = [end.watch for end in ends]
    return GeneratorWatch(
        late=merged(watch.late for watch in watches),
        lag=merged(watch.lag for watch in watches),
        cpu_share=max(watch.cpu_share for watch in watches),
    )


def _soak(ends: Iterable[LoadEnd]) -> SoakFigures | None:
    told = [end.soak for end in ends if end.soak]
    return reduce(SoakFigures.plus, told) if told else None


def _timeline(ends: Iterable[LoadEnd]) -> dict[str, tuple[tuple[float, int, float, float], ...]]:
    seconds: dict[str, dict[int, list[Spread]]] = defaultdict(lambda: defaultdict(list))
    for end in ends:
        for metric, rows in end.seconds.items():
            for second, spread in rows:
                seconds[metric][second].append(spread)
    return {
        metric: tuple(_row(second, merged(found[second])) for second in sorted(found))
        for metric, found in seconds.items()
    }


def _row(second: int, spread: Spread) -> tuple[float, int, float, float]:
    p50, p99 = percentile(spread, 0.5), percentile(spread, 0.99)
    return float(second), spread.n, round(p50 or 0.0, 3), round(p99 or 0.0, 3)


def conclusion(
    kind: str, terms: LoadTerms, told: LoadFigures, ends: Sequence[LoadEnd]
) -> Conclusion:
    """PASS when every stage that must hold does; ERROR where the figures are not the target's."""
    n, n_failed = sum(s.n for s in told.stages), sum(s.n_failed for s in told.stages)
    must = [s for s, stage in zip(told.stages, terms.stages, strict=True) if not stage.explore]
    bad = [stage for stage in must if stage.outcome == "FAIL"]
    unheard = [stage for stage in must if stage.outcome == "NOT_RUN"]
    things = "journeys" if kind == "journey" else "requests"
    things = "messages" if told.soak else things
    whole = f"{n} {things}, {n_failed} failed{soak_sentence(told.soak)}"
    failures = _failures(ends)
    if told.invalid:
        return Conclusion(Outcome.ERROR, f"INVALID: {told.invalid}; {whole}", n, n_failed, failures)
    if bad:
        worst = f"{bad[0].label}: {bad[0].reason}{_such(failures)}"
        return Conclusion(Outcome.FAIL, f"{whole}; {worst}", n, n_failed, failures)
    if unheard:
        said = f"{unheard[0].label}: {unheard[0].reason or 'not reached'}; {whole}"
        return Conclusion(Outcome.NOT_RUN, said, n, n_failed, failures)
    return Conclusion(Outcome.PASS, whole + _limits(told), n, n_failed, failures)


def _such(failures: Sequence[Failure]) -> str:
    if not failures:
        return ""
    return f", such as {failures[0].signature} at step {failures[0].step}: {failures[0].message}"


def _limits(told: LoadFigures) -> str:
    knee_ = f"; latency bends after {told.knee}" if told.knee else ""
    return knee_ + (f"; breaks at {told.first_failing}" if told.first_failing else "")


def _failures(ends: Iterable[LoadEnd]) -> tuple[Failure, ...]:
    """One example of each cause, the most frequent first, with its count."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    first: dict[tuple[str, str], Failure] = {}
    for end in ends:
        for counted in end.failures:
            key = (counted.first.step, counted.first.signature)
            counts[key] += counted.n
            first.setdefault(key, counted.first)
    keys = sorted(counts, key=lambda key: (-counts[key], key))[:MOST_FAILURES]
    return tuple(
        first[k].model_copy(update={"message": f"{first[k].message} ({counts[k]} times)"})
        for k in keys
    )
