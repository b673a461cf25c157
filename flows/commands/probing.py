"""`probe`: one probe of a plan on its own, once, in waves, or under load."""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.cli import print_json

if TYPE_CHECKING:
    from data.records.facts import ProbeResult
    from data.records.load import LoadTerms
    from data.records.plan import Phase, Plan
    from data.records.probe_plan import HttpProbe, JourneyProbe


@click.command("probe")
@click.argument("plan")
@click.argument("probe")
@click.option("--connections", type=click.IntRange(1, 100_000), help="Executions at once.")
@click.option("--repeat", type=click.IntRange(1, 10_000), help="How many such waves.")
@click.option("--duration", help="Load for so long, such as 30s: users, or arrivals with --rate.")
@click.option("--rate", help="Executions that start in a time, such as 50/s, whatever happens.")
@click.option("--users", help="A ladder of users, such as 1,5,20,100; each for --duration.")
@click.option("--processes", type=click.IntRange(1, 64), default=1, help="Processes of a load.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def probe_command(
    plan: str,
    probe: str,
    connections: int | None,
    repeat: int | None,
    duration: str | None,
    rate: str | None,
    users: str | None,
    processes: int,
    as_json: bool,
) -> None:
    """Run one probe of a plan against what is there. Exit 0 when it passes, else 10.

    With --duration it is a load, inside the limits of the plan's `load`: a closed one of
    --connections users, or an open one of --rate, where latencies count from the intended start.

    \b
    Examples:
      goldenpath probe examples/staging/plan.yaml chat --connections 5 --repeat 4
      goldenpath probe examples/staging/plan.yaml chat --rate 20/s --duration 10s
    """
    from flows.wiring import read_plan

    found = read_plan(plan)
    phase, chosen = _chosen(found, plan, probe)
    if duration is None and (rate or users):
        raise click.UsageError("--rate and --users need --duration, such as --duration 30s")
    most = found.load.in_flight if found.load else None
    terms = _terms(rate, users, connections, duration, processes, most) if duration else None
    changes = {"load": terms} if terms else {"concurrency": connections, "repeat": repeat}
    chosen = chosen.model_copy(update={k: v for k, v in changes.items() if v is not None})
    if terms:
        _within_limits(found, phase, chosen)
    root = Path(plan).absolute().parent
    document, result = asyncio.run(_measure(found, phase, chosen, root))
    if as_json:
        print_json(document)
    else:
        _show(document, result)
    sys.exit(0 if result.outcome == "PASS" else 10)


def _chosen(found: Plan, plan: str, probe: str) -> tuple[Phase, HttpProbe | JourneyProbe]:
    from data.errors import UsageError

    probes = {p.id: (phase, p) for phase in found.phases for p in phase.probes}
    if probe not in probes:
        raise UsageError(f"{plan} has no probe {probe!r}; it has: {', '.join(probes) or 'none'}")
    return probes[probe]


def _terms(
    rate: str | None,
    users: str | None,
    connections: int | None,
    duration: str,
    processes: int,
    most: int | None,
) -> LoadTerms:
    """The load that options ask for; as wide as the plan allows where they say nothing."""
    from pydantic import ValidationError

    from data.errors import UsageError
    from data.records.load import LoadTerms
    from data.rules.expected import expected

    stages: list[dict[str, Any]] = [{"users": connections or 1, "for": duration}]
    if users:
        stages = [{"users": one.strip(), "for": duration} for one in users.split(",")]
    if rate:
        stages = [{"rate": rate, "for": duration}]
    width = (connections or most) if rate else None
    wide = {"most_in_flight": width} if width else {}
    try:
        return LoadTerms.model_validate({"stages": stages, "processes": processes, **wide})
    except ValidationError as error:
        said = "; ".join(expected(one) for one in error.errors())
        raise UsageError(f"cannot make a load of that: {said}") from None


def _within_limits(found: Plan, phase: Phase, probe: HttpProbe | JourneyProbe) -> None:
    """Refuse a load that the plan does not allow, all faults at once."""
    from data.errors import UsageError
    from data.rules.planning.loads import load_faults

    alone = phase.model_copy(update={"probes": (probe,)})
    faults = list(load_faults(found.model_copy(update={"phases": (alone,)})))
    if faults:
        raise UsageError("; ".join(f"{text} ({hint})" for _, text, hint in faults))


async def _measure(
    plan: Plan, phase: Phase, probe: HttpProbe | JourneyProbe, root: Path
) -> tuple[dict[str, Any], ProbeResult]:
    from data.records.facts import ProbeResult, Sample
    from data.records.orders import ProbeOrder
    from data.rules.planning.templates import plan_variables
    from flows.loading import LiveLoad
    from flows.naming import new_run_id
    from flows.wiring import signing_keys
    from tasks.clock import now
    from tasks.probes.run import run_probe

    run_id = new_run_id(plan.plan, now())
    order = ProbeOrder(
        run_id=run_id,
        phase=phase.id,
        probe=probe,
        variables={**plan_variables(plan, None, run_id), **signing_keys(probe)},
        root=root,
    )
    values: dict[str, list[float]] = defaultdict(list)
    with LiveLoad(probe.load) as live:
        async for fact in run_probe(order, live.hear):
            if isinstance(fact, Sample) and fact.ok:
                values[fact.metric].append(fact.value)
            if isinstance(fact, ProbeResult):
                return _document(fact, values), fact
    raise AssertionError("a probe always ends with its result")


def _document(result: ProbeResult, values: dict[str, list[float]]) -> dict[str, Any]:
    from data.report.loads import load_document
    from data.rules.quantiles import percentile, samples_needed

    metrics = {
        name: {
            "n": len(v),
            "p50_ms": percentile(v, 0.5),
            "p95_ms": percentile(v, 0.95) if len(v) >= samples_needed(0.95) else None,
            "max_ms": max(v),
        }
        for name, v in values.items()
    }
    load = {"load": load_document(result.load)} if result.load else {}
    return {**result.model_dump(mode="json", exclude={"load"}), "metrics": metrics, **load}


def _show(document: dict[str, Any], result: ProbeResult) -> None:
    from data.report.loads import load_table

    click.echo(f"{document['outcome']}: {document['message']}")
    if result.load:
        click.echo(load_table(result.load))
    for name, m in document["metrics"].items() if not result.load else ():
        p95 = "n < 20" if m["p95_ms"] is None else f"{m['p95_ms']:.1f} ms"
        click.echo(
            f"  {name}: p50 {m['p50_ms']:.1f} ms, p95 {p95}, max {m['max_ms']:.1f} ms, n = {m['n']}"
        )
    for failure in document["failures"]:
        click.echo(f"  {failure['signature']}: {failure['message']}")
