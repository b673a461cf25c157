"""What `goldenpath register` makes at a Prefect server."""

from __future__ import annotations

from typing import Any, Literal

from data.records.record import Record

Flow = Literal["validate", "audit", "watch", "upkeep", "zombies"]


class Planned(Record):
    """A plan that is to be registered; `file` as the worker sees it."""

    file: str
    plan: str
    environment: str
    blocks: tuple[str, ...] = ()
    watched: bool = False


class Wanted(Record):
    """What the caller asked for. Times are cron lines in UTC; "" makes no such deployment."""

    plans: tuple[Planned, ...]
    pool: str
    warehouse: str
    every: str = ""
    audit: str = ""
    watch: str = ""
    upkeep: str = ""
    backups: str = ""


class Order(Record):
    """One deployment. What shares a queue waits for each other."""

    flow: Flow
    name: str
    queue: str
    description: str
    parameters: dict[str, Any]
    cron: str = ""
    tags: tuple[str, ...]


class Alarm(Record):
    """One automation: an event of a flow run of the gate leads to a message."""

    name: str
    event: str
    said: str
