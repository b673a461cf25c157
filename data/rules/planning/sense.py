"""Faults that only show when the plan is read as a whole: names, money, files, dead rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from data.errors import Fault
from data.records.cloud_run import DeployCloudRun
from data.records.control import STANDARD
from data.records.plan import DeployCommand, DeployLocal, DeployNone, Plan, Suite
from data.records.probe_plan import steps_of
from data.records.words import Priority
from data.rules.money import circular, cost_faults, money_faults
from data.rules.planning.cloud_run import cloud_run_faults
from data.rules.planning.criteria import criteria_faults
from data.rules.planning.document import Document, Path, dotted
from data.rules.planning.loads import load_faults
from data.rules.planning.promotion import promotion_faults
from data.rules.planning.quarantine import quarantine_faults
from data.rules.planning.results import result_faults
from data.rules.planning.templates import plan_template_faults


@dataclass(frozen=True)
class Finding:
    """A fault before it knows its file and line."""

    path: Path
    message: str
    hint: str = ""


def sense_faults(
    plan: Plan, document: Document, file: str, exists: Callable[[str], bool]
) -> list[Fault]:
    """Every fault of sense, each with the line of the place that it is about."""
    checks = (
        _doubles,
        _phases,
        _names,
        _rules,
        _money,
        _capabilities,
        _deploy,
        _promotion,
        _approval,
        _watch,
        _audit,
        _results,
        _shards,
        _loads,
        _quarantine,
    )
    found = [finding for check in checks for finding in check(plan)]
    found += [Finding(path, *rest) for path, *rest in plan_template_faults(plan)]
    found += _files(plan, exists)
    return [
        Fault(one.message, file, document.line(one.path), dotted(one.path), one.hint)
        for one in found
    ]


def suites_with_paths(plan: Plan) -> Iterator[tuple[Path, Suite]]:
    """Each suite with its place in the plan."""
    for p, phase in enumerate(plan.phases):
        for s, suite in enumerate(phase.suites):
            yield ("phases", p, "suites", s), suite


def functions_of(plan: Plan) -> Iterator[tuple[Path, str]]:
    """Each function of a `python` step with its place in the plan."""
    for p, phase in enumerate(plan.phases):
        for i, probe in enumerate(phase.probes):
            for s, step in enumerate(steps_of(probe)):
                if step.python:
                    place = ("phases", p, "probes", i, "steps", s, "python", "function")
                    yield place, step.python.function


def _doubles(plan: Plan) -> Iterator[Finding]:
    phases: list[tuple[Path, str]] = [
        (("phases", i, "id"), phase.id) for i, phase in enumerate(plan.phases)
    ]
    checks: list[tuple[Path, str]] = [
        ((*path, "id"), suite.id) for path, suite in suites_with_paths(plan)
    ]
    for p, phase in enumerate(plan.phases):
        checks += [(("phases", p, "probes", i, "id"), one.id) for i, one in enumerate(phase.probes)]
    criteria: list[tuple[Path, str]] = [
        (("criteria", i, "id"), one.id) for i, one in enumerate(plan.criteria)
    ]
    for named in (phases + checks, criteria):
        yield from _repeated(named)


def _repeated(named: list[tuple[Path, str]]) -> Iterator[Finding]:
    counts = Counter(name for _, name in named)
    seen: set[str] = set()
    for path, name in named:
        if counts[name] > 1 and name in seen:
            yield Finding(path, f"the id {name!r} is used {counts[name]} times", "ids are unique")
        seen.add(name)


def _phases(plan: Plan) -> Iterator[Finding]:
    for index, phase in enumerate(plan.phases):
        if not phase.suites and not phase.probes:
            yield Finding(
                ("phases", index),
                f"phase {phase.id!r} has no suites and no probes",
                "an empty phase proves nothing: add one or remove the phase",
            )


def _names(plan: Plan) -> Iterator[Finding]:
    for path, suite in suites_with_paths(plan):
        yield from _unknown((*path, "targets"), suite.targets, plan.services, "service")
        yield from _unknown((*path, "proves"), suite.proves, plan.capabilities, "capability")
    for p, phase in enumerate(plan.phases):
        for i, probe in enumerate(phase.probes):
            path = ("phases", p, "probes", i, "proves")
            yield from _unknown(path, probe.proves, plan.capabilities, "capability")
    for index, criterion in enumerate(plan.criteria):
        path = ("criteria", index, "proves")
        yield from _unknown(path, criterion.proves, plan.capabilities, "capability")


def _results(plan: Plan) -> Iterator[Finding]:
    for path, suite in suites_with_paths(plan):
        for key, text in result_faults(suite):
            yield Finding((*path, key), text, "leave it out")


def _shards(plan: Plan) -> Iterator[Finding]:
    for path, suite in suites_with_paths(plan):
        if suite.shards != 1 and suite.resource_group is not None:
            text = f"shards of resource group {suite.resource_group!r} would run one at a time"
            yield Finding((*path, "shards"), text, "leave one of the two out")


def _loads(plan: Plan) -> Iterator[Finding]:
    for path, text, hint in load_faults(plan):
        yield Finding(path, text, hint)


def _quarantine(plan: Plan) -> Iterator[Finding]:
    for path, text, hint in quarantine_faults(plan):
        yield Finding(path, text, hint)


def _audit(plan: Plan) -> Iterator[Finding]:
    """Controls by name: those that are built in, and the plan's own beside them."""
    standard, own = [c.id for c in STANDARD], [c.id for c in plan.audit.mutations]
    yield from _unknown(("audit", "controls"), plan.audit.controls, standard, "control")
    for index, name in enumerate(own):
        if name in (*standard, *own[:index]):
            text = f"{name!r} is the name of another control"
            yield Finding(("audit", "mutations", index, "id"), text, "choose another name")
    for index, control in enumerate(plan.audit.mutations):
        place: Path = ("audit", "mutations", index, "service")
        named = [control.service] if control.service else []
        yield from _unknown(place, named, plan.services, "service")
    tried = {*(plan.audit.controls or standard), *own}
    for name, capability in plan.capabilities.items():
        path: Path = ("capabilities", name, "sensitive_to")
        yield from _unknown(path, capability.sensitive_to, tried, "control")


def _unknown(path: Path, names: Iterable[str], known: Iterable[str], what: str) -> list[Finding]:
    known = sorted(known)
    hint = f"the plan has: {', '.join(known) or 'none'}"
    return [Finding(path, f"unknown {what} {name!r}", hint) for name in names if name not in known]


def _rules(plan: Plan) -> Iterator[Finding]:
    for path, text, hint in criteria_faults(plan):
        yield Finding(path, text, hint)


def _money(plan: Plan) -> Iterator[Finding]:
    if plan.revenue is None:
        return
    for priority, text in money_faults(plan.revenue):
        yield Finding(("revenue", "protected", priority), text)
    for key, text in cost_faults(plan.revenue):
        yield Finding(("revenue", key), text, "say it in the currency of the revenue")


def _capabilities(plan: Plan) -> Iterator[Finding]:
    proven = {n for p in plan.phases for one in (*p.suites, *p.probes) for n in one.proves}
    for name, capability in plan.capabilities.items():
        path: Path = ("capabilities", name)
        if name not in proven:
            yield Finding(
                path,
                f"nothing proves the capability {name!r}",
                f"add `proves: [{name}]` to a suite or probe",
            )
        if capability.within is not None:
            yield from _within(plan, name, capability.within)
    roots = [c.share or 0.0 for c in plan.capabilities.values() if c.within is None]
    if sum(roots) > 1.0 + 1e-9:
        yield Finding(
            ("capabilities",),
            f"the shares add up to {sum(roots):.0%}, more than 100 %",
            "where one contains another, say so with `within`",
        )


def _within(plan: Plan, name: str, outer: str) -> Iterator[Finding]:
    path: Path = ("capabilities", name, "within")
    if outer not in plan.capabilities:
        yield from _unknown(path, (outer,), plan.capabilities, "capability")
    elif circular(plan.capabilities, name):
        yield Finding(path, f"the capability {name!r} lies inside itself", "break the circle")
    elif (part := plan.capabilities[name].share or 0.0) > (whole := _whole(plan, outer)):
        yield Finding(path, f"a share of {part:.0%} does not fit into the {whole:.0%} of {outer!r}")


def _whole(plan: Plan, name: str) -> float:
    share = plan.capabilities[name].share
    return 1.0 if share is None else share  # 0 % has room for nothing


def _deploy(plan: Plan) -> Iterator[Finding]:
    deploy = plan.deploy
    yield from (Finding(path, *rest) for path, *rest in cloud_run_faults(plan))
    if isinstance(deploy, DeployLocal):
        yield from _unknown(("deploy", "processes"), deploy.processes, plan.services, "service")
    cannot = isinstance(deploy, DeployNone) or (
        isinstance(deploy, DeployCommand) and deploy.rollback is None
    )
    if plan.rollback.armed and cannot:
        yield Finding(
            ("rollback", "armed"),
            f"the deployer {deploy.deployer!r} cannot roll back",
            "give deploy.rollback a command, or disarm the rollback",
        )


def _promotion(plan: Plan) -> Iterator[Finding]:
    for path, text, hint in promotion_faults(plan):
        yield Finding(path, text, hint)


def _approval(plan: Plan) -> Iterator[Finding]:
    if plan.approval is not None and plan.approval.wait <= 0:
        path: Path = ("approval", "wait")
        yield Finding(path, "nobody can decide within 0 s", "leave approval out, or give it time")


def _watch(plan: Plan) -> Iterator[Finding]:
    if plan.watch is None:
        return
    if all(phase.priority is not Priority.P1 for phase in plan.phases):
        yield Finding(
            ("watch",), "there is no phase of P1 to try again", "add one, or leave it out"
        )
    live = plan.promotion.live if plan.promotion else {}
    for name in plan.deploy.services if isinstance(plan.deploy, DeployCloudRun) else ():
        if name not in live:
            text = f"it looks where users are, and nobody says where they get {name!r}"
            yield Finding(("watch",), text, f"give promotion.live an address of {name}")


def _files(plan: Plan, exists: Callable[[str], bool]) -> Iterator[Finding]:
    for path, suite in suites_with_paths(plan):
        if not exists(suite.cwd):
            yield Finding(
                (*path, "cwd"),
                f"the folder {suite.cwd!r} does not exist",
                "paths are relative to the plan's folder",
            )
            continue
        for index, name in _paths_of(suite.command):
            if not exists(f"{suite.cwd}/{name}"):
                yield Finding(
                    (*path, "command", index),
                    f"the suite path {name!r} does not exist",
                    "paths are relative to the suite's cwd",
                )
    for path, name in functions_of(plan):
        file = name.partition(":")[0]
        if not exists(file):
            hint = "paths are relative to the plan's folder"
            yield Finding(path, f"the file {file!r} does not exist", hint)
    if isinstance(plan.deploy, DeployCommand) and not exists(plan.deploy.cwd):
        yield Finding(("deploy", "cwd"), f"the folder {plan.deploy.cwd!r} does not exist")


def _paths_of(command: tuple[str, ...]) -> list[tuple[int, str]]:
    """Arguments of a pytest command that are paths: after `pytest`, not options nor values."""
    if not any(part.rsplit("/", 1)[-1] in ("pytest", "py.test") for part in command):
        return []
    start = next(i for i, p in enumerate(command) if p.rsplit("/", 1)[-1] in ("pytest", "py.test"))
    rest = enumerate(command[start + 1 :], start + 1)
    taken = [(i, part) for i, part in rest if not part.startswith("-")]
    return [(i, p.split("::")[0]) for i, p in taken if _looks_like_path(p, command[i - 1])]


def _looks_like_path(part: str, before: str) -> bool:
    if "{{" in part or before in ("-k", "-m", "-p", "-o", "-c", "-n", "-W", "--rootdir"):
        return False
    return "/" in part or part.split("::")[0].endswith(".py")
