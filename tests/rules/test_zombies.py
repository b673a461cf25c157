"""A run is only called dead where somebody can know it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.records.zombies import Sign
from data.rules.zombies import death_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AGES = st.floats(0, 100_000)


def sign(
    state: str, journal: Any, since_s: float, until_s: float | None = None, **ago_s: float
) -> Sign:
    until = None if until_s is None else NOW + timedelta(seconds=until_s)
    at = {f"{name}_at": NOW - timedelta(seconds=s) for name, s in ago_s.items()}
    since = NOW - timedelta(seconds=since_s)
    return Sign(
        flow_run_id="f", run_id="r", state=state, since=since, journal=journal, until=until, **at
    )


TABLE: dict[str, tuple[Sign, bool]] = {
    "killed": (sign("RUNNING", "free", 600, wrote=40), True),
    "just ending": (sign("RUNNING", "free", 600, wrote=5), False),
    "begun a moment ago": (sign("RUNNING", "free", 5, wrote=600), False),
    "quiet and alive": (sign("RUNNING", "held", 9000, wrote=9000), False),
    "elsewhere, heartbeats go on": (sign("RUNNING", "absent", 9000, beat=20), False),
    "elsewhere, heartbeats stopped": (sign("RUNNING", "absent", 9000, beat=400), True),
    "elsewhere, nobody can say": (sign("RUNNING", "absent", 9000), False),
    "no process came": (sign("PENDING", "absent", 400), True),
    "a process comes": (sign("PENDING", "absent", 40), False),
    "nobody ended it": (sign("CANCELLING", "absent", 400), True),
    "crashed": (sign("CRASHED", "free", 1), True),
    "crashed before it began": (sign("CRASHED", "absent", 1), False),
    "waits for a person": (sign("PAUSED", "held", 9000), False),
    "waits for a person elsewhere": (sign("PAUSED", "absent", 9000), False),
    "waits for a person elsewhere, in time": (sign("PAUSED", "absent", 9000, until_s=60), False),
    "waited for a person elsewhere": (sign("PAUSED", "absent", 9000, until_s=-1), True),
    "expired elsewhere, Prefect came first": (sign("EXPIRED", "absent", 3), True),
    "expired for Prefect, and still writes": (sign("EXPIRED", "held", 3), False),
    "expired here, a moment ago": (sign("EXPIRED", "free", 3, wrote=3), False),
    "waits on here, whatever Prefect was told": (sign("PAUSED", "held", 9000, until_s=-1), False),
    "killed while it waited": (sign("PAUSED", "free", 600, wrote=600), True),
    "waits for its time": (sign("SCHEDULED", "absent", 9000), False),
}


@pytest.mark.parametrize("found,dead", TABLE.values(), ids=TABLE)
def test_what_is_dead(found: Sign, dead: bool) -> None:
    assert bool(death_of(found, NOW)) == dead


@given(st.sampled_from(["PENDING", "RUNNING", "CANCELLING"]), AGES, AGES, AGES)
def test_a_newer_sign_never_kills(state: str, since_s: float, beat_s: float, less_s: float) -> None:
    older = sign(state, "absent", since_s, beat=beat_s)
    newer = sign(state, "absent", since_s, beat=min(beat_s, less_s))
    assert not death_of(newer, NOW) or death_of(older, NOW)


@given(st.sampled_from(["PENDING", "RUNNING", "CANCELLING", "CRASHED"]), AGES, AGES)
def test_a_held_journal_is_life(state: str, since_s: float, wrote_s: float) -> None:
    assert death_of(sign(state, "held", since_s, wrote=wrote_s), NOW) == ""
