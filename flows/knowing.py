"""What a run knows of those before it when it is judged."""

from __future__ import annotations

from data.records.evidence import Evidence, History
from data.records.facts import RunStarted
from data.records.plan import Baseline
from data.rules.returning import Served, deployed_revision, is_return
from data.store.connect import Connection
from data.store.history import Before, history_of
from data.store.serving import served_before
from data.store.warehouse import Warehouse


def known_before(
    store: Warehouse, evidence: Evidence, kept: Baseline
) -> tuple[History, RunStarted | None]:
    """The history, and the run's first fact anew where its deployment turns out to be a return.

    Where nobody can read what served before, the history is not readable either, and nobody knows
    what to go back to.
    """
    run = evidence.run
    unknown: tuple[History, tuple[Served, ...]] = (History(readable=False), ())

    def ask(connection: Connection, before: Before) -> tuple[History, tuple[Served, ...]]:
        return history_of(connection, before, kept), served_before(connection, before)

    history, line = store.earlier(run.plan, run.environment, run.run_id, ask, unknown)
    if run.is_rollback or not is_return(deployed_revision(evidence), line):
        return history, None
    return history, run.model_copy(update={"is_rollback": True})
