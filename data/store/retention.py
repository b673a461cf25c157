"""Old raw samples → histograms: verdicts, results and percentiles of runs stay for ever."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from data.store.connect import Connection, is_missing, writing
from data.store.lock import Deadline
from data.store.warehouse import Warehouse

# A baseline needs raw samples; `baseline.runs` of a plan is far below this.
N_KEPT_RAW = 200
# Bins of 1 %: each keeps its middle sample, so that a percentile is off by 1 % at most.
_WIDTH = 1.01


class Compacted(NamedTuple):
    """What was compacted: runs, and how many samples of theirs became how many bins."""

    n_runs: int
    n_samples: int
    n_bins: int


def compact(
    warehouse: Warehouse, before: datetime, wait_s: float, n_kept_raw: int = N_KEPT_RAW
) -> Compacted:
    """Turn raw samples of runs that began before a moment into histograms, in one transaction.

    The newest `n_kept_raw` runs of each plan and environment keep theirs whatever their age: later
    runs are compared with them.

    Raises:
        WarehouseBusy: others held the warehouse until the deadline.
        WarehouseError: it cannot be written.
    """
    if is_missing(warehouse.path):
        return Compacted(0, 0, 0)
    asked = {"before": before, "kept": n_kept_raw}
    with writing(warehouse.path, Deadline(wait_s)) as connection:
        connection.execute("BEGIN")
        try:
            connection.execute(_OLD, asked)
            done = _replaced(connection)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
    return done


def _replaced(connection: Connection) -> Compacted:
    for statement in (_BINS, _BOOK, _DROP):
        connection.execute(statement)
    row = connection.execute(_DONE).fetchone()
    connection.execute("DROP TABLE old_run")
    return Compacted(*row) if row else Compacted(0, 0, 0)


_OLD = """
CREATE OR REPLACE TEMP TABLE old_run AS
SELECT run_no, run_id FROM store.place
WHERE run_no IN (SELECT run_no FROM store.sample)
QUALIFY started_at < $before AND row_number() OVER (
    PARTITION BY plan, environment ORDER BY started_at DESC, run_id DESC) > $kept
"""
_BINS = f"""
INSERT INTO store.histogram
SELECT
    run_no, min(run_id), phase, probe, metric, unit, ok, quantile_disc("value", 0.5), count(*)
FROM store.sample SEMI JOIN old_run USING (run_no)
GROUP BY run_no, phase, probe, metric, unit, ok, sign("value"),
    CASE WHEN "value" <> 0 THEN floor(ln(abs("value")) / ln({_WIDTH})) END
"""
_BOOK = """
INSERT INTO store.compacted
SELECT run_no, min(run_id), count(*), now() FROM store.sample SEMI JOIN old_run USING (run_no)
GROUP BY run_no
"""
_DROP = "DELETE FROM store.sample WHERE run_no IN (SELECT run_no FROM old_run)"
_DONE = """
SELECT count(*)::BIGINT, coalesce(sum(n_samples), 0)::BIGINT,
    (SELECT count(*) FROM store.histogram SEMI JOIN old_run USING (run_no))
FROM store.compacted SEMI JOIN old_run USING (run_no)
"""
