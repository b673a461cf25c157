"""The recorded history of one product: read in place, and left out where it is absent."""

from __future__ import annotations

from pathlib import Path

import pytest

HISTORY = Path(__file__).parents[2] / "shared" / "data" / "netra_history_tests.csv"
# as docs/operate.md says it
MAPPED = {"started_at": "generated", "revision": "commit", "suite": "file", "message": "error"}
needs_history = pytest.mark.skipif(
    not HISTORY.exists(), reason=f"no {HISTORY.name} in ../shared/data"
)
