"""Every case of a client's WebSocket, judged by the library: `websockets`' protocol without I/O
(https://websockets.readthedocs.io/en/stable/howto/sansio.html).
"""

from __future__ import annotations

from collections import deque
from typing import Self

from websockets.client import ClientProtocol
from websockets.exceptions import PayloadTooBig
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import Protocol, Side, State
from websockets.typing import Subprotocol

from data.rules.journey.moves import Closed, Message
from tasks.probes.everyday import Everyday
from tasks.probes.opening import Opening

MOST_BYTES = 16 * 2**20


class Strict:
    """One connection in all its cases, from its handshake or from any frame on.

    Attributes:
        is_open: whether the handshake was answered as it must be.
        closed: how the socket closed, as soon as that is certain.
        is_pong_due: whether a ping went out that got no pong yet.
    """

    def __init__(self, protocol: Protocol, is_open: bool) -> None:
        self._protocol = protocol
        self._parts: list[bytes] = []
        self._is_text = True
        self._is_leaving = False
        self.is_open = is_open
        self.closed: Closed | None = None
        self.is_pong_due = False

    @classmethod
    def after(cls, everyday: Everyday) -> Self:
        """Goes on where the everyday case ended: what that has sent is known here as sent."""
        if everyday.is_open:
            strict = cls(Protocol(Side.CLIENT, state=State.OPEN, max_size=MOST_BYTES), True)
            if everyday.close_sent is not None:
                strict.close(everyday.close_sent)
                strict.out()  # it is on its way already
            return strict
        return cls(_shaking(everyday.opening), False)

    @property
    def error(self) -> Exception | None:
        """What was wrong with the answer to the handshake."""
        return self._protocol.handshake_exc

    @property
    def subprotocol(self) -> str | None:
        """What the server chose, None without one."""
        return self._protocol.subprotocol

    def feed(self, data: bytes, now_s: float, inbox: deque[Message]) -> None:
        """Take in bytes; whole messages go to `inbox`."""
        self._protocol.receive_data(data)
        self._take(now_s, inbox)

    def end(self, now_s: float, inbox: deque[Message]) -> None:
        """Take in that nothing more will come."""
        if self._protocol.state is not State.CLOSED:
            self._protocol.receive_eof()
        self._take(now_s, inbox)
        self._close(now_s)

    def _take(self, now_s: float, inbox: deque[Message]) -> None:
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._frame(event, now_s, inbox)
            elif isinstance(event, Response):
                self.is_open = self._protocol.handshake_exc is None
        if self._protocol.close_rcvd is not None or self._protocol.parser_exc is not None:
            self._close(now_s)

    def _frame(self, frame: Frame, now_s: float, inbox: deque[Message]) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._is_text = frame.opcode is Opcode.TEXT
            self._parts.clear()
        elif frame.opcode is Opcode.PONG:
            self.is_pong_due = False
            return
        elif frame.opcode is not Opcode.CONT:
            return
        self._parts.append(bytes(frame.data))
        if frame.fin:
            self._message(b"".join(self._parts), now_s, inbox)

    def _message(self, whole: bytes, now_s: float, inbox: deque[Message]) -> None:
        try:
            payload = whole.decode() if self._is_text else whole
        except UnicodeDecodeError as error:  # RFC 6455 8.1
            self._protocol.fail(CloseCode.INVALID_DATA, f"invalid UTF-8: {error.reason}")
            self._close(now_s)
            return
        inbox.append(Message(payload, now_s))

    def _close(self, now_s: float) -> None:
        """Note how the socket closed, the first time that it is known.

        A close counts from its frame, or from the breach of the protocol. The library's own
        connection waits until TCP is closed, which is the server's part (RFC 6455 7.1.1): a server
        that leaves that out would look silent, and its code would be lost.
        """
        if self.closed is None and self.is_open:
            self.closed = _how_closed(self._protocol, self._is_leaving, now_s)

    def message(self, payload: str | bytes) -> None:
        """Send a frame of text or bytes."""
        if isinstance(payload, str):
            self._protocol.send_text(payload.encode())
        else:
            self._protocol.send_binary(payload)

    def ping(self) -> None:
        """Send a ping; its pong is due from now on."""
        self.is_pong_due = True
        self._protocol.send_ping(b"")

    def close(self, code: int) -> None:
        """Send our close frame, where that still can be."""
        self._is_leaving = True
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code)

    def out(self) -> list[bytes]:
        """What is to be written now; an empty piece ends our direction."""
        return self._protocol.data_to_send()


def _shaking(opening: Opening) -> ClientProtocol:
    """The library's protocol where it has sent this handshake and waits for the answer."""
    offered = [Subprotocol(one) for one in opening.subprotocols] or None
    protocol = ClientProtocol(opening.url, subprotocols=offered, max_size=MOST_BYTES)
    protocol.key = opening.key
    return protocol


def _how_closed(protocol: Protocol, is_leaving: bool, now_s: float) -> Closed:
    """Who closed, and with what (RFC 6455 7.1.5 and 7.1.6)."""
    received, sent = protocol.close_rcvd, protocol.close_sent
    if received and (sent is None or protocol.close_rcvd_then_sent):
        return Closed(received.code, received.reason, "server", now_s)
    if is_leaving and received:
        return Closed(received.code, received.reason, "answer", now_s)
    if is_leaving and protocol.parser_exc and not isinstance(protocol.parser_exc, EOFError):
        return Closed(_breach_code(protocol.parser_exc), "", "client", now_s)
    if sent and not is_leaving:
        return Closed(sent.code, sent.reason, "client", now_s)
    return Closed(1006, "", "network", now_s)


def _breach_code(error: Exception) -> int:
    """The code for a breach that came when our own close was already sent (RFC 6455 7.4.1)."""
    if isinstance(error, PayloadTooBig):
        return CloseCode.MESSAGE_TOO_BIG
    return CloseCode.INVALID_DATA if isinstance(error, UnicodeError) else CloseCode.PROTOCOL_ERROR
