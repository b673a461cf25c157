"""The connections of one control: requests and handshakes, one after the other."""

from __future__ import annotations

import asyncio

import h11

from tasks.controls.exchange import Answer, Asked, Target
from tasks.controls.sockets import accept, converse
from tasks.controls.wire import Wire


async def serve_target(
    target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer the requests of one connection, one after the other."""
    wire = Wire(reader, writer)
    try:
        while (asked := await wire.request()) is not None:
            if not await _exchange(target, wire, asked):
                return
    except h11.RemoteProtocolError:
        await wire.refuse()
    except h11.LocalProtocolError as error:  # the target's answer is none that HTTP allows
        raise ConnectionAbortedError(str(error)) from error


async def _exchange(target: Target, wire: Wire, asked: Asked) -> bool:
    """One request and its answer. Returns whether there may be another."""
    if _is_handshake(asked):
        return await _handshake(target, wire, asked)
    async with target.answer(asked) as answer:
        await wire.send(asked, answer)
    return await wire.again(asked)


def _is_handshake(asked: Asked) -> bool:
    upgrade = b",".join(asked.values(b"upgrade")).lower()
    return asked.method == "GET" and b"websocket" in upgrade


async def _handshake(target: Target, wire: Wire, asked: Asked) -> bool:
    rest = await wire.rest()
    async with target.open(asked) as opened:
        if isinstance(opened, Answer):
            await wire.send(asked, opened)
            return await wire.again(asked)
        socket = await accept(wire, asked, opened)
        if socket is not None:
            await converse(socket, opened, rest)
    return False
