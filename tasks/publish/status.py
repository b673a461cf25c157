"""A verdict beside a commit on GitHub or GitLab."""

from __future__ import annotations

from data.errors import ForgeAway, ForgeRefused
from data.rules.hooks.statuses import StatusCall, StatusPlace
from tasks.forge import Forge


async def show_status(api: str, token: str, place: StatusPlace, call: StatusCall) -> str:
    """Make the call; again after what passes (429, 5xx, no connection), as `Retry-After` says.

    Args:
        api: root of the API, such as `https://api.github.com`.
        token: is in no message of this module.

    Returns:
        "" when it was taken, else why not.
    """
    async with Forge(place.kind, api, token) as forge:
        try:
            await send_status(forge, call)
        except (ForgeRefused, ForgeAway) as error:
            return str(error)
    return ""


async def send_status(forge: Forge, call: StatusCall) -> None:
    """Make the call. What GitLab has already is fine ("Cannot transition status via :run …").

    Raises:
        ForgeRefused: it is not taken.
        ForgeAway: try again later.
    """
    try:
        await forge.ask("POST", call.path, dict(call.body))
    except ForgeRefused as error:
        is_there = error.status == 400 and "Cannot transition status" in error.text
        if forge.kind != "gitlab" or not is_there:
            raise
