"""Every revision of the reference stack gets its verdict (`make soak`, some 12 minutes)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.soak
def test_every_revision_gets_its_verdict() -> None:
    command = [sys.executable, "-m", "tests.truth_table"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=2400)
    assert done.returncode == 0, done.stdout
