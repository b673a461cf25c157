"""Serve one control on loopback, a listener for each service that it breaks."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from urllib.parse import urlsplit

from data.errors import UsageError
from data.records.control import Control, Kind
from data.rules.mutation import Moves
from tasks.controls.alone import Always, Closed, Empty, Silent
from tasks.controls.changes import Delayed, Emptied, Leading, Scoped, Swapped
from tasks.controls.connection import serve_target
from tasks.controls.exchange import Target
from tasks.controls.memory import Canned, NoAuth
from tasks.controls.talks import Closing, Reordered, WithoutEvent
from tasks.controls.upstream import Upstream, real_client
from tasks.proxies.listener import held_port, listening
from tasks.trust import tls_context

_ALONE: dict[Kind, Callable[[], Target]] = {
    "forbidden": partial(Always, 403),
    "broken": partial(Always, 500),
    "empty": Empty,
    "silent": Silent,
    "closed": Closed,
}
_MUTATIONS: dict[Kind, Callable[[Target, Control], Target]] = {
    "no_auth": lambda real, _: NoAuth(real),
    "canned": lambda real, _: Canned(real),
    "emptied": lambda real, _: Emptied(real),
    "delayed": lambda real, control: Delayed(real, control.delay_s),
    "swapped": lambda real, control: Swapped(real, control.swapped_fields),
    "drop_event": lambda real, control: WithoutEvent(real, control.event),
    "reorder": lambda real, control: Reordered(real, control.event),
    "status": lambda _, control: Always(control.status or 500),
    "close": lambda real, control: Closing(real, control.close_code, control.after),
}


@asynccontextmanager
async def serve_control(
    control: Control, services: Mapping[str, str], *, trust: ssl.SSLContext | None = None
) -> AsyncIterator[dict[str, str]]:
    """Serve one control on loopback while the context lasts.

    Args:
        services: name -> the real base URL.
        trust: for real targets with TLS; the machine's when None.

    Returns:
        name -> the URL to give to a suite instead: a plain one, with the real one's path. A
        service that the control leaves whole keeps its real URL.

    Raises:
        UsageError: the control names a service that is not there.
    """
    if control.service and control.service not in services:
        known = ", ".join(services) or "none"
        raise UsageError(f"control {control.id}: no service {control.service!r}; there are {known}")
    broken = {n: u for n, u in services.items() if control.service in ("", n)}
    async with AsyncExitStack() as stack:
        held = {name: stack.enter_context(held_port()) for name in broken}
        ours = {name: _here(url, held[name].getsockname()[1]) for name, url in broken.items()}
        if control.kind != "refused":
            targets = await _targets(control, broken, ours, trust or tls_context(), stack)
            for name, target in targets.items():
                serve = partial(serve_target, target)
                await stack.enter_async_context(listening(held[name], serve))
        yield {**services, **ours}


def _here(url: str, port: int) -> str:
    parts = urlsplit(url)
    plain = "ws" if parts.scheme in ("ws", "wss") else "http"
    return parts._replace(scheme=plain, netloc=f"127.0.0.1:{port}").geturl()


async def _targets(
    control: Control, services: Mapping[str, str], ours: Mapping[str, str],
    trust: ssl.SSLContext, stack: AsyncExitStack,
) -> dict[str, Target]:  # fmt: skip
    """What answers for each service. Each has a memory of its own."""
    if control.stands_alone:
        return {name: _ALONE[control.kind]() for name in services}
    http = await stack.enter_async_context(real_client(trust))
    moves = Moves({services[name]: ours[name] for name in services})
    return {
        name: _broken(control, Leading(Upstream(url, moves, http, trust), moves))
        for name, url in services.items()
    }


def _broken(control: Control, real: Target) -> Target:
    """The real target with the control's fault, under the control's path."""
    if control.kind in _ALONE:
        broken = _ALONE[control.kind]()
    else:
        broken = _MUTATIONS[control.kind](real, control)
    return Scoped(real, broken, control.path) if control.path else broken
