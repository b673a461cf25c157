"""Which flow runs only look alive: Prefect calls them running, and no process is behind them."""

from __future__ import annotations

from datetime import datetime

from data.records.zombies import Sign

_OPEN = ("PENDING", "RUNNING", "CANCELLING", "PAUSED", "EXPIRED")
_UNDECIDED = "nobody decided in time, and its process did not end it"
GONE_S = 30.0
QUIET_S = 300.0


def death_of(sign: Sign, now: datetime, gone_s: float = GONE_S, quiet_s: float = QUIET_S) -> str:
    """Why a run is over although nobody said so; "" while it may be alive.

    - A journal that some process holds: alive, however quiet.
    - A journal that nobody holds, and no sign for `gone_s`: its process is gone. (A run closes its
      journal a moment before it tells Prefect of its end.) Prefect knows it as crashed: at once.
    - No journal here, heartbeats that were heard and stopped `quiet_s` ago: gone.
    - Waits for a person: its process does so, and holds the journal. One without a journal here
      waits until its time has run out; its own process would have ended it well before that.
      Prefect looks for such runs too, and may come first: it fails them, which is no verdict.
    - No journal here, and it waits to begin, or to be cancelled, for `quiet_s`: no process came.
    - No journal here and no heartbeat ever: nobody can say, so it is left alone.
    """
    if sign.journal == "held":
        return ""
    if sign.state == "CRASHED":
        return "its process crashed" if sign.journal == "free" else ""
    if sign.state not in _OPEN:
        return ""
    signs = (at for at in (sign.since, sign.wrote_at, sign.beat_at) if at is not None)
    still_s = (now - max(signs)).total_seconds()
    if sign.journal == "free":
        return f"its process is gone, nothing for {still_s:.0f} s" if still_s >= gone_s else ""
    if sign.state == "EXPIRED":
        return _UNDECIDED
    if sign.state == "PAUSED":
        return _UNDECIDED if sign.until is not None and now > sign.until else ""
    if still_s < quiet_s:
        return ""
    if sign.state != "RUNNING":
        return f"no process took it up within {still_s:.0f} s"
    return f"no heartbeat for {still_s:.0f} s" if sign.beat_at is not None else ""
