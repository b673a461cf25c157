"""The steps of a journey as a plan declares them: what a user asks, says and must hear.

Strings may hold templates `{{name}}`: the plan's variables, what earlier steps captured, and
the `BUILT_IN` ones, which are made anew for each execution.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, JsonValue, model_validator

from data.records.field_rule import (
    TEMPLATE,
    FieldRule,
    Identifier,
    Rules,
    Shorthand,
    Statuses,
    Variable,
)
from data.records.record import Record
from data.records.units import Seconds, seconds

BUILT_IN = ("nonce", "uuid", "ordinal", "random_password")


class HttpRequest(Record):
    """One request. `json` and `body` (text) exclude each other. Redirects are not followed."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] = "GET"
    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    json_body: JsonValue = Field(None, alias="json")
    body: str | None = None
    timeout: Seconds = seconds("10s")

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if self.json_body is not None and self.body is not None:
            raise ValueError("expected at most one of json and body")
        return self


class HttpExpectation(Record):
    """What the answer to a request must be."""

    status: Statuses = (200,)
    headers: Rules = Field(default_factory=dict)
    json_rules: Rules = Field(default_factory=dict, alias="json", description="dotted path: rule")
    contains: tuple[str, ...] = ()
    not_contains: tuple[str, ...] = ()
    within: Seconds | None = Field(None, description="from the request to the whole answer")


class HttpStep(Record):
    """Ask one request and judge the answer; `metric` gets the latency in ms."""

    request: HttpRequest
    expect: HttpExpectation = HttpExpectation()
    capture: dict[Variable, str] = Field(
        default_factory=dict, description="variable: dotted path in the body"
    )
    metric: Identifier | None = None


class FirstMessage(Record):
    """The message that the server sends unasked once a socket is open."""

    fields: Rules = Field(default_factory=dict)
    within: Seconds = seconds("10s")
    capture: dict[Variable, str] = Field(default_factory=dict)


class Refusal(Record):
    """How a server may refuse: in the handshake, or by a close soon after it (RFC 6455 7.4)."""

    status: Statuses = (401, 403)
    close: tuple[int, ...] = (1008,)
    within: Seconds = Field(seconds("3s"), description="how long a refusing close may take")


class OpenStep(Record):
    """Open a WebSocket; `metric` is from TCP start to `first`, or to the open without `first`."""

    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    subprotocols: tuple[str, ...] = Field((), description="offered, best first")
    subprotocol: str | None = Field(None, description="the one that the server must choose")
    within: Seconds = Field(seconds("10s"), description="name, TCP, TLS and handshake together")
    ping: Seconds | None = Field(
        None, gt=0, description="ping the server this often; each pong must come before the next"
    )
    first: FirstMessage | None = None
    refused: Refusal | None = Field(None, description="the step passes only if it is refused")
    metric: Identifier | None = None

    @model_validator(mode="after")
    def _refused_says_nothing(self) -> Self:
        if self.refused and self.first:
            raise ValueError("expected at most one of first and refused")
        return self


class StreamStep(Record):
    """Ask for an answer that comes in events (`text/event-stream`); the next `expect` hears them.

    Each event is the message `{"event": name, "data": data, "id": id}`, its data as JSON where it
    is: so that `expect` reads its name at `type: event`, or at `type: data.type`. `metric` is from
    the request to the head of the answer.
    """

    request: HttpRequest
    status: Statuses = (200,)
    metric: Identifier | None = None


class SendStep(Record):
    """Send one message: `json`, or `text` as it stands."""

    json_message: JsonValue = Field(None, alias="json")
    text: str | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.json_message is None) == (self.text is None):
            raise ValueError("expected exactly one of json and text")
        return self


def _event(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class EventRule(Record):
    """One event of a contract: how often it comes at this place, and what it carries."""

    name: str
    times: Literal["once", "at_least_once", "optional", "any"] = "once"
    fields: Rules = Field(default_factory=dict)
    capture: dict[Variable, str] = Field(default_factory=dict)


class Answer(Record):
    """When an answer is one: not empty, not canned, and made from what was asked."""

    event: str
    path: str
    uses: tuple[str, ...] = Field((), description="each must appear, such as {{nonce}}")
    not_echo: str | None = Field(None, description="must not be contained whole")
    forbid: tuple[str, ...] = Field((), description="phrases of canned answers, any case")


class ExpectMetrics(Record):
    """Names of the times from the last send to the first and to the last event, in ms."""

    first: Identifier | None = None
    last: Identifier | None = None


class ExpectStep(Record):
    """An ordered contract of events on the open socket.

    The step ends with the last required event. A name may be listed at several places.
    """

    type: str = Field("type", description="dotted path of the event's name")
    rename: dict[str, str] = Field(default_factory=dict, description="theirs: ours")
    events: tuple[Annotated[EventRule, Shorthand(_event, {"type": "string"})], ...] = Field(
        min_length=1
    )
    interleaved: bool = Field(True, description="whether other messages may come in between")
    every: Rules = Field(
        default_factory=dict, description="dotted path: rule, for each event of the contract"
    )
    same: tuple[str, ...] = Field((), description="not empty and equal in each event")
    within: Seconds = Field(seconds("30s"), description="from the last send to the last event")
    first_within: Seconds | None = None
    max_gap: Seconds | None = Field(None, description="longest silence between two events")
    settle: Seconds = Field(0.0, description="watch on after the last event, for repeated ones")
    errors: tuple[str, ...] = Field((), description="event names that are failures at once")
    answer: Answer | None = None
    distinct_gaps: bool = Field(False, description="equal gaps between events are canned ones")
    metrics: ExpectMetrics = ExpectMetrics()

    @cached_property
    def names(self) -> dict[str, int]:
        """Names of the contract's events, each with the first place where it is listed."""
        places = reversed(tuple(enumerate(self.events)))
        return {event.name: place for place, event in places}

    @cached_property
    def order(self) -> tuple[tuple[str, str], ...]:
        """What of the contract decides its order: each name, and how often it may come."""
        return tuple((one.name, one.times) for one in self.events)

    @cached_property
    def asks_by_nonce(self) -> bool:
        """Whether the answer must use the nonce, so that another nonce is another's answer."""
        uses = self.answer.uses if self.answer else ()
        return any("nonce" in TEMPLATE.findall(text) for text in uses)

    @cached_property
    def fields_by_slot(self) -> tuple[Rules, ...]:
        """What the event at each place must carry; its own rule wins over a shared one."""
        shared = {**dict.fromkeys(self.same, FieldRule(not_empty=True)), **self.every}
        return tuple({**shared, **event.fields} for event in self.events)

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        names = {event.name for event in self.events}
        if self.answer and self.answer.event not in names:
            raise ValueError(f"answer.event {self.answer.event!r} is none of the events")
        if both := sorted(names & set(self.errors)):
            raise ValueError(f"{', '.join(both)} cannot be both an event and an error")
        if not any(event.times in ("once", "at_least_once") for event in self.events):
            raise ValueError("expected at least one event that is required")
        return self


class CloseStep(Record):
    """Close the socket and expect a clean close: both close frames (RFC 6455 7.1.4)."""

    code: int = Field(1000, description="1000, or 3000 to 4999 (RFC 6455 7.4)")
    within: Seconds = seconds("5s")

    @model_validator(mode="after")
    def _may_be_sent(self) -> Self:
        if self.code != 1000 and not 3000 <= self.code <= 4999:
            raise ValueError(f"expected 1000 or 3000 to 4999, got {self.code}")
        return self


class KeyReference(Record):
    """Where a signing key is kept; never the key itself. `block` is `type-slug/name`."""

    env: str | None = None
    block: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.env is None) == (self.block is None):
            raise ValueError("expected exactly one of env and block")
        return self

    @property
    def variable(self) -> str:
        """The entry of `ProbeOrder.variables` with the key; no template can name it."""
        return f"secret:env:{self.env}" if self.env else f"secret:block:{self.block}"


class TokenStep(Record):
    """Mint a JWT into the variable `name`; `break` makes one that must be refused.

    `iat` and `exp` are added where the claims do not give them.
    """

    name: Variable = "token"
    algorithm: str = "HS256"
    claims: dict[str, JsonValue] = Field(default_factory=dict)
    key: KeyReference
    ttl: Seconds = seconds("15m")
    broken: Literal["expired", "signature", "none_alg"] | None = Field(None, alias="break")


class PythonStep(Record):
    """What cannot be declared: a generator function `name(book)` in a file of the plan's folder.

    It gives moves (`data/rules/journey/moves.py`), is sent what happened, may read and set
    `book.names`, and returns None or a `Problem`: as the steps that the gate knows itself.
    """

    function: str = Field(
        pattern=r"^[^:{}]+\.py:[A-Za-z_][A-Za-z0-9_]*$", examples=["probes/mqtt.py:hello"]
    )
    defines: tuple[Variable, ...] = Field((), description="variables that it sets")
    metric: Identifier | None = None


Action = (
    HttpStep
    | OpenStep
    | StreamStep
    | PythonStep
    | SendStep
    | ExpectStep
    | CloseStep
    | TokenStep
    | float
)


class Step(Record):
    """One step of a journey: exactly one of its keys."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    http: HttpStep | None = None
    open: OpenStep | None = None
    stream: StreamStep | None = None
    send: SendStep | None = None
    expect: ExpectStep | None = None
    close: CloseStep | None = None
    token: TokenStep | None = None
    python: PythonStep | None = None
    think: Seconds | None = Field(None, description="pause, as a user would")

    @model_validator(mode="after")
    def _one_action(self) -> Self:
        given = [name for name, action in self if action is not None]
        if len(given) != 1:
            names = ", ".join(type(self).model_fields)
            raise ValueError(f"expected exactly one of {names}; got {', '.join(given) or 'none'}")
        return self

    @cached_property
    def verb(self) -> str:
        """The key that is given."""
        return next(name for name, action in self if action is not None)

    @cached_property
    def action(self) -> Action:
        """What stands under the key; a `think` is its seconds."""
        return getattr(self, self.verb)  # type: ignore[no-any-return]
