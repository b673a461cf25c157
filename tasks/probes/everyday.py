"""The everyday case of a client's WebSocket (RFC 6455), in as few steps as Python can take.

A load spends its time here. What is known here is known for certain: a 101 that says what it must
and nothing that would have to be negotiated, whole frames of text or bytes under 64 KiB, and the
answer to our own close. Anything else, be it allowed or a breach, is left as it came for
`tasks.probes.strict`, where the library judges it.
"""

from __future__ import annotations

import os
import re
from collections import deque
from typing import Final

from websockets.exceptions import ProtocolError
from websockets.frames import Close

from data.rules.journey.moves import Closed, Message
from tasks.probes.opening import Opening

try:
    from websockets.speedups import apply_mask
except ImportError:  # the library was built without its C part
    from websockets.utils import apply_mask

_HEAD = re.compile(rb"HTTP/1\.1 101 [ -~]*\r\n((?:[A-Za-z0-9-]+:[ -~]*\r\n)*)\r\n")
_MUST_NOT_NAME = b"sec-websocket-extensions"
_TEXT, _BYTES, _CLOSE = 0x81, 0x82, 0x88  # FIN and opcode (RFC 6455 5.2)
_MASKED = 0x80
_SHORT, _MIDDLE = 125, 65_535
_NORMAL = (1000).to_bytes(2, "big")
NOTHING: Final = b""


class Everyday:
    """One connection while it is ordinary.

    Attributes:
        is_open: whether the handshake was answered as it must be.
        closed: how the socket closed, once our close was answered.
        close_sent: the code of our own close, if it went out.
    """

    __slots__ = ("_cut", "_opening", "close_sent", "closed", "is_open", "subprotocol")

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._cut = NOTHING
        self.is_open = False
        self.subprotocol: str | None = None
        self.close_sent: int | None = None
        self.closed: Closed | None = None

    @property
    def opening(self) -> Opening:
        """The handshake that it began with."""
        return self._opening

    def feed(self, data: bytes, now_s: float, inbox: deque[Message]) -> bytes | None:
        """Take in bytes; whole messages go to `inbox`.

        Returns:
            None, or what is not everyday: from there on the connection is another's to judge.
        """
        if self._cut:
            data, self._cut = self._cut + data, NOTHING
        at = 0
        if not self.is_open:
            at = self._answer(data)
            if not at:
                return data
        return self._frames(data, at, now_s, inbox)

    def left(self) -> bytes:
        """The beginning of a frame whose end has not come."""
        return self._cut

    def _answer(self, data: bytes) -> int:
        """Where the frames begin; 0 when this is no answer that can be taken as it is."""
        head = _HEAD.match(data)
        if head is None:
            return 0
        found: dict[bytes, bytes] = {}
        for line in head[1].split(b"\r\n")[:-1]:
            name, _, value = line.partition(b":")
            name = name.lower()
            if name in found and name.startswith((b"sec-", b"upg", b"conn")):
                return 0
            found[name] = value.strip()
        self.is_open = self._is_plain(found)
        if not self.is_open:
            self.subprotocol = None
            return 0
        return head.end()

    def _is_plain(self, found: dict[bytes, bytes]) -> bool:
        if found.get(b"sec-websocket-accept") != self._opening.accept or _MUST_NOT_NAME in found:
            return False
        if (chosen := found.get(b"sec-websocket-protocol")) is not None:
            self.subprotocol = chosen.decode()
            if self.subprotocol not in self._opening.subprotocols:
                return False
        upgrade, connection = found.get(b"upgrade", NOTHING), found.get(b"connection", NOTHING)
        return upgrade.lower() == b"websocket" and connection.lower() == b"upgrade"

    def _frames(self, data: bytes, at: int, now_s: float, inbox: deque[Message]) -> bytes | None:
        size = len(data)
        while size - at >= 2 and self.closed is None:
            first, length, begin = data[at], data[at + 1], at + 2
            if length == 126 and size - at >= 4:
                length, begin = data[at + 2] << 8 | data[at + 3], at + 4
            elif length > _SHORT:  # masked, or of 64 KiB and more, or cut within its length
                return data[at:]
            if first not in (_TEXT, _BYTES) and (first != _CLOSE or self.close_sent is None):
                return data[at:]  # before its end has come: a breach is one from its first byte
            end = begin + length
            if end > size:
                break
            try:
                if first == _TEXT:
                    inbox.append(Message(data[begin:end].decode(), now_s))
                elif first == _BYTES:
                    inbox.append(Message(data[begin:end], now_s))
                else:
                    self.closed = _closed(data[begin:end], now_s)
            except (UnicodeDecodeError, ProtocolError):
                return data[at:]
            at = end
        self._cut = data[at:]
        return None

    def message(self, payload: str | bytes) -> bytes:
        """A frame of text or bytes to send."""
        if isinstance(payload, str):
            return frame(_TEXT, payload.encode())
        return frame(_BYTES, payload)

    def close(self, code: int) -> bytes:
        """Our close frame."""
        self.close_sent = code
        return frame(_CLOSE, code.to_bytes(2, "big"))


def _closed(payload: bytes, now_s: float) -> Closed:
    """The answer to our close.

    Raises:
        ProtocolError, UnicodeDecodeError: it is none.
    """
    if payload == _NORMAL:
        return Closed(1000, "", "answer", now_s)
    if len(payload) > _SHORT:
        raise ProtocolError("control frame too long")
    close = Close.parse(payload)
    return Closed(int(close.code), close.reason, "answer", now_s)


def frame(first: int, payload: bytes) -> bytes:
    """A whole masked frame (RFC 6455 5.2 and 5.3).

    Args:
        first: its first byte: FIN and opcode.
    """
    mask, size = os.urandom(4), len(payload)
    if size <= _SHORT:
        head = bytes((first, _MASKED | size))
    elif size <= _MIDDLE:
        head = bytes((first, _MASKED | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, _MASKED | 127)) + size.to_bytes(8, "big")
    return head + mask + apply_mask(payload, mask)
