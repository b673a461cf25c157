"""What the judge looks at, arranged once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from data.records.evidence import BaselineRun, Evidence, History
from data.records.facts import (
    Collected,
    HealthReading,
    PhaseResult,
    ProbeResult,
    RevisionReading,
    Sample,
    SensitivityCell,
    SuiteResult,
)
from data.records.plan import Phase, Plan, Suite
from data.records.quarantine import Quarantine
from data.records.verdict import CriterionResult
from data.records.words import Mark, Outcome, Priority, VerdictWord
from data.rules.ago import ago
from data.rules.grammar import Rule
from data.rules.judge.falls import Fall, falls
from data.rules.judge.levels import is_time, level_of
from data.rules.judge.shifts import Key, Level, Shift, shifts
from data.rules.judge.standings import Row, Standing, Standings, Tally, rows_of, standings_of
from data.rules.manifest import Changes, changes
from data.rules.outcomes import FinalTest, SuiteKey, TestKey, as_one, final_probes
from data.rules.quarantine import covered, in_force
from data.rules.sensitivity import TestName, fresh, reds_of

_STAGES = {"start": 0, "end": 2}  # readings of one instant: what stands between comes between


@dataclass(frozen=True)
class Ruling:
    """A criterion's result, what it does to the verdict, and by which rule."""

    result: CriterionResult
    effect: VerdictWord
    rule: str
    dry_run: bool = False


@dataclass(frozen=True)
class Case:
    """Plan, evidence and history of one run and the time of judging, with look-ups."""

    plan: Plan
    evidence: Evidence
    history: History
    now: datetime

    @cached_property
    def cells(self) -> tuple[SensitivityCell, ...]:
        """What audits say that had not expired when the run began."""
        max_age_s = self.plan.audit.max_age
        return fresh(self.history.sensitivity, self.evidence.run.started_at, max_age_s)

    @cached_property
    def reds(self) -> dict[TestName, frozenset[str]]:
        """(suite or probe, test id) -> negative controls that turned it red."""
        return reds_of(self.cells)

    @cached_property
    def sensitive(self) -> dict[TestName, bool]:
        """(suite or probe, test id) -> whether any negative control turned it red."""
        return {name: bool(red) for name, red in self.reds.items()}

    @cached_property
    def rows(self) -> list[Row]:
        """What is read of each test, in the order in which they were recorded."""
        return rows_of(self.evidence.tests)

    @cached_property
    def _standings(self) -> Standings:
        return standings_of(self.evidence.tests, self.rows, self.sensitive)

    @property
    def finals(self) -> dict[SuiteKey, dict[str, Standing]]:
        """(phase, suite) -> test id -> how it stands, in order of first appearance."""
        return self._standings.all

    @cached_property
    def unpassed(self) -> dict[SuiteKey, dict[str, FinalTest]]:
        """Those whose outcome is not PASS: few, so that a rule about them need not read all."""
        return {
            key: {name: final for name, final in apart.items() if final[0] is not Outcome.PASS}
            for key, apart in self._standings.apart.items()
        }

    @cached_property
    def quarantined(self) -> dict[TestKey, Quarantine]:
        """Tests that ended and are in a quarantine in force; what did not end is never spared."""
        live = in_force(self.plan, self.now)
        suites = {entry.suite for entry in live}
        ended = (
            (*place, name)
            for place, finals in self.finals.items()
            if place[1] in suites
            for name, final in finals.items()
            if final.outcome not in (Outcome.NOT_RUN, Outcome.SKIPPED)
        )
        return dict(covered(live, ended)) if live else {}

    def counted(self, key: SuiteKey) -> dict[str, Standing]:
        """Finals of a suite without those in quarantine: they speak neither for nor against it."""
        finals, spared = self.finals.get(key, {}), self.spared(key)
        return {n: f for n, f in finals.items() if n not in spared} if spared else finals

    def spared(self, key: SuiteKey) -> set[str]:
        """Tests of a suite that are in quarantine, by id."""
        return self._spared.get(key, set())

    @cached_property
    def _spared(self) -> dict[SuiteKey, set[str]]:
        found: dict[SuiteKey, set[str]] = defaultdict(set)
        for phase, suite, name in self.quarantined:
            found[phase, suite].add(name)
        return dict(found)

    def tally(self, key: SuiteKey) -> Tally:
        """Number of tests of a suite by outcome and grade, those in quarantine included."""
        return self._tallies.get(key, Counter())

    def counted_tally(self, key: SuiteKey) -> Tally:
        """The same of those that count."""
        spared = self.spared(key)
        if not spared:
            return self.tally(key)
        return self.tally(key) - Counter(self.finals[key][name] for name in spared)

    @cached_property
    def _tallies(self) -> dict[SuiteKey, Tally]:
        return {key: Counter(finals.values()) for key, finals in self.finals.items()}

    @cached_property
    def ever_red(self) -> frozenset[SuiteKey]:
        """Suites with a red attempt, whatever came of it."""
        apart = self._standings.apart.items()
        return frozenset(key for key, finals in apart if any(f.red for f in finals.values()))

    @cached_property
    def unspared(self) -> Case:
        """The same case under a plan without quarantines."""
        made = replace(self, plan=self.plan.model_copy(update={"quarantine": ()}))
        vars(made).update(_standings=self._standings, _tallies=self._tallies)  # alike for both
        return made

    @cached_property
    def collected(self) -> dict[SuiteKey, Collected]:
        """(phase, suite) -> manifest."""
        return {(c.phase, c.suite): c for c in self.evidence.collected}

    @cached_property
    def suites(self) -> dict[SuiteKey, SuiteResult]:
        """(phase, suite) -> its first attempt, the one that ran every test; shards as one."""
        return {key: as_one(ran) for key, ran in self._first_attempts.items()}

    @cached_property
    def _first_attempts(self) -> dict[SuiteKey, list[SuiteResult]]:
        found: dict[SuiteKey, list[SuiteResult]] = defaultdict(list)
        for suite in sorted(self.evidence.suites, key=lambda s: (s.attempt, s.shard)):
            found[(suite.phase, suite.suite)].append(suite)
        return {k: [s for s in ran if s.attempt == ran[0].attempt] for k, ran in found.items()}

    def unheard_shards(self, key: SuiteKey) -> int:
        """Processes of a suite's first attempt whose end nobody saw."""
        ran = self._first_attempts.get(key, [])
        return max(0, max((s.n_shards for s in ran), default=1) - len(ran))

    @cached_property
    def changes(self) -> dict[SuiteKey, Changes]:
        """(phase, suite) -> tests that are new or gone since the last promoted run."""
        return changes(self.history.tests, self.evidence.collected, self._standings.unread)

    @cached_property
    def probes(self) -> dict[SuiteKey, ProbeResult]:
        """(phase, probe) -> its final result; FLAKY when a red attempt came before a pass."""
        return final_probes(self.evidence.probes)

    @cached_property
    def phases(self) -> dict[str, PhaseResult]:
        """Phase id -> how it ended."""
        return {p.phase: p for p in self.evidence.phases}

    def health(self, stage: str) -> dict[str, HealthReading]:
        """Service -> reading of one stage (`before`, `gate`, `target`, `end`)."""
        return {h.service: h for h in self.evidence.health if h.stage == stage}

    def readings(self, service: str) -> list[RevisionReading]:
        """Revision readings of one service in order of time, then of stage."""
        found = (r for r in self.evidence.revisions if r.service == service)
        return sorted(found, key=lambda r: (r.at, _STAGES.get(r.stage, 1), r.stage))

    def samples(self, metric: str) -> list[float]:
        """Values (ms) of one metric from executions that succeeded, as far as they are times."""
        return [s.value for s in self.taken(metric) if s.ok and is_time(s.value)]

    def taken(self, metric: str) -> list[Sample]:
        """Every sample of one metric, of failed executions too."""
        return self._by_metric.get(metric, [])

    @cached_property
    def _by_metric(self) -> dict[str, list[Sample]]:
        found: dict[str, list[Sample]] = defaultdict(list)
        for sample in self.evidence.samples:
            found[sample.metric].append(sample)
        return dict(found)

    @cached_property
    def shifts(self) -> dict[Key, Shift]:
        """(metric, limit) -> its comparison with the baseline, where that has the metric."""
        return shifts(self.plan, [_timely(run) for run in self.history.baseline], self.samples)

    @cached_property
    def falls(self) -> dict[Key, Fall]:
        """(metric, limit) -> its failures beside the baseline's, where that has the metric."""
        return falls(self.plan, self.history.baseline, self.bad)

    def spoiled(self, metric: str) -> str:
        """The first promoted run with a value of the metric that is no time, or ""."""
        runs = (*self.history.baseline, *self.history.anchor, self.history.reference)
        found = (run for run in runs if run is not None)
        return next((r.run_id for r in found if not _are_times(r.samples.get(metric, ()))), "")

    def bad(self, metric: str) -> tuple[int, int]:
        """How many executions failed, of how many that were begun."""
        taken = self.taken(metric)
        return sum(not sample.ok for sample in taken), len(taken)

    def anchor(self, rule: Rule) -> list[Level]:
        """Promoted runs of the anchor's window, each as one number."""
        since = ago(self.evidence.run.started_at, self.plan.baseline.anchor)
        runs = {run.run_id: run for run in (*self.history.anchor, *self.history.baseline)}
        found = (
            (run.at, run.run_id, level_of(rule, run.samples.get(rule.subject, ())))
            for run in runs.values()
            if run.at is not None and run.at >= since
        )
        return [Level(at, name, value) for at, name, value in found if value is not None]

    def reference(self, rule: Rule) -> tuple[str, float | None]:
        """The plan's frozen reference run, "" without one, and its number."""
        run = self.history.reference
        found = level_of(rule, run.samples.get(rule.subject, ())) if run else None
        return self.plan.baseline.reference or "", found

    def expected(self, phase: Phase, suite: Suite) -> int:
        """How many tests must be there: the plan's number, its ids, or what was there."""
        known = self._n_known.get((phase.id, suite.id), 0)
        return max(suite.expect.at_least, len(suite.expect.ids), known)

    @cached_property
    def _n_known(self) -> dict[SuiteKey, int]:
        """(phase, suite) -> how many tests were collected or heard of."""
        empty: dict[str, Standing] = {}
        named = {key: self.collected[key].test_ids for key in self.collected}
        return {
            key: len(self.finals.get(key, empty).keys() | named.get(key, ()))
            for key in {*named, *self.finals}
        }


def _are_times(values: Iterable[float]) -> bool:
    return all(map(is_time, values))


def _timely(run: BaselineRun) -> BaselineRun:
    """The run without metrics that have a value which is no time: those are no yardstick."""
    if all(map(_are_times, run.samples.values())):
        return run
    samples = {name: values for name, values in run.samples.items() if _are_times(values)}
    return run.model_copy(update={"samples": samples})


def outcomes_of(tally: Tally) -> Counter[Outcome]:
    """Number of tests by outcome alone."""
    found: Counter[Outcome] = Counter()
    for (outcome, _), n in tally.items():
        found[outcome] += n
    return found


def effect_of(priority: Priority, mark: Mark) -> VerdictWord:
    """What a criterion's mark means for the deployment (the table of the design)."""
    if mark is Mark.PASS:
        return VerdictWord.PROMOTE
    if priority is Priority.P3 or mark is Mark.FLAKY:
        return VerdictWord.PROMOTE_WITH_WATCH
    if priority is Priority.P1 and mark is Mark.FAIL:
        return VerdictWord.ROLL_BACK
    return VerdictWord.HOLD


def ruling(
    id: str,
    priority: Priority,
    mark: Mark,
    sentence: str,
    evidence: tuple[str, ...] = (),
    effect: VerdictWord | None = None,
) -> Ruling:
    """A ruling whose rule reads as a reason: `P1 FAIL p1/chat/core: 3 failed > 0 tolerated`."""
    result = CriterionResult(
        id=id, priority=priority, outcome=mark, sentence=sentence, evidence=evidence
    )
    word = effect or effect_of(priority, mark)
    return Ruling(result, word, f"{priority} {mark} {id}: {sentence}")
