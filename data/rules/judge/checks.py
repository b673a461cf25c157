"""Rulings on suites and probes: the criterion that each of them carries by being in the plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from data.records.facts import ProbeResult
from data.records.plan import Phase, Suite
from data.records.words import Grade, Mark, Outcome, VerdictWord
from data.rules.judge.case import Case, Ruling, outcomes_of, ruling
from data.rules.judge.quarantined import with_quarantined
from data.rules.judge.standings import Standing, Tally
from data.rules.outcomes import FinalTest
from data.rules.quarantine import is_named

Finals = dict[str, Standing]
_PROBE_MARKS = {
    Outcome.PASS: Mark.PASS,
    Outcome.FAIL: Mark.FAIL,
    Outcome.FLAKY: Mark.FLAKY,
    Outcome.ERROR: Mark.ERROR,
}


def check_rulings(case: Case) -> Iterator[Ruling]:
    """One ruling for each suite and each probe of the plan, seen or not."""
    for phase in case.plan.phases:
        if not phase.suites and not phase.probes:
            id = f"{phase.priority.lower()}/{phase.id}"
            text = "the phase has no suites and no probes"
            yield ruling(id, phase.priority, Mark.NOT_RUN, text)
        for suite in phase.suites:
            yield _suite(case, phase, suite)
        for probe in phase.probes:
            id = f"{phase.priority.lower()}/{phase.id}/{probe.id}"
            yield _probe(case, phase, id, case.probes.get((phase.id, probe.id)))


def phase_failures(case: Case, phase: Phase) -> int:
    """Failed tests of a phase after retries, without those in quarantine."""
    tallies = (case.counted_tally((phase.id, suite.id)) for suite in phase.suites)
    return sum(outcomes_of(tally)[Outcome.FAIL] for tally in tallies)


def _suite(case: Case, phase: Phase, suite: Suite) -> Ruling:
    spared = [key[2] for key in case.quarantined if key[:2] == (phase.id, suite.id)]
    rest = _suite_as_counted(case, phase, suite)
    if not spared:
        return rest
    return with_quarantined(rest, _suite_as_counted(case.unspared, phase, suite), spared)


def _suite_as_counted(case: Case, phase: Phase, suite: Suite) -> Ruling:
    finals = case.finals.get((phase.id, suite.id), {})
    mark, sentence = _suite_mark(case, phase, suite, finals)
    id = f"{phase.priority.lower()}/{phase.id}/{suite.id}"
    culprits = _culprits(mark, finals, case.unpassed.get((phase.id, suite.id), {}))
    bad = tuple(f"{phase.priority.lower()}/{suite.id}/{name}" for name in culprits)
    tolerated = mark is Mark.FAIL and phase_failures(case, phase) <= phase.tolerance
    effect = VerdictWord.PROMOTE_WITH_WATCH if tolerated else None
    return ruling(id, phase.priority, mark, sentence, bad or (id,), effect)


def _suite_mark(case: Case, phase: Phase, suite: Suite, finals: Finals) -> tuple[Mark, str]:
    rest = case.counted_tally((phase.id, suite.id))  # one in quarantine is there, but not counted
    counts = outcomes_of(rest)
    result = case.suites.get((phase.id, suite.id))
    expected, n_failed = case.expected(phase, suite), phase_failures(case, phase)
    tally = _tally(outcomes_of(case.tally((phase.id, suite.id))), expected)
    if counts[Outcome.FAIL] and n_failed > phase.tolerance:
        return Mark.FAIL, f"{n_failed} failed > {phase.tolerance} tolerated in phase; {tally}"
    if result is not None and result.broken:
        why = result.broken.removeprefix("the suite is broken: ")
        return Mark.ERROR, f"the suite itself is broken, not the product: {why}"
    if counts[Outcome.ERROR]:
        return Mark.ERROR, f"{counts[Outcome.ERROR]} tests could not be carried out; {tally}"
    missing = _missing(case, phase, suite, finals, expected)
    if missing:
        return Mark.NOT_RUN, missing if result is None else f"{missing}{_why(result.timed_out)}"
    if contradiction := _contradiction(case, phase, suite):
        return Mark.ERROR, f"{contradiction}; {tally}"
    if lost := case.unheard_shards((phase.id, suite.id)):
        what = "the runner" if lost == 1 else f"{lost} runners"
        return Mark.NOT_RUN, f"nobody saw {what} end, so it may have said more; {tally}"
    if result is not None and result.exit_code is None:
        tally = f"{tally}, exit code of the runner not known"
    spare = max(0, phase.tolerance - n_failed)
    mark, sentence = _graded(rest, counts, suite.allow_vacuous + spare, tally)
    if counts[Outcome.FAIL] and mark in (Mark.PASS, Mark.FLAKY):
        return Mark.FAIL, f"{n_failed} failed, {phase.tolerance} tolerated in phase; {tally}"
    return mark, sentence


def _contradiction(case: Case, phase: Phase, suite: Suite) -> str:
    """What the runner says against its own tests: red without a red test, or never ended."""
    key = (phase.id, suite.id)
    result = case.suites.get(key)
    if result is None:
        return ""
    if result.timed_out:
        return "the suite timed out after its last test"
    explained = not result.exit_code or key in case.ever_red
    return "" if explained else f"exit code {result.exit_code} although no test failed"


def _missing(case: Case, phase: Phase, suite: Suite, finals: Finals, expected: int) -> str:
    """Why fewer tests than expected ended, or "" when all did."""
    if (phase.id, suite.id) not in case.collected and not finals:
        return f"never ran: 0 of {expected} expected tests seen"
    absent = [n for n in suite.expect.ids if not any(is_named(n, test) for test in finals)]
    if absent:
        return f"{len(absent)} expected tests are missing: {', '.join(absent[:3])}"
    counts = outcomes_of(case.tally((phase.id, suite.id)))
    ended = sum(counts.values()) - counts[Outcome.NOT_RUN] - counts[Outcome.SKIPPED]
    if not finals and not _manifest(case, phase, suite):
        return f"0 tests collected, {expected} expected"
    if not ended and counts[Outcome.SKIPPED]:
        return f"all {counts[Outcome.SKIPPED]} tests were skipped"
    if counts[Outcome.NOT_RUN]:
        return f"{counts[Outcome.NOT_RUN]} of {expected} tests did not run, {ended} ended"
    lost = [name for name in _manifest(case, phase, suite) if name not in finals]
    if lost:
        return f"{len(lost)} of {expected} tests were collected and never heard of: {lost[0]}"
    needed = max(suite.expect.at_least, len(suite.expect.ids))
    return f"{ended} tests ended, {needed} expected" if ended < needed else ""


def _manifest(case: Case, phase: Phase, suite: Suite) -> tuple[str, ...]:
    manifest = case.collected.get((phase.id, suite.id))
    return manifest.test_ids if manifest else ()


def _why(timed_out: bool) -> str:
    return ": the suite timed out" if timed_out else ""


def _graded(rest: Tally, counts: Counter[Outcome], tolerated: int, tally: str) -> tuple[Mark, str]:
    """The mark of a suite whose tests all ended.

    A pass without contact is worth no more than a failure, and one whose contact is unknown no
    more than one without: so what tolerates the worse tolerates the better, never the reverse.

    Args:
        tolerated: passes without contact that the plan puts up with.
    """
    grades: Counter[Grade | None] = Counter()
    for (outcome, grade), n in rest.items():
        if outcome in (Outcome.PASS, Outcome.FLAKY):
            grades[grade] += n
    if grades[Grade.VACUOUS] > tolerated:
        return Mark.VACUOUS, f"{grades[Grade.VACUOUS]} passes never touched the target; {tally}"
    if grades[Grade.VACUOUS] + grades[None] > tolerated:
        return Mark.NOT_EVALUATED, f"contact with the target unknown for {grades[None]}; {tally}"
    if not grades[Grade.PROVEN] + grades[Grade.WITNESSED]:
        return _worthless(grades, tally)
    if counts[Outcome.FLAKY]:
        return Mark.FLAKY, f"{counts[Outcome.FLAKY]} failed and passed when tried again; {tally}"
    proven = f", {grades[Grade.PROVEN]} proven" if grades[Grade.PROVEN] else ""
    n_witnessed = grades.total() - grades[Grade.VACUOUS] - grades[None]
    return Mark.PASS, f"{tally}, {n_witnessed} witnessed{proven}"


def _worthless(grades: Counter[Grade | None], tally: str) -> tuple[Mark, str]:
    """Tolerance is for single tests: a suite without one pass that counts shows nothing."""
    if grades[Grade.INSENSITIVE]:
        return Mark.INSENSITIVE, f"no negative control turns any of them red; {tally}"
    if grades[Grade.VACUOUS]:
        return Mark.VACUOUS, f"no pass ever touched the target; {tally}"
    return Mark.NOT_EVALUATED, f"no pass is known to have touched the target; {tally}"


def _tally(counts: Counter[Outcome], expected: int) -> str:
    others = [
        f"{counts[o]} {o.lower().replace('_', ' ')}"
        for o in Outcome
        if o is not Outcome.PASS and counts[o]
    ]
    return ", ".join([f"{counts[Outcome.PASS]} of {expected} passed", *others])


def _culprits(mark: Mark, finals: Finals, unpassed: dict[str, FinalTest]) -> list[str]:
    wanted = {
        Mark.FAIL: (Outcome.FAIL,),
        Mark.ERROR: (Outcome.ERROR,),
        Mark.NOT_RUN: (Outcome.NOT_RUN,),
        Mark.FLAKY: (Outcome.FLAKY,),
    }.get(mark, ())
    if mark is Mark.VACUOUS:
        return [name for name, f in finals.items() if f.grade is Grade.VACUOUS]
    return [name for name, f in unpassed.items() if f.outcome in wanted]


def _probe(case: Case, phase: Phase, id: str, result: ProbeResult | None) -> Ruling:
    if result is None:
        ended = case.phases.get(phase.id)
        why = f": {ended.reason}" if ended and ended.reason else ""
        return ruling(id, phase.priority, Mark.NOT_RUN, f"the probe never ran{why}")
    mark = _PROBE_MARKS.get(result.outcome, Mark.NOT_RUN)
    if mark in (Mark.PASS, Mark.FLAKY) and result.n < 1:
        return ruling(id, phase.priority, Mark.NOT_RUN, "the probe checked nothing (n = 0)")
    if mark is Mark.PASS and result.n_failed >= result.n:
        text = f"the probe says PASS, and that {result.n_failed} of {result.n} failed"
        return ruling(id, phase.priority, Mark.ERROR, text, (id,))
    text = result.message or f"{result.n - result.n_failed} of {result.n} passed"
    if mark is Mark.PASS and case.sensitive.get((result.probe, "")) is False:
        return ruling(
            id, phase.priority, Mark.INSENSITIVE, f"no negative control turns it red; {text}", (id,)
        )
    return ruling(id, phase.priority, mark, text, (id,))
