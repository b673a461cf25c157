-- health. Grain: one row a run, stage (before, gate, end) and service.
-- Units: latency_ms milliseconds, ready_after_s seconds after the deploy, *_at UTC.
CREATE OR REPLACE VIEW health AS
SELECT
    c.*, h.stage, h.service, h.state, h.status_code, h.latency_ms, h.n_reads, h.ready_after_s,
    h.message, h.dependencies, h."at" AS read_at
FROM store.health AS h
JOIN store.context AS c USING (run_id);
COMMENT ON VIEW health IS 'One row a run, stage (before, gate, end) and service: state as read from the body';
