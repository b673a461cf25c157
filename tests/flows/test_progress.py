"""What a person is told while a run goes on."""

from __future__ import annotations

import io

from flows.progress import Progress
from tests.rules.making import green, suite, test

WHERE = ("core", "api")


def test_a_test_that_is_told_twice_is_counted_once() -> None:
    """Contact by time is known at the end only, and the test is told again with it."""
    out = io.StringIO()
    progress = Progress(green().plan, out)
    for witnessed in (None, True):
        progress(test(WHERE, "t", "FAIL", message="503", witnessed=witnessed))
    progress(suite(WHERE))
    said = out.getvalue()
    assert said.count("FAIL api t: 503") == 1
    assert "api: 0 of 1 passed" in said
