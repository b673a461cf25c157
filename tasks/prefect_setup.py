"""Work pool, queues, deployments and automations at a Prefect server, safe to repeat."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.flows import Flow
from prefect.types.entrypoint import EntrypointType

from data.errors import GoldenPathError
from data.records.registration import Alarm, Order
from data.rules.registering import TAG, UPKEEP_QUEUE
from tasks.hooks.prefect_runs import TROUBLE

_MANY_UPKEEPS = 2
_OURS = {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{TAG}"}


async def set_up_pool(pool: str, kind: str, environments: Iterable[str]) -> None:
    """The pool, and a queue an environment that lets one run through at a time.

    A pool that is there keeps its type and its job template.

    Raises:
        GoldenPathError: Prefect could not be asked, or refuses.
    """
    try:
        async with get_client() as client:
            try:
                await client.read_work_pool(pool)
            except ObjectNotFound:
                await client.create_work_pool(WorkPoolCreate(name=pool, type=kind))
            for environment in environments:
                await _queue(client, pool, environment, 1)
            await _queue(client, pool, UPKEEP_QUEUE, _MANY_UPKEEPS)
    except TROUBLE as error:
        raise _said(error) from error


async def set_up_deployment(flow: Flow[..., Any], order: Order, pool: str) -> UUID:
    """The deployment as the order says, with the form of the flow's parameters.

    Raises:
        GoldenPathError: Prefect could not be asked, or refuses.
    """
    deployment = RunnerDeployment.from_flow(
        flow,
        name=order.name,
        parameters=order.parameters,
        description=order.description,
        tags=list(order.tags),
        schedules=[CronSchedule(cron=order.cron, timezone="UTC")] if order.cron else [],
        work_pool_name=pool,
        work_queue_name=order.queue,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    try:
        return await deployment.aapply()
    except TROUBLE as error:
        raise _said(error) from error


async def set_up_alarm(alarm: Alarm, notifier: UUID) -> None:
    """The automation, one of its name, that tells by a notification block.

    Raises:
        GoldenPathError: Prefect could not be asked, or refuses.
    """
    body = f"Run {{{{ flow_run.name }}}} of {{{{ flow.name }}}} {alarm.said}"
    wanted = AutomationCore(
        name=alarm.name,
        description="Made by goldenpath register.",
        trigger=EventTrigger(
            posture=Posture.Reactive,
            expect={alarm.event},
            match={"prefect.resource.id": "prefect.flow-run.*"},
            match_related=_OURS,
            for_each={"prefect.resource.id"},
            threshold=1,
            within=timedelta(0),
        ),
        actions=[SendNotification(block_document_id=notifier, subject=alarm.name, body=body)],
    )
    try:
        async with get_client() as client:
            known = await client.read_automations_by_name(alarm.name)
            for double in known[1:]:
                await client.delete_automation(double.id)
            if known:
                await client.update_automation(known[0].id, wanted)
            else:
                await client.create_automation(wanted)
    except TROUBLE as error:
        raise _said(error) from error


async def _queue(client: PrefectClient, pool: str, name: str, limit: int) -> None:
    try:
        await client.create_work_queue(name, work_pool_name=pool, concurrency_limit=limit)
    except ObjectAlreadyExists:
        found = await client.read_work_queue_by_name(name, work_pool_name=pool)
        await client.update_work_queue(found.id, concurrency_limit=limit)


def _said(error: Exception) -> GoldenPathError:
    answer = getattr(error, "response", None)
    told = f"{answer.status_code} {answer.text[:300]}" if answer is not None else str(error)[:300]
    return GoldenPathError(f"Prefect did not do it: {type(error).__name__}: {told}")
