"""Flow runs of Prefect, for the hook receiver: start one, once; end one; say how it stands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.exceptions import ObjectNotFound, PrefectException
from prefect.states import Cancelled, Cancelling

from data.errors import GoldenPathError, UsageError
from tasks.hooks.clients import Clients

_POLL_S = 0.5
_MANY = 100
_GOES_ON = ("", "")
TROUBLE = (PrefectException, httpx.HTTPError, OSError)


class PrefectRuns:
    """Talks to the server of `PREFECT_API_URL` with the client of Prefect's own settings."""

    def __init__(self, clients: Clients | None = None) -> None:
        """Args: clients: shared with others of the same event loop; None: one of its own."""
        self._clients = clients or Clients()

    async def start(
        self, deployment: str, parameters: dict[str, Any], key: str, name: str
    ) -> tuple[str, str]:
        """Create the run of a deployment; the same key gives the run that there is already.

        Returns:
            Its id, and the name of its state.

        Raises:
            UsageError: no such deployment, or parameters that its flow refuses.
            GoldenPathError: Prefect could not be asked; try again.
        """
        try:
            async with self._clients.use() as client:
                found = await client.read_deployment_by_name(deployment)
                run = await client.create_flow_run_from_deployment(
                    found.id, parameters=parameters, idempotency_key=key or None, name=name or None
                )
        except ObjectNotFound:
            raise UsageError(f"Prefect has no deployment {deployment!r}") from None
        except httpx.HTTPStatusError as error:
            if error.response.status_code in (400, 409, 422):
                raise UsageError(f"{deployment} refuses its parameters: {error}") from None
            raise unreachable(error) from error
        except TROUBLE as error:
            raise unreachable(error) from error
        return str(run.id), (run.state.name or "") if run.state else ""

    async def end(self, flow_run_id: str, by: str, wait_s: float) -> bool:
        """Cancel a run for a newer deployment, wait until it is over. Returns whether it is.

        What has no process yet is cancelled at once; else the worker ends the process. Its state is
        SUPERSEDED then; a run that was over before keeps its own.

        Raises:
            GoldenPathError: Prefect could not be asked.
        """
        id, end_s = UUID(flow_run_id), time.monotonic() + wait_s
        try:
            async with self._clients.use() as client:
                state = (await client.read_flow_run(id)).state
                if state is None or state.is_final():
                    return True
                if state.is_running() or state.is_pending() or state.is_paused():
                    await client.set_flow_run_state(id, Cancelling(message=f"superseded by {by}"))
                    if not await _is_over(client, id, end_s):
                        return False
                over: Any = Cancelled(name="SUPERSEDED", message=f"a newer deployment came: {by}")
                await client.set_flow_run_state(id, over, force=True)
                return True
        except ObjectNotFound:
            return True  # it was deleted
        except TROUBLE as error:
            raise unreachable(error) from error

    async def state(self, flow_run_id: str) -> tuple[str, str, bool]:
        """Name and message of the run's state, and whether it is final.

        Raises:
            UsageError: no such run.
            GoldenPathError: Prefect could not be asked.
        """
        try:
            async with self._clients.use() as client:
                run = await client.read_flow_run(UUID(flow_run_id))
        except ObjectNotFound:
            raise UsageError(f"Prefect has no flow run {flow_run_id}") from None
        except TROUBLE as error:
            raise unreachable(error) from error
        state = run.state
        return (
            (state.name or "", state.message or "", state.is_final()) if state else ("", "", False)
        )

    async def finals(self, flow_run_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Those of them that are over: name and message of the state. A deleted one is `Deleted`.

        Raises:
            GoldenPathError: Prefect could not be asked.
        """
        found: dict[str, tuple[str, str]] = dict.fromkeys(flow_run_ids, ("Deleted", ""))
        try:
            async with self._clients.use() as client:
                for first in range(0, len(flow_run_ids), _MANY):
                    ids = [UUID(id) for id in flow_run_ids[first : first + _MANY]]
                    wanted = FlowRunFilter(id=FlowRunFilterId(any_=ids))
                    for run in await client.read_flow_runs(flow_run_filter=wanted, limit=_MANY):
                        state = run.state
                        is_over = state is not None and state.is_final()
                        found[str(run.id)] = (
                            (state.name or "", state.message or "")
                            if state and is_over
                            else _GOES_ON
                        )
        except TROUBLE as error:
            raise unreachable(error) from error
        return {id: how for id, how in found.items() if how is not _GOES_ON}

    async def answers(self) -> bool:
        """Whether the server can be asked now."""
        try:
            async with self._clients.use() as client:
                return await client.api_healthcheck() is None
        except TROUBLE:
            return False


async def _is_over(client: PrefectClient, id: UUID, end_s: float) -> bool:
    """Whether it was over in time: ended, or with a verdict of its own."""
    while time.monotonic() < end_s:
        state = (await client.read_flow_run(id)).state
        if state is not None and state.is_final():
            return True
        await asyncio.sleep(_POLL_S)
    return False


def unreachable(error: Exception) -> GoldenPathError:
    """The error of a Prefect that did not answer: by its kind alone: its text may hold a URL."""
    return GoldenPathError(f"Prefect did not answer as expected: {type(error).__name__}")


async def deployment_of(plan_or_name: str) -> str:
    """`flow/deployment` by its name, or the one deployment on demand whose plan it is.

    Raises:
        UsageError: none, or several.
        GoldenPathError: Prefect could not be asked.
    """
    try:
        async with get_client() as client:
            found = await client.read_deployments(limit=200)
            flows = {d.flow_id: (await client.read_flow(d.flow_id)).name for d in found}
    except TROUBLE as error:
        raise unreachable(error) from error
    names = {f"{flows[d.flow_id]}/{d.name}": d for d in found}
    if plan_or_name in names:
        return plan_or_name
    fit = [n for n, d in names.items() if d.parameters.get("plan") == plan_or_name]
    fit = [n for n in fit if not names[n].schedules] or fit
    if len(fit) == 1:
        return fit[0]
    several = f"several deployments are of {plan_or_name}: name one of {', '.join(fit)}"
    none = f"Prefect has no deployment of {plan_or_name!r}; there are: {', '.join(names) or 'none'}"
    raise UsageError(several if fit else none)
