"""Deployments and automations that a set of plans wants at a Prefect server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from data.errors import UsageError
from data.records.registration import Alarm, Order, Planned, Wanted

TAG = "golden-path"
UPKEEP_QUEUE = "upkeep"
_ZOMBIES = "* * * * *"
_PREFECT = "prefect.flow-run."
ALARMS = (
    Alarm(
        name="Golden Path: a run is late",
        event=f"{_PREFECT}Late",
        said="is late: no worker took it, or another run of its environment goes on.",
    ),
    Alarm(
        name="Golden Path: a run crashed",
        event=f"{_PREFECT}Crashed",
        said="crashed: nothing is approved. What it had seen is judged within a minute.",
    ),
)


def block_of(environment: str) -> str:
    """Name of the block with the variables and secrets of an environment."""
    return "golden-path-" + "".join(c if c.isalnum() else "-" for c in environment.lower())


def orders_of(wanted: Wanted) -> tuple[Order, ...]:
    """All deployments, by name.

    Every run of an environment is in one queue, which lets one through at a time: on demand,
    scheduled, audit, of whichever plan. Upkeep and the search for zombies have a queue of their
    own, so that they never wait for a run.

    Raises:
        UsageError: two plans would have deployments of the same name.
    """
    found = [order for plan in wanted.plans for order in _of_plan(plan, wanted)]
    found += _of_warehouse(wanted)
    twice = [name for name, n in Counter((o.flow, o.name) for o in found).items() if n > 1]
    if twice:
        names = ", ".join(f"{flow}/{name}" for flow, name in twice)
        raise UsageError(f"several plans of one name and environment: {names}")
    return tuple(sorted(found, key=lambda order: (order.flow, order.name)))


def _of_plan(plan: Planned, wanted: Wanted) -> Iterator[Order]:
    name = f"{plan.plan}-{plan.environment}"
    given = {
        "plan": plan.file,
        "warehouse": wanted.warehouse,
        "environment_block": block_of(plan.environment),
    }
    tags = (TAG, plan.plan, plan.environment)
    what = f"{plan.plan} on {plan.environment}"

    def order(flow: str, suffix: str, text: str, cron: str, **more: object) -> Order:
        return Order.model_validate(
            {
                "flow": flow,
                "name": name + suffix,
                "queue": plan.environment,
                "description": text,
                "parameters": given | more,
                "cron": cron,
                "tags": tags if not cron else (*tags, "scheduled"),
            }
        )

    yield order("validate", "", f"Validate {what} on demand.", "")
    if wanted.every:
        text = f"Validate what serves {what}, without deploying."
        yield order("validate", "-scheduled", text, wanted.every, skip_deploy=True)
    if wanted.audit:
        text = f"Try the suites and probes of {what} against negative controls."
        yield order("audit", "-audit", text, wanted.audit)
    if wanted.watch and plan.watched:
        text = f"Try P1 again on what was promoted with watch of {what}."
        yield order("watch", "-watch", text, wanted.watch)


def _of_warehouse(wanted: Wanted) -> Iterator[Order]:
    base = {"queue": UPKEEP_QUEUE, "tags": (TAG, "upkeep", "scheduled")}
    where = {"warehouse": wanted.warehouse}
    backups = {"backups": wanted.backups} if wanted.backups else {}
    if wanted.upkeep:
        yield Order.model_validate(
            {
                **base,
                "flow": "upkeep",
                "name": "nightly",
                "description": "Keep the warehouse whole, and back it up.",
                "parameters": where | backups,
                "cron": wanted.upkeep,
            }
        )
    yield Order.model_validate(
        {
            **base,
            "flow": "zombies",
            "name": "every-minute",
            "description": "Close runs whose process is gone.",
            "parameters": where,
            "cron": _ZOMBIES,
        }
    )
