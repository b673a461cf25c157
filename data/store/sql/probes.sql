-- probes. Grain: one row a run, phase and probe: its last attempt.
-- Units: n, n_failed checks or journeys of that attempt; duration_s seconds of all attempts; UTC.
-- failures: at most 20, each with ordinal, step, signature, message.
CREATE OR REPLACE VIEW probes AS
SELECT
    c.*, p.phase, ph.priority, p.probe, p.kind, p.outcome, p.n, p.n_failed, p.message,
    p.failures, p.n_attempts, p.total_s AS duration_s, p.started_at AS probe_started_at
FROM (
    SELECT *,
        count(*) OVER one AS n_attempts,
        sum(duration_s) OVER one AS total_s,
        row_number() OVER (PARTITION BY run_id, phase, probe ORDER BY attempt DESC) AS back
    FROM store.probe
    WINDOW one AS (PARTITION BY run_id, phase, probe)
) AS p
JOIN store.context AS c USING (run_id)
LEFT JOIN store.phase AS ph ON ph.run_id = p.run_id AND ph.phase = p.phase
WHERE p.back = 1;
COMMENT ON VIEW probes IS 'One row a run, phase and probe: its last attempt; n_failed of n checks or journeys failed';
