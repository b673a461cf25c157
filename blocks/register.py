"""Block types and documents at a Prefect server, safe to repeat."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.types import SecretDict
from pydantic import SecretStr

from blocks.environment import GoldenPathEnvironment


async def keep_environment(
    name: str, variables: Mapping[str, str], secrets: Mapping[str, str]
) -> tuple[int, int]:
    """The environment's block, with these values beside those that it has.

    A value that becomes a secret leaves the plain ones, and the other way round.

    Returns:
        Number of variables and of secrets that it has now.
    """
    await GoldenPathEnvironment.aregister_type_and_schema()
    try:
        block: GoldenPathEnvironment = await GoldenPathEnvironment.aload(name)
    except ValueError:  # Prefect's word for "there is none"
        block = GoldenPathEnvironment()
    plain = {k: v for k, v in block.variables.items() if k not in secrets} | dict(variables)
    hidden = {k: v for k, v in block.secrets.items() if k not in variables}
    hidden |= {k: SecretStr(v) for k, v in secrets.items()}
    if (plain, hidden) != (block.variables, block.secrets) or not block._block_document_id:
        block.variables, block.secrets = plain, hidden
        await block.asave(name, overwrite=True)
    return len(plain), len(hidden)


async def keep_notifier(name: str, address: str) -> UUID:
    """A webhook that takes `{"text": …}`, as Slack, Mattermost, Teams and many others do.

    The address is a secret of the block.
    """
    local = address.startswith(("http://127.0.0.1:", "http://localhost:"))
    block = CustomWebhookNotificationBlock(
        name=name,
        url="{{address}}",
        json_data={"text": "{{subject}}\n{{body}}"},
        secrets=SecretDict({"address": address}),
        allow_private_urls=local,
    )
    found = await block.asave(name, overwrite=True)
    return UUID(str(found))
