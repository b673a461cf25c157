"""One row a suite: what was expected, what was collected, what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from pydantic import Field

from data.records.evidence import Evidence, History
from data.records.plan import Audit, Plan, Suite
from data.records.record import Record
from data.records.words import Grade, Outcome
from data.report.wording import counted
from data.rules.look.looking import is_static
from data.rules.manifest import manner_of
from data.rules.outcomes import FinalTest, TestKey, final_outcomes
from data.rules.sensitivity import fresh, reds_of

SuiteKey = tuple[str, str]
_MOST_LOOKED = 3


class SuiteRow(Record):
    """A suite after all attempts. Each test counts once among passed to not_run.

    Attributes:
        expected: what the plan wants at least; None without a plan.
        not_run: tests that did not end, and collected tests of which nothing was heard.
        vacuous, insensitive: passes (flaky ones included) of that grade.
        grades: passes by evidence grade; "" is a pass whose contact nobody could see.
    """

    id: str
    phase: str
    expected: int | None
    collected: int
    passed: int
    failed: int
    errors: int
    skipped: int
    flaky: int
    not_run: int
    timed_out: bool
    vacuous: int
    insensitive: int
    duration_s: float
    broken: str = Field("", exclude=True)
    grades: dict[str, int] = Field({}, exclude=True)
    paths: tuple[str, ...] = Field((), exclude=True)
    remarks: tuple[str, ...] = Field((), exclude=True)

    @property
    def n_final(self) -> int:
        """Tests of which something is known, NOT_RUN included."""
        return (self.passed + self.failed + self.errors + self.skipped + self.flaky) + self.not_run

    @property
    def n_missing(self) -> int:
        """Expected tests that were not even collected."""
        return max(0, (self.expected or 0) - max(self.collected, self.n_final))

    @property
    def n_unseen(self) -> int:
        """Passes of which nobody could see whether they touched the target."""
        return self.grades.get("", 0)

    @property
    def notes(self) -> tuple[str, ...]:
        """What its counts of outcomes do not say."""
        said = {
            f"broken itself: {self.broken}": bool(self.broken),
            "timed out": self.timed_out,
            counted(self.vacuous, "VACUOUS pass", "VACUOUS passes"): self.vacuous > 0,
            counted(self.insensitive, "INSENSITIVE pass", "INSENSITIVE passes"): self.insensitive
            > 0,
            f"{counted(self.n_unseen, 'pass', 'passes')}: nothing could look": self.n_unseen > 0,
            f"{counted(self.n_missing, 'expected test')} not collected": self.n_missing > 0,
        }
        return (*(text for text, holds in said.items() if holds), *self.remarks)

    @property
    def clean(self) -> bool:
        """Whether there is nothing to say about it beside its count of passes."""
        worst = (self.failed, self.errors, self.flaky, self.not_run)
        return self.passed > 0 and not any(worst) and self.notes == self.remarks


def finals_of(evidence: Evidence, history: History, plan: Plan | None) -> dict[TestKey, FinalTest]:
    """Final outcome and grade of every test, by what audits in force say about sensitivity."""
    max_age_s = (plan.audit if plan else Audit()).max_age
    cells = fresh(history.sensitivity, evidence.run.started_at, max_age_s)
    known = {name: bool(red) for name, red in reds_of(cells).items()}
    return final_outcomes(evidence.tests, known)


def suite_rows(
    evidence: Evidence, plan: Plan | None, finals: Mapping[TestKey, FinalTest]
) -> tuple[SuiteRow, ...]:
    """Rows in the plan's order, then suites that only the evidence knows."""
    planned = _planned(plan)
    keys = dict.fromkeys((*planned, *_heard_of(evidence)))
    return tuple(_row(key, planned.get(key), evidence, finals) for key in keys)


def _planned(plan: Plan | None) -> dict[SuiteKey, Suite]:
    phases = plan.phases if plan else ()
    return {(phase.id, suite.id): suite for phase in phases for suite in phase.suites}


def _heard_of(evidence: Evidence) -> list[SuiteKey]:
    keys = [(manifest.phase, manifest.suite) for manifest in evidence.collected]
    keys += [(run.phase, run.suite) for run in evidence.suites]
    return keys + [(test.phase, test.suite) for test in evidence.tests]


def _row(
    key: SuiteKey, suite: Suite | None, evidence: Evidence, finals: Mapping[TestKey, FinalTest]
) -> SuiteRow:
    mine = {k[2]: final for k, final in finals.items() if k[:2] == key}
    runs = [s for s in evidence.suites if (s.phase, s.suite) == key]
    collected = _collected(key, evidence)
    n = Counter(final.outcome for final in mine.values())
    grades = _grades(mine.values())
    return SuiteRow(
        id=key[1],
        phase=key[0],
        expected=max(suite.expect.at_least, len(suite.expect.ids)) if suite else None,
        collected=len(collected),
        passed=n[Outcome.PASS],
        failed=n[Outcome.FAIL],
        errors=n[Outcome.ERROR],
        skipped=n[Outcome.SKIPPED],
        flaky=n[Outcome.FLAKY],
        not_run=n[Outcome.NOT_RUN] + len(collected - set(mine)),
        timed_out=any(run.timed_out for run in runs),
        vacuous=grades.get(Grade.VACUOUS, 0),
        insensitive=grades.get(Grade.INSENSITIVE, 0),
        duration_s=round(sum(run.duration_s for run in runs), 3),
        broken=next((run.broken for run in reversed(runs) if run.broken), ""),
        grades=grades,
        remarks=_remarks(key, mine.values(), evidence),
        paths=tuple(p for run in runs for p in (run.stdout_path, run.stderr_path) if p),
    )


def _collected(key: SuiteKey, evidence: Evidence) -> set[str]:
    mine = (c for c in evidence.collected if (c.phase, c.suite) == key)
    return {test_id for manifest in mine for test_id in manifest.test_ids}


def _remarks(key: SuiteKey, finals: Iterable[FinalTest], evidence: Evidence) -> tuple[str, ...]:
    """Endings that have a word of their own, and why tests were skipped."""
    manners = Counter(filter(None, map(manner_of, finals)))
    apart = {t for c in evidence.collected if (c.phase, c.suite) == key for t in c.deselected}
    manners.update({"deselected": len(apart)} if apart else {})
    skipped = (f for f in finals if f.outcome is Outcome.SKIPPED and not manner_of(f))
    why = Counter(f.last.message or "no reason given" for f in skipped)
    reasons = (f"{n} skipped: {reason}" for reason, n in why.most_common(3))
    return (*(f"{n} {word}" for word, n in manners.items()), *reasons, *_looked(finals))


def _looked(finals: Iterable[FinalTest]) -> Iterator[str]:
    """What the static look says of passes; the cases of one parametrised test are told once."""
    good = (f.last for f in finals if f.outcome in (Outcome.PASS, Outcome.FLAKY))
    found = tuple(dict.fromkeys(f for test in good for f in test.findings if is_static(f)))
    yield from found[:_MOST_LOOKED]
    if len(found) > _MOST_LOOKED:
        yield f"{counted(len(found) - _MOST_LOOKED, 'more finding')} of the static look"


def _grades(finals: Iterable[FinalTest]) -> dict[str, int]:
    good = (f for f in finals if f.outcome in (Outcome.PASS, Outcome.FLAKY))
    return dict(Counter(str(final.grade or "") for final in good))
