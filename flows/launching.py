"""A flow from the command line: beside the import of Prefect and the boot of its server."""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from data.errors import GoldenPathError
from flows.session import Session
from flows.wiring import has_prefect_api, prefect_server

if TYPE_CHECKING:
    from pathlib import Path

    from prefect.client.schemas.objects import State

    from flows.progress import Progress
    from tasks.prefect_server import PrefectServer

Flow = Callable[[Session], Awaitable["State[Any]"]]


def server_for(home: Path, progress: Progress) -> PrefectServer | None:
    """The Prefect server of this run alone, where no other is set."""
    if has_prefect_api():
        return None
    progress.say("starting a Prefect server for this run; set PREFECT_API_URL to use yours")
    server = prefect_server(home)
    atexit.register(server.stop)  # before Prefect registers its own: it flushes its logs first
    return server


async def launch(
    session: Session, server: PrefectServer | None, flow: Callable[[], Flow]
) -> State[Any]:
    """The flow's final state; the session is closed whatever happens.

    Args:
        flow: imports the flow, which takes a second: in a thread, while the session has begun.

    Raises:
        GoldenPathError: Prefect could not run the flow at all.
    """
    try:
        imported = await asyncio.to_thread(flow)
        if server is not None:
            await asyncio.to_thread(server.wait)
        return await _in_prefect(imported, session)
    finally:
        await session.abandon()
        session.recorder.close()


async def _in_prefect(flow: Flow, session: Session) -> State[Any]:
    """The flow's state. What goes wrong inside it is a state too; what is raised is Prefect's."""
    try:
        return await flow(session)
    except Exception as error:
        raise GoldenPathError(
            f"Prefect could not run the flow: {error or type(error).__name__}; the deployment is"
            f" not approved; go on with --resume {session.wired.run_id}"
        ) from error
