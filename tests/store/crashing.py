"""`python -m tests.store.crashing WAREHOUSE WORK N`: do the work, killed before its N-th step.

A step is whatever changes a file outside of DuckDB, or its transaction: the process kills itself
with SIGKILL before the N-th one. Prints how many there were when it lives to the end.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from data.store import absorb, connect, labels, load, mend, published
from data.store.upkeep import keep_up
from data.store.warehouse import Warehouse
from tests.store.runs import at, run, test_result

STEPS: list[tuple[Any, str]] = [
    (os, "fsync"), (os, "ftruncate"), (os, "link"), (os, "rename"), (os, "replace"),
    (os, "unlink"), (os, "mkdir"), (Path, "rename"), (Path, "replace"), (Path, "unlink"), (Path, "mkdir"),
    (Path, "chmod"), (published.shutil, "copyfile"), (load, "_insert"), (load, "_delete"),
    (load, "_verify"), (load, "_book"), (load, "fill"), (absorb, "store"), (absorb, "file_away"),
    (connect, "publish"), (mend, "publish"), (mend, "put"), (labels, "note"), (labels, "put"),
]  # fmt: skip
EARLIER = [*run(3), test_result(3, "late", "FAIL")]


def record(warehouse: Warehouse) -> None:
    """A new run is written and taken in, an earlier one goes on, and both are filed."""
    for facts in (run(2), EARLIER[-1:]):
        with warehouse.open_spool(facts[0].run_id) as journal:
            journal.append_all(facts)
        warehouse.take_in()
    warehouse.absorb()


def label(warehouse: Warehouse) -> None:
    warehouse.label("run-3", "bad", "it broke", "ann", at(9))


def rebuild(warehouse: Warehouse) -> None:
    keep_up(warehouse, 10.0)


def killed_before(step: int) -> list[int]:
    """Wrap every step; the count of steps so far."""
    seen = [0]

    def wrapped(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            seen[0] += 1
            if seen[0] == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **named)

        return call

    for place, name in STEPS:
        setattr(place, name, wrapped(getattr(place, name)))
    return seen


if __name__ == "__main__":
    path, work, step = Path(sys.argv[1]), globals()[sys.argv[2]], int(sys.argv[3])
    steps = killed_before(step)
    work(Warehouse(path, wait_s=10.0))
    print(steps[0])
