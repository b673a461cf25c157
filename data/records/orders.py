"""Orders: everything a task needs, resolved by the composition root (`flows/wiring.py`)."""

from __future__ import annotations

from pathlib import Path

from data.records.plan import Suite
from data.records.probe_plan import ProbePlan
from data.records.record import Record


class Endpoint(Record):
    """One address that counts as contact with the target. `host` is as the plan wrote it."""

    host: str
    port: int


class SuiteOrder(Record):
    """Run one attempt of one suite.

    Attributes:
        command, cwd, env: the process as it is to be started, templates filled in; `env` is whole.
        targets: addresses whose traffic counts as contact.
        only: run these tests alone (a retry, a resume), and miss them if they do not; empty = all.
        shard, n_shards: which of the processes that share the suite this is, from 1.
        given: what a later shard runs of the tests that are there; () for the first shard.
        others: what the first shard leaves to the later ones: it runs all that nobody else does.
        work_dir: folder of this suite's streams and logs; survives the gate.
        timeout_s, test_timeout_s: budgets of the process and of each test.
        proxied: services (name -> URL) whose contact a proxy is to see, {} for none.
        watched: targets whose contact is to be seen on the sockets of the suite's processes, as no
            proxy can stand before them; () for none.
    """

    run_id: str
    phase: str
    suite: Suite
    command: tuple[str, ...]
    cwd: Path
    env: dict[str, str]
    targets: tuple[Endpoint, ...]
    attempt: int = 1
    only: tuple[str, ...] = ()
    shard: int = 1
    n_shards: int = 1
    given: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    work_dir: Path
    timeout_s: float
    test_timeout_s: float | None = None
    proxied: dict[str, str] = {}
    watched: tuple[Endpoint, ...] = ()


class ProbeOrder(Record):
    """Run one attempt of one probe. `variables` are the plan's templates, already resolved.

    `root`: the plan's folder, where the functions of `python` steps are.
    """

    run_id: str
    phase: str
    probe: ProbePlan
    variables: dict[str, str]
    attempt: int = 1
    root: Path = Path()
