"""The words between the journey's machine and whoever does the I/O: decisions and events.

Times are seconds of one monotonic clock; the machine never reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from data.records.probe_plan import HttpRequest, TokenStep
from data.rules.journey.signatures import Cause


@dataclass(frozen=True, slots=True)
class Call:
    """Send this HTTP request. Answered by Responded or Broke."""

    request: HttpRequest


@dataclass(frozen=True, slots=True)
class Connect:
    """Open this WebSocket before `deadline_s`. Answered by Opened, Refused or Broke.

    With `ping_s` a ping goes out that often, and its pong must be there when the next is due.
    """

    url: str
    headers: Mapping[str, str]
    subprotocols: tuple[str, ...]
    deadline_s: float
    ping_s: float | None = None


@dataclass(frozen=True, slots=True)
class Transmit:
    """Send this text frame. Answered by Sent or Closed."""

    text: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for the socket until `until_s`. Answered by Message, Closed or Timer."""

    until_s: float


@dataclass(frozen=True, slots=True)
class Sleep:
    """Do nothing until `until_s`. Answered by Timer."""

    until_s: float


@dataclass(frozen=True, slots=True)
class Mint:
    """Make a token; the claims are filled in. Answered by Minted."""

    spec: TokenStep


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the socket with this code and see the close through. Answered by Closed."""

    code: int
    within_s: float


@dataclass(frozen=True, slots=True)
class Done:
    """The journey passed."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The journey failed."""

    cause: Cause


Decision = Call | Connect | Transmit | Wait | Sleep | Mint | HangUp | Done | Failed


@dataclass(frozen=True, slots=True)
class Responded:
    """A whole HTTP answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    text: str
    started_s: float
    t_s: float


@dataclass(frozen=True, slots=True)
class Opened:
    """The WebSocket is open. `started_s` is when TCP was started."""

    subprotocol: str | None
    started_s: float
    t_s: float


@dataclass(frozen=True, slots=True)
class Refused:
    """The handshake was answered with an HTTP status other than 101."""

    status: int
    text: str
    t_s: float


@dataclass(frozen=True, slots=True)
class Broke:
    """Name, TCP, TLS, HTTP or handshake failed; the signature says how."""

    signature: str
    message: str
    t_s: float


@dataclass(frozen=True, slots=True)
class Message:
    """One whole message from the socket."""

    payload: str | bytes
    t_s: float


@dataclass(frozen=True, slots=True)
class Closed:
    """The socket is closed, as `by` says.

    - server: its close frame came first; 1005 is a frame without a code (RFC 6455 7.1.5).
    - client: the server broke the protocol, and `code` is what the client had to send.
    - answer: the client hung up, and `code` is what the server answered.
    - network: no close frame came: 1006.
    - silence: the server left a ping without a pong: 1006.
    """

    code: int
    reason: str
    by: Literal["server", "client", "answer", "network", "silence"]
    t_s: float


@dataclass(frozen=True, slots=True)
class Sent:
    """The text is handed to the kernel."""

    t_s: float


@dataclass(frozen=True, slots=True)
class Timer:
    """The time that a decision named has come."""

    t_s: float


@dataclass(frozen=True, slots=True)
class Minted:
    """The token that was asked for."""

    token: str
    t_s: float


Event = Responded | Opened | Refused | Broke | Message | Closed | Sent | Timer | Minted
