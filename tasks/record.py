"""The single writer: a spool line first, then whoever listens, and the warehouse at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from data.records.evidence import Evidence, History, RunView
from data.records.facts import Fact
from data.store.fold import evidence_of, run_view_of
from data.store.spool import Spool, read_spool, spool_path

Listener = Callable[[Fact], None]


class Recorder:
    """Writes the facts of one run.

    A fact is on disk before `record` returns. What was recorded is read back from the spool and
    never from memory, so that a judge sees what a later reader sees.
    """

    def __init__(self, folder: Path, run_id: str, listeners: Iterable[Listener] = ()) -> None:
        self.run_id, self.path = run_id, spool_path(folder, run_id)
        self._spool = Spool.open(folder, run_id)
        self._listeners = tuple(listeners)

    def record(self, fact: Fact) -> None:
        """Write one fact, then tell the listeners.

        Raises:
            SpoolError: the journal cannot be written.
        """
        self._spool.append(fact)
        for listener in self._listeners:
            listener(fact)

    def record_all(self, facts: Iterable[Fact]) -> None:
        """Write facts that are all there already; on disk when this returns. Nobody listens.

        Raises:
            SpoolError: the journal cannot be written.
        """
        self._spool.append_all(facts)

    def facts(self) -> tuple[Fact, ...]:
        """Every fact so far, as the spool has them."""
        return tuple(read_spool(self.path))

    def evidence(self) -> Evidence:
        """The run's evidence so far."""
        return evidence_of(self.facts())

    def view(self, history: History | None = None) -> RunView:
        """Everything that a report shows."""
        return run_view_of(self.facts(), history)

    def close(self) -> None:
        """End writing; the spool stays."""
        self._spool.close()
