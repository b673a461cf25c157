"""`probe`: one probe of a plan on its own, as often and as wide as wanted."""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import click

from flows.cli import print_json

if TYPE_CHECKING:
    from data.records.facts import ProbeResult
    from data.records.plan import Phase, Plan
    from data.records.probe_plan import HttpProbe, JourneyProbe


@click.command("probe")
@click.argument("plan")
@click.argument("probe")
@click.option("--connections", type=click.IntRange(1, 500), help="Executions at once.")
@click.option("--repeat", type=click.IntRange(1, 10_000), help="How many such waves.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def probe_command(
    plan: str, probe: str, connections: int | None, repeat: int | None, as_json: bool
) -> None:
    """Run one probe of a plan against what is there. Exit 0 when it passes, else 10.

    \b
    Example:
      goldenpath probe examples/staging/plan.yaml chat --connections 5 --repeat 4
    """
    from data.errors import UsageError
    from flows.wiring import read_plan

    found = read_plan(plan)
    probes = {p.id: (phase, p) for phase in found.phases for p in phase.probes}
    if probe not in probes:
        raise UsageError(f"{plan} has no probe {probe!r}; it has: {', '.join(probes) or 'none'}")
    changes = {"concurrency": connections, "repeat": repeat}
    phase, chosen = probes[probe]
    chosen = chosen.model_copy(update={k: v for k, v in changes.items() if v is not None})
    document, result = asyncio.run(_measure(found, phase, chosen))
    if as_json:
        print_json(document)
    else:
        _show(document)
    sys.exit(0 if result.outcome == "PASS" else 10)


async def _measure(
    plan: Plan, phase: Phase, probe: HttpProbe | JourneyProbe
) -> tuple[dict[str, Any], ProbeResult]:
    from data.records.facts import ProbeResult, Sample
    from data.records.orders import ProbeOrder
    from data.rules.planning.templates import plan_variables
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
    )
    values: dict[str, list[float]] = defaultdict(list)
    async for fact in run_probe(order):
        if isinstance(fact, Sample) and fact.ok:
            values[fact.metric].append(fact.value)
        if isinstance(fact, ProbeResult):
            return _document(fact, values), fact
    raise AssertionError("a probe always ends with its result")


def _document(result: ProbeResult, values: dict[str, list[float]]) -> dict[str, Any]:
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
    return {**result.model_dump(mode="json"), "metrics": metrics}


def _show(document: dict[str, Any]) -> None:
    click.echo(f"{document['outcome']}: {document['message']}")
    for name, m in document["metrics"].items():
        p95 = "n < 20" if m["p95_ms"] is None else f"{m['p95_ms']:.1f} ms"
        click.echo(
            f"  {name}: p50 {m['p50_ms']:.1f} ms, p95 {p95}, max {m['max_ms']:.1f} ms, n = {m['n']}"
        )
    for failure in document["failures"]:
        click.echo(f"  {failure['signature']}: {failure['message']}")
