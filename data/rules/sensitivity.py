"""What an audit shows: which test turns red when which thing is broken on purpose."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from data.errors import UsageError
from data.records.control import STANDARD, Control
from data.records.facts import SensitivityCell, SuiteAudit
from data.records.plan import Plan, Suite
from data.records.probe_plan import ProbePlan
from data.records.record import Record
from data.records.words import Outcome
from data.rules.ago import ago
from data.rules.outcomes import RED
from data.rules.planning.templates import names_in

TestName = tuple[str, str]  # suite or probe, test id ("" for a probe)
_GREEN = (Outcome.PASS, Outcome.FLAKY)
_LEAST_TEST_S = 0.5
_PATIENCE = 2.0  # times the slowest test on a sound target


class Seen(Record):
    """What became of one test or probe.

    Attributes:
        touched: whether it had contact; None where nobody could look.
        cut: the audit's own time-out ended it, before its client or it gave up.
    """

    outcome: Outcome
    touched: bool | None = None
    cut: bool = False
    duration_s: float = 0.0


class Trial(Record):
    """One suite or probe under one control: results by test id ("" for a probe).

    Attributes:
        broken: the suite as a whole could not start, so each of its tests is red.
        slow: the control's fault is a delay.
        outage: nothing works at all under the control.
    """

    control: str
    results: dict[str, Seen]
    broken: bool = False
    slow: bool = False
    outage: bool = False
    at: datetime


class SuiteScore(Record):
    """What the audit says of one suite or probe.

    Attributes:
        n_tests: tests that were tried, all green while nothing was broken.
        n_red: controls that turned at least one of them red, of `n_controls`.
        blind_to: controls that turned none of them red.
        never_red: tests that stayed green whatever was broken.
    """

    suite: str
    n_tests: int
    n_red: int
    n_controls: int
    blind_to: tuple[str, ...]
    never_red: tuple[str, ...]

    @property
    def share(self) -> float:
        """Share of controls that turn it red, 0..1."""
        return self.n_red / self.n_controls if self.n_controls else 0.0


def controls_of(plan: Plan, wanted: Collection[str] = ()) -> tuple[Control, ...]:
    """The controls of a plan's audit: the built-in ones that it names (or all), then its own.

    Raises:
        UsageError: `wanted` names one that is not among them.
    """
    named = plan.audit.controls
    every = (*(c for c in STANDARD if not named or c.id in named), *plan.audit.mutations)
    unknown = sorted(set(wanted) - {control.id for control in every})
    if unknown:
        known = ", ".join(control.id for control in every)
        raise UsageError(f"no such control: {', '.join(unknown)}; this plan has {known}")
    return tuple(control for control in every if not wanted or control.id in wanted)


def fresh(
    cells: Iterable[SensitivityCell], at: datetime, max_age_s: float
) -> tuple[SensitivityCell, ...]:
    """Cells that are not older than `max_age_s` at a moment; the rest says nothing any more."""
    limit = ago(at, max_age_s)
    return tuple(cell for cell in cells if cell.at >= limit)


def reds_of(cells: Iterable[SensitivityCell]) -> dict[TestName, frozenset[str]]:
    """(suite, test id) -> controls that turned it red; empty: audited and never red."""
    found: dict[TestName, set[str]] = {}
    for cell in cells:
        red = found.setdefault((cell.suite, cell.test_id), set())
        if cell.turned_red:
            red.add(cell.fault)
    return {name: frozenset(red) for name, red in found.items()}


def movable(plan: Plan, one: Suite | ProbePlan) -> str:
    """Why the target of a suite or probe cannot be moved, or "".

    It can when its command, environment or requests name a service of the plan by template: then
    that name can be made to mean a control.
    """
    text = one.model_dump_json(by_alias=True)
    named = {n for n in names_in(text) if n.startswith("services.")}
    if named & {f"services.{name}.{part}" for name in plan.services for part in _PARTS}:
        return ""
    return "names no {{services.<name>.url}}, so its target cannot be moved"


_PARTS = ("url", "ws", "host", "port")


def budget_per_test_s(sound: Mapping[str, Seen], most_s: float) -> float:
    """Time for one test under a control: twice the slowest on a sound target and half a second.

    Most tests wait long for what never comes; to wait as long would make an audit slow. What is
    cut off so is looked at once more where it matters (`doubtful`).
    """
    slowest = max((one.duration_s for one in sound.values()), default=most_s)
    return min(most_s, _PATIENCE * slowest + _LEAST_TEST_S)


def turned_red(name: str, trial: Trial) -> bool | None:
    """Whether a test noticed; None when nobody can say.

    A skip is not red: a test that is skipped when it cannot reach its target never turns red. A
    test without a result is red where the suite broke as a whole; else the runner stopped before.
    A test that hung until the audit cut it off was not green, but where the fault is a delay, the
    hurry was the audit's.
    """
    seen = trial.results.get(name)
    if seen is None or seen.outcome is Outcome.NOT_RUN:
        return True if trial.broken else None
    if seen.cut and trial.slow:
        return None
    return seen.outcome in RED


def doubtful(sound: Mapping[str, Seen], trials: Sequence[Trial]) -> dict[str, tuple[str, ...]]:
    """Control -> tests that are to be tried once more with all the time that they want.

    A test that was cut off may have been about to fail, or to swallow its own time-out and pass.
    One that failed by itself under another control lets failures through: its hanging is red. One
    that never did is given the time to show it.
    """
    proved = {n for n in sound for trial in trials if _failed_by_itself(n, trial)}
    found = {
        trial.control: tuple(
            name
            for name, seen in trial.results.items()
            if seen.cut and not trial.slow and name not in proved
        )
        for trial in trials
    }
    return {control: names for control, names in found.items() if names}


def _failed_by_itself(name: str, trial: Trial) -> bool:
    seen = trial.results.get(name)
    return trial.broken or (seen is not None and seen.outcome in RED and not seen.cut)


def with_second_look(trial: Trial, again: Trial | None) -> Trial:
    """The trial with the results of its doubtful tests replaced; cut off again, it hangs: red."""
    if again is None:
        return trial
    return trial.model_copy(update={"results": {**trial.results, **again.results}})


def unmoved(sound: Mapping[str, Seen], trials: Sequence[Trial]) -> tuple[str, ...]:
    """Tests that did not follow when their target was moved: they have an address of their own.

    On the sound target they touched it (or nobody could look); under every control they stayed
    green and touched no control. They are unknown: nothing is proved, and nothing held against
    them.
    """
    return tuple(
        name
        for name, was in sound.items()
        if was.touched is not False and trials and not any(_followed(name, t) for t in trials)
    )


def _followed(name: str, trial: Trial) -> bool:
    seen = trial.results.get(name)
    return bool(turned_red(name, trial)) or bool(seen and seen.touched)


def audited(
    run_id: str, place: tuple[str, str], sound: Mapping[str, Seen], trials: Sequence[Trial]
) -> list[SuiteAudit | SensitivityCell]:
    """The facts of one suite or probe: what could be audited, and each cell of the matrix.

    Args:
        place: phase and suite (or probe).
        sound: results on the sound target; what was not green there is not audited.
        trials: at least one.
    """
    phase, suite = place
    green = {name: seen for name, seen in sound.items() if seen.outcome in _GREEN}
    apart = unmoved(green, trials)
    moved = [name for name in green if name not in apart]
    cells = [
        SensitivityCell(
            run_id=run_id, phase=phase, suite=suite, test_id=name, fault=trial.control,
            turned_red=red, outage=trial.outage, outcome=_outcome(name, trial), at=trial.at,
        )
        for trial in trials
        for name in moved
        if (red := turned_red(name, trial)) is not None
    ]  # fmt: skip
    head = SuiteAudit(
        run_id=run_id, phase=phase, suite=suite, audited=bool(moved),
        reason="" if moved else _why_not(green, apart), n_tests=len(moved), unmoved=apart,
        controls=tuple(trial.control for trial in trials),
        red_before=tuple(name for name in sound if name not in green),
        at=max(trial.at for trial in trials),
    )  # fmt: skip
    return [head, *cells]


def _outcome(name: str, trial: Trial) -> str:
    seen = trial.results.get(name)
    return seen.outcome if seen else ""


def _why_not(green: Mapping[str, Seen], apart: tuple[str, ...]) -> str:
    if apart:
        return (
            "its tests did not follow when the target was moved: they have an address of their own"
        )
    return "none of its tests is green on the sound target" if not green else "nothing was tried"


def scores(cells: Collection[SensitivityCell]) -> tuple[SuiteScore, ...]:
    """One score for each suite and probe, in order of first appearance."""
    return tuple(
        _score(name, [cell for cell in cells if cell.suite == name])
        for name in dict.fromkeys(cell.suite for cell in cells)
    )


def _score(name: str, cells: list[SensitivityCell]) -> SuiteScore:
    controls = dict.fromkeys(cell.fault for cell in cells)
    seen = {cell.fault for cell in cells if cell.turned_red}
    reds = reds_of(cells)
    return SuiteScore(
        suite=name,
        n_tests=len(reds),
        n_red=len(seen),
        n_controls=len(controls),
        blind_to=tuple(control for control in controls if control not in seen),
        never_red=tuple(test for (_, test), red in reds.items() if not red),
    )
