"""The words between the journey's machine and whoever does the I/O: decisions and events.

Times are seconds of one monotonic clock; the machine never reads it. They are tuples with names: a
load makes some twenty of them for each journey, and a frozen dataclass takes twice the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from data.records.step_plan import HttpRequest, TokenStep
from data.rules.journey.signatures import Cause


class Call(NamedTuple):
    """Send this HTTP request. Answered by Responded or Broke."""

    request: HttpRequest


class Connect(NamedTuple):
    """Open this WebSocket before `deadline_s`. Answered by Opened, Refused or Broke.

    With `ping_s` a ping goes out that often, and its pong must be there when the next is due.
    """

    url: str
    headers: Mapping[str, str]
    subprotocols: tuple[str, ...]
    deadline_s: float
    ping_s: float | None = None


class Stream(NamedTuple):
    """Send this request, and listen to the events of its answer. Answered by Responded or Broke.

    `Responded` comes with the head; its text is empty where the answer is a stream.
    """

    request: HttpRequest


class Transmit(NamedTuple):
    """Send this frame, of text or of bytes. Answered by Sent or Closed."""

    text: str | bytes


class Wait(NamedTuple):
    """Wait for the socket until `until_s`. Answered by Message, Closed or Timer."""

    until_s: float


class Sleep(NamedTuple):
    """Do nothing until `until_s`. Answered by Timer."""

    until_s: float


class Mint(NamedTuple):
    """Make a token; the claims are filled in. Answered by Minted."""

    spec: TokenStep


class HangUp(NamedTuple):
    """Close the socket with this code and see the close through. Answered by Closed."""

    code: int
    within_s: float


class Done(NamedTuple):
    """The journey passed."""


class Failed(NamedTuple):
    """The journey failed."""

    cause: Cause


MOVES = (Call, Connect, Stream, Transmit, Wait, Sleep, Mint, HangUp)
Decision = Call | Connect | Stream | Transmit | Wait | Sleep | Mint | HangUp | Done | Failed


class Responded(NamedTuple):
    """A whole HTTP answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    text: str
    started_s: float
    t_s: float


class Opened(NamedTuple):
    """The WebSocket is open. `started_s` is when TCP was started."""

    subprotocol: str | None
    started_s: float
    t_s: float


class Refused(NamedTuple):
    """The handshake was answered with an HTTP status other than 101."""

    status: int
    text: str
    t_s: float


class Broke(NamedTuple):
    """Name, TCP, TLS, HTTP or handshake failed; the signature says how."""

    signature: str
    message: str
    t_s: float


class Message(NamedTuple):
    """One whole message from the socket."""

    payload: str | bytes
    t_s: float


class Closed(NamedTuple):
    """The socket is closed, as `by` says.

    - server: its close frame came first; 1005 is a frame without a code (RFC 6455 7.1.5).
    - client: the server broke the protocol, and `code` is what the client had to send.
    - answer: the client hung up, and `code` is what the server answered.
    - network: no close frame came: 1006.
    - silence: the server left a ping without a pong: 1006.
    - end: no socket, but a stream of events, whose answer ended as HTTP says: 0.
    - cut: such a stream, whose connection broke in the middle: 0.
    """

    code: int
    reason: str
    by: Literal["server", "client", "answer", "network", "silence", "end", "cut"]
    t_s: float


class Sent(NamedTuple):
    """The text is handed to the kernel."""

    t_s: float


class Timer(NamedTuple):
    """The time that a decision named has come."""

    t_s: float


class Minted(NamedTuple):
    """The token that was asked for."""

    token: str
    t_s: float


Event = Responded | Opened | Refused | Broke | Message | Closed | Sent | Timer | Minted
