"""A verdict beside a commit on GitHub or GitLab."""

from __future__ import annotations

import asyncio

import httpx

from data.rules.hooks.statuses import StatusCall, StatusPlace

_TRIES = 4
_TIMEOUT_S = 10.0
_MOST_WAIT_S = 30.0
_AGAIN = (429, 500, 502, 503, 504)


async def show_status(api: str, token: str, place: StatusPlace, call: StatusCall) -> str:
    """Make the call; again after what passes (429, 5xx, no connection), as `Retry-After` says.

    Args:
        api: root of the API, such as `https://api.github.com`.
        token: is in no message of this module.

    Returns:
        "" when it was taken, else why not.
    """
    name = "private-token" if place.kind == "gitlab" else "authorization"
    headers = {name: token if place.kind == "gitlab" else f"Bearer {token}"}
    url = httpx.URL(f"{api.rstrip('/')}/{call.path}")
    said = ""
    async with httpx.AsyncClient(timeout=_TIMEOUT_S, headers=headers) as client:
        for attempt in range(_TRIES):
            wait_s = 2.0**attempt / 2
            try:
                answer = await client.post(url, json=dict(call.body))
            except httpx.HTTPError as error:
                said = f"{place.kind} could not be reached: {type(error).__name__}"
            else:
                if answer.is_success or _is_there_already(place, answer):
                    return ""
                said = f"{place.kind} answered {answer.status_code} to {url.path}"
                if answer.status_code not in _AGAIN:
                    return said
                wait_s = _told_wait_s(answer, wait_s)
            if attempt + 1 < _TRIES:
                await asyncio.sleep(wait_s)
    return said


def _is_there_already(place: StatusPlace, answer: httpx.Response) -> bool:
    """GitLab refuses a status that is as it was ("Cannot transition status via :run …")."""
    return (
        place.kind == "gitlab"
        and answer.status_code == 400
        and "Cannot transition status" in answer.text
    )


def _told_wait_s(answer: httpx.Response, wait_s: float) -> float:
    told = answer.headers.get("retry-after", "")
    return min(float(told[:6]), _MOST_WAIT_S) if told.isdigit() else wait_s
