"""Flow runs of Prefect, for the hook receiver: start one, once; end one; say how it stands."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound, PrefectException
from prefect.states import Cancelled, Cancelling

from data.errors import GoldenPathError, UsageError

_POLL_S = 0.5
_TROUBLE = (PrefectException, httpx.HTTPError, OSError)


class PrefectRuns:
    """Talks to the server of `PREFECT_API_URL` with the client of Prefect's own settings."""

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
            async with get_client() as client:
                found = await client.read_deployment_by_name(deployment)
                run = await client.create_flow_run_from_deployment(
                    found.id, parameters=parameters, idempotency_key=key, name=name, tags=["hook"]
                )
        except ObjectNotFound:
            raise UsageError(f"Prefect has no deployment {deployment!r}") from None
        except httpx.HTTPStatusError as error:
            if error.response.status_code in (400, 409, 422):
                raise UsageError(f"{deployment} refuses its parameters: {error}") from None
            raise _unreachable(error) from error
        except _TROUBLE as error:
            raise _unreachable(error) from error
        return str(run.id), (run.state.name or "") if run.state else ""

    async def end(self, flow_run_id: str, wait_s: float) -> bool:
        """Cancel a run and wait until it is over. Returns whether it is.

        What has no process yet is Cancelled at once; else the worker ends the process.

        Raises:
            GoldenPathError: Prefect could not be asked.
        """
        id, end_s = UUID(flow_run_id), time.monotonic() + wait_s
        try:
            async with get_client() as client:
                run = await client.read_flow_run(id)
                if run.state is not None and not run.state.is_final():
                    has_process = run.state.is_running() or run.state.is_pending()
                    state: Any = Cancelling() if has_process else Cancelled()
                    await client.set_flow_run_state(id, state)
                while time.monotonic() < end_s:
                    run = await client.read_flow_run(id)
                    if run.state is not None and run.state.is_final():
                        return True
                    await asyncio.sleep(_POLL_S)
        except ObjectNotFound:
            return True  # it was deleted
        except _TROUBLE as error:
            raise _unreachable(error) from error
        return False

    async def state(self, flow_run_id: str) -> tuple[str, bool]:
        """Name of the run's state, and whether it is final.

        Raises:
            UsageError: no such run.
            GoldenPathError: Prefect could not be asked.
        """
        try:
            async with get_client() as client:
                run = await client.read_flow_run(UUID(flow_run_id))
        except ObjectNotFound:
            raise UsageError(f"Prefect has no flow run {flow_run_id}") from None
        except _TROUBLE as error:
            raise _unreachable(error) from error
        return (run.state.name or "", run.state.is_final()) if run.state else ("", False)

    async def answers(self) -> bool:
        """Whether the server can be asked now."""
        try:
            async with get_client() as client:
                return await client.api_healthcheck() is None
        except _TROUBLE:
            return False


def _unreachable(error: Exception) -> GoldenPathError:
    return GoldenPathError(f"Prefect did not answer as expected: {type(error).__name__}")
