"""Flow runs that Prefect believes to go on: which there are, their heartbeats, and closing them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas import OrchestrationResult
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import SetStateStatus
from prefect.states import Completed, Failed

from data.records.approval import Said
from data.records.record import Record
from tasks.clock import now
from tasks.hooks.clients import Clients
from tasks.hooks.prefect_runs import TROUBLE, unreachable

_FLOWS = ["validate"]
_OPEN = [
    StateType.PENDING,
    StateType.RUNNING,
    StateType.PAUSED,
    StateType.CANCELLING,
    StateType.CRASHED,
]
_LABEL = "goldenpath.run_id"
_LATELY = timedelta(hours=1)
EXPIRED = "The flow was paused and never resumed."
"""How Prefect says that nobody decided in time (its service `pause_expirations`)."""
_MANY = 200


class OpenRun(Record):
    """One flow run that has no verdict, as Prefect knows it; `run_id` "" where nobody told it."""

    flow_run_id: str
    run_id: str
    state: str
    since: datetime
    beat_at: datetime | None = None
    until: datetime | None = None


class Board:
    """The server of `PREFECT_API_URL`, asked for flow runs of the gate."""

    def __init__(self, clients: Clients | None = None) -> None:
        """Args: clients: shared with others of the same event loop; None: one of its own."""
        self._clients = clients or Clients()

    async def open(self) -> list[OpenRun]:
        """Runs of the gate that are not over, and those that crashed or expired within the hour.

        Expired: Prefect failed it itself, because nobody had decided in time; state `EXPIRED`.

        Raises:
            GoldenPathError: Prefect could not be asked.
        """
        try:
            async with self._clients.use() as client:
                found = [run for run in await _in(client, _OPEN) if _counts(run)]
                found += await _expired(client)
                return [await _told(client, run) for run in found]
        except TROUBLE as error:
            raise unreachable(error) from error

    async def answer(self, run_id: str, said: Said) -> str:
        """Fill in the form of a run that waits for a person, wherever its process is.

        Returns:
            "" when it goes on as the person says; else why it does not.

        Raises:
            GoldenPathError: Prefect could not be asked.
        """
        form = {"decision": said.decision, "name": said.by, "reason": said.reason}
        try:
            async with self._clients.use() as client:
                waiting = await _in(client, [StateType.PAUSED])
                mine = [run for run in waiting if _run_id(run) == run_id]
                if not mine:
                    return f"no run {run_id} waits at the Prefect server"
                told = await client.resume_flow_run(mine[0].id, run_input=form)
        except TROUBLE as error:
            raise unreachable(error) from error
        return "" if told.status == SetStateStatus.ACCEPT else _not_taken(told)

    async def close(self, flow_run_id: str, verdict: str, approves: bool, why: str) -> None:
        """Give it the state of its verdict, whatever it is in.

        Raises:
            GoldenPathError: Prefect could not be asked.
        """
        made = Completed if approves else Failed
        try:
            async with self._clients.use() as client:
                state: Any = made(name=verdict, message=why)
                await client.set_flow_run_state(UUID(flow_run_id), state, force=True)
        except TROUBLE as error:
            raise unreachable(error) from error


async def name_run(flow_run_id: str | None, run_id: str) -> None:
    """Tell Prefect which run of the warehouse a flow run is. Nothing depends on its success."""
    if not flow_run_id:
        return
    try:
        async with get_client() as client:
            await client.update_flow_run_labels(UUID(flow_run_id), {_LABEL: run_id})
    except TROUBLE:
        return


async def _told(client: PrefectClient, run: FlowRun) -> OpenRun:
    state = run.state
    assert state is not None
    asks = state.type == StateType.RUNNING
    return OpenRun(
        flow_run_id=str(run.id),
        run_id=_run_id(run),
        state="EXPIRED" if _is_expired(run) else state.type.value,
        since=state.timestamp,
        beat_at=await _beat(client, run.id) if asks else None,
        until=state.state_details.pause_timeout,
    )


async def _in(client: PrefectClient, states: list[StateType]) -> list[FlowRun]:
    """Flow runs of the gate in one of these states."""
    wanted = FlowRunFilterState(type=FlowRunFilterStateType(any_=list(states)))
    return await _runs(client, FlowRunFilter(state=wanted))


async def _expired(client: PrefectClient) -> list[FlowRun]:
    """Runs that waited for a person, and that Prefect failed when their time had run out."""
    wanted = FlowRunFilter(
        state=FlowRunFilterState(
            type=FlowRunFilterStateType(any_=[StateType.FAILED]),
            name=FlowRunFilterStateName(any_=["Failed"]),  # once closed, it is named by its verdict
        ),
        end_time=FlowRunFilterEndTime(after_=now() - _LATELY),
    )
    return [run for run in await _runs(client, wanted) if _is_expired(run)]


async def _runs(client: PrefectClient, wanted: FlowRunFilter) -> list[FlowRun]:
    flows = FlowFilter(name=FlowFilterName(any_=_FLOWS))
    return await client.read_flow_runs(flow_filter=flows, flow_run_filter=wanted, limit=_MANY)


def _is_expired(run: FlowRun) -> bool:
    state = run.state
    return state is not None and (state.type, state.message) == (StateType.FAILED, EXPIRED)


def _run_id(run: FlowRun) -> str:
    """Which run of the warehouse it is; "" where nobody told."""
    given = run.parameters
    return str(given.get("run_id") or given.get("resume") or run.labels.get(_LABEL) or "")


def _not_taken(told: OrchestrationResult[Any]) -> str:
    reason = getattr(told.details, "reason", None) or told.status
    return f"Prefect did not take the answer: {reason}"


async def _beat(client: PrefectClient, id: UUID) -> datetime | None:
    """When its last heartbeat came, of today; None where it has none."""
    wanted = {
        "event": {"name": ["prefect.flow-run.heartbeat"]},
        "resource": {"id": [f"prefect.flow-run.{id}"]},
        "occurred": {"since": (now() - timedelta(days=1)).isoformat()},
    }
    answer = await client.request("POST", "/events/filter", json={"filter": wanted, "limit": 1})
    events = answer.json().get("events") or []
    return datetime.fromisoformat(events[0]["occurred"]) if events else None


def _counts(run: FlowRun) -> bool:
    state = run.state
    if state is None:
        return False
    crashed = state.type == StateType.CRASHED
    return not crashed or now() - state.timestamp < _LATELY
