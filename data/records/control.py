"""Negative controls: what is broken on purpose, one thing at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from data.records.field_rule import Identifier
from data.records.record import Record
from data.records.units import Seconds, seconds

Kind = Literal[
    "refused", "forbidden", "broken", "empty", "silent", "closed",
    "no_auth", "canned", "emptied", "delayed", "swapped",
    "drop_event", "reorder", "status", "close",
]  # fmt: skip
WITHOUT_TARGET = frozenset({"refused", "forbidden", "broken", "empty", "silent", "closed"})
USER_FIELDS = ("user_id", "userId", "sub", "email", "username")
_DELAY_S = seconds("2s")
# What a kind reads beside id, kind and service; those after "!" it must have.
_READS: Mapping[str, str] = {
    "refused": "", "forbidden": "path", "broken": "path", "empty": "path", "silent": "path",
    "closed": "path", "no_auth": "path", "canned": "path", "emptied": "path",
    "delayed": "path delay", "swapped": "path fields", "drop_event": "path !event",
    "reorder": "path !event", "status": "path !status", "close": "path code after",
}  # fmt: skip
_SAYS: Mapping[str, str] = {
    "refused": "nobody listens",
    "forbidden": "403 to everything",
    "broken": "500 to everything",
    "empty": "200 with an empty body to everything; sockets open and say nothing",
    "silent": "connections are accepted and never answered",
    "closed": "200 {{}} to everything; each socket is closed with 1000 at once",
    "no_auth": "what the target refuses is answered with 200; refused sockets open",
    "canned": "the first good answer is given again for ever",
    "emptied": "the real status with an empty body; messages become {{}}",
    "delayed": "answers and messages come {delay_s:g} s later",
    "swapped": "{fields} carry somebody else's value",
    "drop_event": "messages that name {event} are dropped",
    "reorder": "messages that name {event} come after the next one",
    "status": "{status} to everything",
    "close": "each socket is closed with {code} after {after} messages",
}


class Control(Record):
    """One thing that is broken on purpose.

    Alone, without asking the real target: `refused` nobody listens · `forbidden` 403 to everything
    · `broken` 500 · `empty` 200 with nothing in it, and silent sockets · `silent` never answers ·
    `closed` 200 with `{}`, and each socket is closed with 1000 at once.

    In front of the real target: `no_auth` who is refused gets in · `canned` the first good answer
    again for ever · `emptied` the real status with an empty body, messages become `{}` · `delayed`
    answers and messages come later · `swapped` fields that name a user carry another value ·
    `drop_event` messages that name an event are dropped · `reorder` they come after the next one ·
    `status` another status to everything · `close` each socket is closed after some messages.

    `path` keeps any of them but `refused` to one part of a service; the rest is whole.
    """

    id: Identifier = Field(description="unique among all controls")
    kind: Kind = Field(description="what is broken")
    service: str = Field("", description="the only service that is broken; empty: each")
    path: str = Field("", description="where a broken path begins; empty: each path")
    event: str = Field("", description="of `drop_event`, `reorder`: any field of a message has it")
    status: int | None = Field(None, ge=200, le=599, description="of `status`: given instead")
    delay: Seconds | None = Field(None, description="of `delayed`; `2s` when not given")
    fields: tuple[str, ...] = Field((), description="of `swapped`; those that name a user")
    code: int | None = Field(None, description="of `close`: a close code; 1000 when not given")
    after: int = Field(0, ge=0, description="of `close`: messages of the server before it")

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        """A key that the kind does not read would be broken in the reader's mind only."""
        if faults := [*self._keys(), *self._values()]:
            raise ValueError("; ".join(faults))
        return self

    def _keys(self) -> list[str]:
        reads = _READS[self.kind].split()
        every = dict.fromkeys(name.lstrip("!") for keys in _READS.values() for name in keys.split())
        known = {name.lstrip("!") for name in reads}
        given = [
            name for name in every if getattr(self, name) != type(self).model_fields[name].default
        ]
        unread = [f"{self.kind} reads no {name}" for name in given if name not in known]
        needed = [name[1:] for name in reads if name.startswith("!")]
        return unread + [f"{self.kind} needs {name}" for name in needed if name not in given]

    def _values(self) -> list[str]:
        faults = []
        if self.path and not self.path.startswith("/"):
            faults.append(f"expected a path that begins with /, got {self.path!r}")
        if self.code is not None and not _closes(self.code):
            faults.append(f"{self.code} is no close code that may be sent (RFC 6455 7.4)")
        return faults

    @property
    def stands_alone(self) -> bool:
        """Whether the real target is never asked."""
        return self.kind in WITHOUT_TARGET and not self.path

    @property
    def is_outage(self) -> bool:
        """Whether nothing at all works: no test that needs the target can rightly be green.

        Under `forbidden` a test of a refusal is, and under `closed` one that needs no socket.
        """
        whole = not self.path and not self.service
        return whole and self.kind in ("refused", "broken", "empty", "silent")

    @property
    def learns(self) -> bool:
        """Whether it must have heard the sound target first: its first run proves little."""
        return self.kind in ("canned", "no_auth")

    @property
    def delay_s(self) -> float:
        """How much later answers come."""
        return _DELAY_S if self.delay is None else self.delay

    @property
    def swapped_fields(self) -> tuple[str, ...]:
        """Names of the fields that get another value."""
        return self.fields or USER_FIELDS

    @property
    def close_code(self) -> int:
        """What each socket is closed with."""
        return 1000 if self.code is None else self.code

    @property
    def sentence(self) -> str:
        """What is broken, and where."""
        text = _SAYS[self.kind].format(
            delay_s=self.delay_s, fields=", ".join(self.swapped_fields), event=self.event,
            status=self.status, code=self.close_code, after=self.after,
        )  # fmt: skip
        where = [f"under {self.path}"] * bool(self.path) + [f"of {self.service}"] * bool(
            self.service
        )
        return " ".join([text, *where])


def _closes(code: int) -> bool:
    """RFC 6455 7.4: 1004 to 1006 and 1015 are never sent."""
    return code in (1000, 1001, 1002, 1003, *range(1007, 1015)) or 3000 <= code <= 4999


STANDARD: tuple[Control, ...] = (
    Control(id="refused", kind="refused"),
    Control(id="forbidden", kind="forbidden"),
    Control(id="broken", kind="broken"),
    Control(id="empty", kind="empty"),
    Control(id="silent", kind="silent"),
    Control(id="closed", kind="closed"),
    Control(id="no-auth", kind="no_auth"),
    Control(id="canned", kind="canned"),
    Control(id="emptied", kind="emptied"),
    Control(id="delayed", kind="delayed"),
    Control(id="swapped", kind="swapped"),
)
