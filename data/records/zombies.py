"""What can be known of a flow run whose process may be gone."""

from __future__ import annotations

from typing import Literal

from data.records.record import AwareUtc, Record


class Sign(Record):
    """Signs of life of one flow run.

    Attributes:
        state: Prefect's type of its state, or EXPIRED where Prefect failed it because nobody had
            decided in time; since: when it came into it.
        journal: `held` by a process, `free` (nobody holds it), or `absent` from this machine.
        wrote_at: the last fact of the journal; beat_at: the last heartbeat that Prefect heard.
        until: when whoever waits for a person gives up, as Prefect was told; None: nobody told.
    """

    flow_run_id: str
    run_id: str
    state: str
    since: AwareUtc
    journal: Literal["held", "free", "absent"]
    wrote_at: AwareUtc | None = None
    beat_at: AwareUtc | None = None
    until: AwareUtc | None = None
