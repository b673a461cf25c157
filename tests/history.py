"""The recorded history of one product: read in place, and left out where it is absent."""

from __future__ import annotations

from pathlib import Path

import pytest

_DATA = Path(__file__).parents[2] / "shared" / "data"
HISTORY, SESSIONS = _DATA / "netra_history_tests.csv", _DATA / "netra_history_sessions.csv"
# as docs/operate.md says it
MAPPED = {"started_at": "generated", "revision": "commit", "suite": "file", "message": "error"}
needs_history = pytest.mark.skipif(
    not (HISTORY.exists() and SESSIONS.exists()),
    reason=f"no {HISTORY.name} and {SESSIONS.name} in ../shared/data",
)
