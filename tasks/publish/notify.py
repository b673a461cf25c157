"""Tell people, through Apprise: it knows some hundred services and is what Prefect's blocks use."""

from __future__ import annotations

import asyncio

from data.rules.notice import Notice

TIMEOUT_S = 15.0


async def tell(address: str, notice: Notice) -> str:
    """Send one notice.

    Args:
        address: in Apprise's form. It is a secret and is in no message of this module.

    Returns:
        "" when the service took it, else why it was not told.
    """
    import apprise  # takes a third of a second, and most runs tell nobody

    told = apprise.Apprise()
    if not told.add(address):
        return "it holds no address that Apprise knows: https://github.com/caronc/apprise/wiki"
    try:
        async with asyncio.timeout(TIMEOUT_S):
            sent = await told.async_notify(title=notice.title, body=notice.body)
    except TimeoutError:
        return f"the service did not answer within {TIMEOUT_S:g} s"
    return "" if sent else "the service did not take it"
