"""Laws of a waterfall: it is whole, in order, and holds no value of the plan."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from data.rules.journey.moves import Closed, Event, Message, Opened, Sent, Timer
from data.rules.journey.trace import MOST_SPANS, spans
from tests.probes.doubles import read
from tests.probes.taxonomy import chat

STEPS = read(chat("ws://x/{{token}}", open={"url": "ws://x/{{token}}"})).steps  # type: ignore[union-attr]
TIMES = st.lists(st.floats(0, 100, allow_nan=False), min_size=1, max_size=2 * MOST_SPANS)


def walk(*events: tuple[int, Event]) -> list[str]:
    found = spans(STEPS, list(events), 0.0, True)
    return [span.name for span in found]


def test_each_wait_is_named_by_what_ended_it() -> None:
    assert walk(
        (1, Opened(None, 0.0, 0.1)), (1, Message('{"type": "hello"}', 0.2)), (2, Sent(0.3)),
        (3, Message('{"type": "began"}', 0.4)), (3, Message("{}", 0.5)), (3, Timer(0.6)),
        (4, Timer(0.7)), (5, Closed(1000, "", "answer", 0.8)),
        (5, Closed(1011, "user 7f3a2c10", "server", 0.9)),
    ) == ["open", "hello", "sent", "began", "message", "silence", "pause", "closed",
          'closed by the server with # "user #']  # fmt: skip


@given(TIMES)
def test_spans_follow_each_other_without_gaps_or_steps_back(times: list[float]) -> None:
    moments = [(3, Timer(t)) for t in times]
    found = spans(STEPS, moments, 0.0, passed=False)
    assert len(found) == min(len(times), MOST_SPANS)
    assert all(span.start_s <= span.end_s for span in found)
    assert all(a.end_s == b.start_s for a, b in pairwise(found))
    assert [span.ok for span in found] == [True] * (len(found) - 1) + [False]


def test_addresses_stand_as_the_plan_wrote_them() -> None:
    found = spans(STEPS, [(1, Opened(None, 0.0, 0.1))], 0.0, True)
    assert found[0].step == "1 open ws://x/{{token}}"
